"""Recurrent layers in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.lacking.padding import PaddedGRU, PaddedLSTM, PaddedRNN
from twintrain.frameworks.torch.modules import Recurrent
from twintrain.models.network import PlacedLayer

# PyTorch's own, and those that are given masks.
_KINDS: dict[str, tuple[type[nn.RNNBase], type[nn.RNNBase]]] = {
    "simple_rnn": (nn.RNN, PaddedRNN),
    "lstm": (nn.LSTM, PaddedLSTM),
    "gru": (nn.GRU, PaddedGRU),
}


def simple_rnn(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _recurrent([placed])


def lstm(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _recurrent([placed])


def gru(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units); the reset gate acts after the product."""
    return _recurrent([placed])


def bidirectional(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, 2 · units) or (rows, steps, 2 · units), the forward one first."""
    return _recurrent(list(placed.parts))


def _recurrent(directions: list[PlacedLayer]) -> nn.Module:
    """A recurrent layer, or two that read against each other."""
    placed = directions[0]
    layer = placed.layer
    rnn = _KINDS[placed.kind][placed.mask is not None](
        placed.input_shape[-1],
        layer.units,
        bias=layer.use_bias,
        batch_first=True,
        bidirectional=len(directions) == 2,
    )
    if placed.mask:
        rnn.gives_zeros = rnn.bidirectional and layer.return_sequences  # as in Keras
    return Recurrent(rnn, [direction.name for direction in directions], layer.return_sequences)
