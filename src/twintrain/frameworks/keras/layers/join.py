"""Joins in Keras."""

import keras

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.network import PlacedLayer


def add(placed: PlacedLayer) -> Layer:
    """Arrays of one shape → the same."""
    return keras.layers.Add(name=placed.name)


def concatenate(placed: PlacedLayer) -> Layer:
    """Arrays → one with the channels of all."""
    return keras.layers.Concatenate(name=placed.name)


def multiply(placed: PlacedLayer) -> Layer:
    """Arrays of one shape, or with axes of 1 → that shape."""
    return keras.layers.Multiply(name=placed.name)
