"""Cells that are added, left out or repeated, in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.layers.layer import cells_around, on_channels_first
from twintrain.models.network import PlacedLayer


def zero_padding(placed: PlacedLayer) -> nn.Module:
    """Sequences, images or volumes → the same with zeros around them."""
    return on_channels_first(cells_around(placed.layer.sides(placed.input_shape), 0.0), placed)


def cropping(placed: PlacedLayer) -> nn.Module:
    """Sequences, images or volumes → their inner part."""
    left_out = [(-before, -after) for before, after in placed.layer.sides(placed.input_shape)]
    return on_channels_first(cells_around(left_out, 0.0), placed)


def up_sampling2d(placed: PlacedLayer) -> nn.Module:
    """Images → larger ones; centres of pixels keep their places, as PyTorch's do."""
    size = tuple(map(float, placed.layer.size))
    return nn.Upsample(scale_factor=size, mode=placed.layer.interpolation)
