"""What the builders of all families share."""

from torch import nn

from twintrain.frameworks.torch.modules import Moved
from twintrain.models.layers.layer import same_padding
from twintrain.models.network import PlacedLayer


def on_channels_first(module: nn.Module, placed: PlacedLayer) -> nn.Module:
    """What PyTorch does to the second axis, done to the channels of sequences, which are last."""
    return Moved(module, -1, 1) if len(placed.input_shape) == 2 else module


def padded(window: nn.Module, placed: PlacedLayer, kernel: int, stride: int, value: float) -> nn.Module:
    """A window, and before it the padding that `same` adds, as TensorFlow places it."""
    if placed.layer.padding == "valid":
        return window
    # PyTorch counts axes from the last one.
    sides = [same_padding(size, kernel, stride) for size in reversed(placed.input_shape[:-1])]
    pad = nn.ConstantPad2d if placed.is_of_images else nn.ConstantPad1d
    return nn.Sequential(pad(sum(sides, ()), value), window)
