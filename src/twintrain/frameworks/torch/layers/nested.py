"""Layers that are made of stacks of others, in PyTorch."""

from collections import OrderedDict

from torch import nn

from twintrain.frameworks.torch import layers
from twintrain.frameworks.torch.layers.recurrent import recurrent
from twintrain.frameworks.torch.modules import Inception, Residual
from twintrain.models.network import PlacedLayer


def bidirectional(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, 2 · units) or (rows, steps, 2 · units), the forward one first."""
    directions = [layer for (layer,) in placed.children]
    return recurrent({"simple_rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[directions[0].kind], directions)


def inception(placed: PlacedLayer) -> nn.Module:
    """Any shape → branches side by side on the last axis."""
    return Inception([stack(children) for children in placed.children], axis=1 if len(placed.output_shape) == 3 else -1)


def residual(placed: PlacedLayer) -> nn.Module:
    """Any shape → layers(x) + shortcut(x)."""
    return Residual(*(stack(children) for children in placed.children))


def stack(placed_layers: tuple[PlacedLayer, ...]) -> nn.Sequential:
    """The layers, one after the other."""
    return nn.Sequential(OrderedDict((placed.name, layers.BUILDERS[placed.kind](placed)) for placed in placed_layers))
