"""Normalisation in Keras."""

import keras

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer


def batch_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same; Keras's momentum is the share that stays."""
    layer = placed.layer
    return keras.layers.BatchNormalization(**given(momentum=layer.momentum, epsilon=layer.epsilon), name=placed.name)


def layer_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same, normalised along the last axis."""
    return keras.layers.LayerNormalization(**given(epsilon=placed.layer.epsilon), name=placed.name)
