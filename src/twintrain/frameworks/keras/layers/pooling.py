"""Pooling in Keras."""

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.layers.layer import same_padding
from twintrain.models.network import PlacedLayer


def max_pool1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; padding never wins."""
    return _pool(keras.layers.MaxPooling1D, placed)


def max_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding never wins."""
    return _pool(keras.layers.MaxPooling2D, placed)


def avg_pool1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; padding is not counted."""
    return _avg_pool(keras.layers.AveragePooling1D, placed)


def avg_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding is not counted."""
    return _avg_pool(keras.layers.AveragePooling2D, placed)


def global_avg_pool(placed: PlacedLayer) -> Layer:
    """Sequences or images → (rows, channels)."""
    kind = keras.layers.GlobalAveragePooling2D if placed.is_of_images else keras.layers.GlobalAveragePooling1D
    return kind(name=placed.name)


def _pool(kind: type[keras.Layer], placed: PlacedLayer) -> Layer:
    layer = placed.layer
    return kind(layer.pool_size, layer.stride, padding=layer.padding, name=placed.name)


def _avg_pool(kind: type[keras.Layer], placed: PlacedLayer) -> Layer:
    layer = placed.layer
    if layer.padding == "valid" or keras.backend.backend() != "torch":
        return _pool(kind, placed)
    # On PyTorch, Keras counts the padding where it is uneven: here the mean of the padded values is divided by that
    # of the padded ones.
    sides = [same_padding(size, layer.pool_size, layer.stride) for size in placed.input_shape[:-1]]
    padding = [(0, 0), *sides, (0, 0)]
    end = keras.layers.Identity(name=placed.name)

    def mean(values: KerasTensor) -> KerasTensor:
        return ops.average_pool(ops.pad(values, padding), layer.pool_size, layer.stride, padding="valid")

    return lambda values: end(mean(values) / mean(ops.ones_like(values)))
