"""What the builders of all families share."""

from collections.abc import Sequence

from torch import nn

from twintrain.frameworks.torch.modules import Moved
from twintrain.models.network import PlacedLayer


def on_channels_first(module: nn.Module, placed: PlacedLayer) -> nn.Module:
    """What PyTorch does to the second axis, done to the channels of sequences, which are last."""
    return Moved(module, -1, 1) if len(placed.input_shape) == 2 else module


def cells_around(sides: Sequence[tuple[int, int]], value: float) -> nn.Module:
    """Adds cells of a value before and after each axis behind the channels; a negative number leaves cells out."""
    kind = {1: nn.ConstantPad1d, 2: nn.ConstantPad2d, 3: nn.ConstantPad3d}[len(sides)]
    # PyTorch counts axes from the last one.
    return kind(sum(reversed(sides), ()), value)
