"""Pooling in Keras."""

import math
from collections.abc import Callable

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.layers.layer import Layer, inner_name, of_axes, padding_word
from twintrain.frameworks.keras.layers.padding import padded_maximum, padded_mean
from twintrain.frameworks.keras.layers.window import padded
from twintrain.models.layers.pooling import Pool
from twintrain.models.network import PlacedLayer


def max_pool1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; padding never wins."""
    return _pool(keras.layers.MaxPooling1D, placed)


def max_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding never wins."""
    return _pool(keras.layers.MaxPooling2D, placed)


def max_pool3d(placed: PlacedLayer) -> Layer:
    """Volumes → volumes; padding never wins."""
    if not _knows_float32_alone():
        return _pool(keras.layers.MaxPooling3D, placed)
    largest = padded(_of_planes(keras.layers.MaxPooling2D, placed), placed, -math.inf)
    end = keras.layers.Identity(name=placed.name)
    return lambda values: end(largest(values))


def avg_pool1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; padding is not counted."""
    return _avg_pool(keras.layers.AveragePooling1D, placed)


def avg_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding is not counted."""
    return _avg_pool(keras.layers.AveragePooling2D, placed)


def avg_pool3d(placed: PlacedLayer) -> Layer:
    """Volumes → volumes; padding is not counted."""
    if not _knows_float32_alone():
        return _avg_pool(keras.layers.AveragePooling3D, placed)
    return _uncounted(_of_planes(keras.layers.AveragePooling2D, placed), placed)


def global_max_pool(placed: PlacedLayer) -> Layer:
    """Sequences, images or volumes → (rows, channels)."""
    if placed.mask:
        return _over_steps(padded_maximum, placed)
    kinds = keras.layers.GlobalMaxPooling1D, keras.layers.GlobalMaxPooling2D, keras.layers.GlobalMaxPooling3D
    return of_axes(placed, kinds)(name=placed.name)


def global_avg_pool(placed: PlacedLayer) -> Layer:
    """Sequences, images or volumes → (rows, channels)."""
    if placed.mask:
        return _over_steps(padded_mean, placed)
    stock = keras.layers
    kinds = stock.GlobalAveragePooling1D, stock.GlobalAveragePooling2D, stock.GlobalAveragePooling3D
    return of_axes(placed, kinds)(name=placed.name)


def _over_steps(pool: Callable[[KerasTensor, KerasTensor], KerasTensor], placed: PlacedLayer) -> Layer:
    end = keras.layers.Identity(name=placed.name)
    return lambda sequences, mask: end(pool(sequences, mask))


def _pool(kind: type[keras.Layer], placed: PlacedLayer) -> Layer:
    layer: Pool = placed.layer
    pool = kind(layer.pool_size, layer.moves, padding=padding_word(placed), name=placed.name)
    return pool if pool.padding == "same" or layer.padding == "valid" else padded(pool, placed, -math.inf)


def _avg_pool(kind: type[keras.Layer], placed: PlacedLayer) -> Layer:
    layer: Pool = placed.layer
    # On PyTorch, Keras counts the padding of `same` where it is uneven.
    if layer.padding == "valid" or (padding_word(placed) == "same" and keras.backend.backend() != "torch"):
        return _pool(kind, placed)
    return _uncounted(kind(layer.pool_size, layer.moves, name=inner_name(placed.name, "padded")), placed)


def _uncounted(mean: Layer, placed: PlacedLayer) -> Layer:
    """The mean of the padded values by that of padded ones: what is padded is not counted."""
    mean, end = padded(mean, placed, 0.0), keras.layers.Identity(name=placed.name)
    return lambda values: end(mean(values) / mean(ops.ones_like(values)))


def _knows_float32_alone() -> bool:
    """TensorFlow has no pools of volumes in float64, in which networks of float32 are recorded too."""
    return keras.backend.backend() == "tensorflow"


def _of_planes(kind: type[keras.Layer], placed: PlacedLayer) -> Layer:
    """A pool of volumes by two of images, of each plane and then through them."""
    (depth, *plane), (step, *steps) = placed.layer.pool_size, placed.layer.moves
    across = kind(plane, steps, name=inner_name(placed.name, "across"))
    through = kind((depth, 1), (step, 1), name=inner_name(placed.name, "through"))

    def pooled(volumes: KerasTensor) -> KerasTensor:
        _, planes, height, width, channels = volumes.shape
        images = across(ops.reshape(volumes, (-1, height, width, channels)))
        _, height, width, _ = images.shape
        columns = through(ops.reshape(images, (-1, planes, height * width, channels)))
        return ops.reshape(columns, (-1, columns.shape[1], height, width, channels))

    return pooled
