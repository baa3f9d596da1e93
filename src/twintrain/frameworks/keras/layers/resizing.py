"""Cells that are added, left out or repeated, in Keras."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from twintrain.frameworks.keras.layers.layer import Layer, of_axes
from twintrain.models.network import PlacedLayer


def zero_padding(placed: PlacedLayer) -> Layer:
    """Sequences, images or volumes → the same with zeros around them."""
    kinds = keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D
    return of_axes(placed, kinds)(_sides(placed), name=placed.name)


def cropping(placed: PlacedLayer) -> Layer:
    """Sequences, images or volumes → their inner part."""
    kinds = keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Cropping3D
    return of_axes(placed, kinds)(_sides(placed), name=placed.name)


def up_sampling2d(placed: PlacedLayer) -> Layer:
    """Images → larger ones; centres of pixels keep their places, as PyTorch's do."""
    layer = placed.layer
    if layer.interpolation == "nearest" or keras.config.floatx() != "float64":
        return keras.layers.UpSampling2D(layer.size, interpolation=layer.interpolation, name=placed.name)
    # TensorFlow's bilinear one is of float32, whatever the network's precision.
    end = keras.layers.Identity(name=placed.name)
    height, width = layer.size
    return lambda images: end(_between(_between(images, 1, height), 2, width))


def _sides(placed: PlacedLayer) -> tuple[Any, ...]:
    """Cells on both sides of each axis; of a single one, Keras takes them by themselves."""
    sides = placed.layer.sides(placed.input_shape)
    return sides if len(sides) > 1 else sides[0]


def _between(images: KerasTensor, axis: int, size: int) -> KerasTensor:
    """Images with so many pixels for one along an axis, each a mixture of the two whose centres are nearest."""
    shape = list(images.shape[1:])
    # How far the new centres are from that of the old pixel, in old pixels.
    places = (np.arange(size, dtype=images.dtype) + 0.5) / size - 0.5
    shares = np.maximum(-places, 0), 1 - np.abs(places), np.maximum(places, 0)
    edges = [(0, 0)] * 4
    edges[axis] = (1, 1)
    padded, pixels = ops.pad(images, edges, mode="symmetric"), shape[axis - 1]
    mixed = 0.0
    for first, share in enumerate(shares):
        cut = [slice(None)] * 4
        cut[axis] = slice(first, first + pixels)
        mixed = mixed + ops.expand_dims(padded[tuple(cut)], axis + 1) * share.reshape(-1, *[1] * (3 - axis))
    shape[axis - 1] *= size
    return ops.reshape(mixed, (-1, *shape))
