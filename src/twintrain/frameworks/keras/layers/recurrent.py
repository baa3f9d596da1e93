"""Recurrent layers in Keras."""

from typing import Any

import keras

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer


def simple_rnn(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _heeding(_simple_rnn(placed), placed)


def lstm(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _heeding(_lstm(placed), placed)


def gru(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units); the reset gate acts after the product."""
    return _heeding(_gru(placed), placed)


def bidirectional(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, 2 · units) or (rows, steps, 2 · units), the forward one first."""
    forward, _ = placed.parts
    kind = {"simple_rnn": _simple_rnn, "lstm": _lstm, "gru": _gru}[forward.kind]
    return _heeding(keras.layers.Bidirectional(kind(forward), name=placed.name), placed)


def _simple_rnn(placed: PlacedLayer) -> keras.Layer:
    return _recurrent(keras.layers.SimpleRNN, placed)


def _lstm(placed: PlacedLayer) -> keras.Layer:
    return _recurrent(keras.layers.LSTM, placed, **given(unit_forget_bias=placed.layer.unit_forget_bias))


def _gru(placed: PlacedLayer) -> keras.Layer:
    return _recurrent(keras.layers.GRU, placed, reset_after=True)


def _heeding(layer: keras.Layer, placed: PlacedLayer) -> Layer:
    """The layer, which is given its mask, if it takes one, in a way that Keras does not hand it on by itself."""
    return (lambda sequences, mask: layer(sequences, None, mask)) if placed.mask else layer


def _recurrent(kind: type[keras.Layer], placed: PlacedLayer, **options: Any) -> keras.Layer:
    layer = placed.layer
    shared = {"return_sequences": layer.return_sequences, "use_bias": layer.use_bias, "name": placed.name}
    if placed.mask and kind is not keras.layers.SimpleRNN:
        options["use_cudnn"] = False  # which takes padding at the end alone, and no row of nothing else
    return kind(layer.units, **shared, **options)
