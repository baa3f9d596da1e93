"""Recurrent layers in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.modules import Recurrent
from twintrain.models.network import PlacedLayer


def simple_rnn(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return recurrent(nn.RNN, [placed])


def lstm(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return recurrent(nn.LSTM, [placed])


def gru(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units); the reset gate acts after the product."""
    return recurrent(nn.GRU, [placed])


def recurrent(kind: type[nn.RNNBase], directions: list[PlacedLayer]) -> nn.Module:
    """A recurrent layer, or two that read against each other."""
    placed = directions[0]
    layer = placed.layer
    rnn = kind(
        placed.input_shape[-1],
        layer.units,
        bias=layer.use_bias,
        batch_first=True,
        bidirectional=len(directions) == 2,
    )
    return Recurrent(rnn, [direction.name for direction in directions], layer.return_sequences)
