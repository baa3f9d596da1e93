"""Normalisation in Keras."""

import keras

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer


def batch_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same; Keras's momentum is the share that stays."""
    layer = placed.layer
    options = given(momentum=layer.momentum, epsilon=layer.epsilon, scale=layer.scale, center=layer.center)
    return keras.layers.BatchNormalization(**options, name=placed.name)


def layer_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same, normalised along the last axis."""
    return keras.layers.LayerNormalization(**given(epsilon=placed.layer.epsilon), name=placed.name)


def group_norm(placed: PlacedLayer) -> Layer:
    """Sequences or images → the same, each group of channels normalised."""
    return _by_groups(placed, placed.layer.groups)


def instance_norm(placed: PlacedLayer) -> Layer:
    """Sequences or images → the same, each channel normalised."""
    return _by_groups(placed, placed.input_shape[-1])


def rms_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same, divided by the root mean square along the last axis."""
    return keras.layers.RMSNormalization(**given(epsilon=placed.layer.epsilon), name=placed.name)


def unit_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same, of length one along the last axis."""
    return keras.layers.UnitNormalization(name=placed.name)


def _by_groups(placed: PlacedLayer, groups: int) -> Layer:
    return keras.layers.GroupNormalization(groups, **given(epsilon=placed.layer.epsilon), name=placed.name)
