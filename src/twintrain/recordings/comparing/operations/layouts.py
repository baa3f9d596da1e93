"""Layouts of weights and of images, turned into one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

# Spatial axes first, then input, output or multiplier, as Keras has them.
CANONICAL = "DHWIOM"
SPATIAL = "DHW"


def canonical_axes(axes: str) -> str:
    """The letters of a weight's axes in our order; as they are where one is none of ours or stands twice."""
    if set(axes) <= set(CANONICAL) and len(set(axes)) == len(axes):
        return "".join(sorted(axes, key=CANONICAL.index))
    return axes


def canonical(array: np.ndarray, axes: str) -> np.ndarray:
    """A weight with its axes in our order: spatial ones, input, output.

    Raises:
        ValueError: the letters are not as many as the axes.
    """
    order = canonical_axes(axes)
    if order == axes:
        return array
    if len(axes) != array.ndim:
        raise ValueError(f"{len(axes)} letters {axes!r} for {array.ndim} axes")
    return np.transpose(array, [axes.index(letter) for letter in order])


def is_channels_first(options: Mapping[str, Any]) -> bool:
    """Whether the images of a layer have their channels before the spatial axes."""
    return options.get("data_format", "last") in ("first", "channels_first")


def to_last(array: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
    """An input (rows, …) of a layer with its channels last."""
    return np.moveaxis(array, 1, -1) if is_channels_first(options) else array


def from_last(array: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
    """An output with its channels last, in the layout of the layer."""
    return np.moveaxis(array, -1, 1) if is_channels_first(options) else array
