"""Recurrent layers in Keras."""

from typing import Any

import keras

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer


def simple_rnn(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return recurrent(keras.layers.SimpleRNN, placed)


def lstm(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return recurrent(keras.layers.LSTM, placed, **given(unit_forget_bias=placed.layer.unit_forget_bias))


def gru(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units); the reset gate acts after the product."""
    return recurrent(keras.layers.GRU, placed, reset_after=True)


def recurrent(kind: type[keras.Layer], placed: PlacedLayer, **options: Any) -> Layer:
    """A recurrent layer."""
    layer = placed.layer
    shared = {"return_sequences": layer.return_sequences, "use_bias": layer.use_bias, "name": placed.name}
    return kind(layer.units, **shared, **options)
