"""The padding of windows in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.layers.layer import cells_around
from twintrain.models.network import PlacedLayer


def padded(window: nn.Module, placed: PlacedLayer, value: float) -> nn.Module:
    """A window, and before it the padding of its layer; PyTorch's own is equal on both sides, and small for pools."""
    if placed.layer.padding == "valid":
        return window
    return nn.Sequential(cells_around(placed.layer.sides(placed.input_shape), value), window)
