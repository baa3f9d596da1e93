"""Convolutions in Keras."""

from typing import Any

import keras

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.network import PlacedLayer


def conv1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; `same` pads as TensorFlow does, an odd step after."""
    return keras.layers.Conv1D(placed.layer.filters, **_window(placed))


def conv2d(placed: PlacedLayer) -> Layer:
    """Images → images; `same` pads as TensorFlow does, an odd cell after."""
    return keras.layers.Conv2D(placed.layer.filters, **_window(placed))


def depthwise_conv2d(placed: PlacedLayer) -> Layer:
    """Images → images, each channel by itself; `same` as in conv2d."""
    return keras.layers.DepthwiseConv2D(depth_multiplier=placed.layer.depth_multiplier, **_window(placed))


def separable_conv2d(placed: PlacedLayer) -> Layer:
    """Images → images; `same` as in conv2d."""
    layer = placed.layer
    return keras.layers.SeparableConv2D(layer.filters, depth_multiplier=layer.depth_multiplier, **_window(placed))


def _window(placed: PlacedLayer) -> dict[str, Any]:
    """What all convolutions are told."""
    names = ("kernel_size", "strides", "padding", "use_bias")
    return {**{name: getattr(placed.layer, name) for name in names}, "name": placed.name}
