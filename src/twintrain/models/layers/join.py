"""Layers that make one array of several."""

import math
from abc import abstractmethod
from typing import ClassVar

from twintrain.errors import UserError
from twintrain.models.layers.layer import Layer, Padding, Shape


class Join(Layer):
    """A layer that takes two or more inputs of the same number of axes."""

    PADDING: ClassVar[Padding] = "passed on"
    INPUTS: ClassVar[tuple[int, float]] = (2, math.inf)

    @abstractmethod
    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        """Shape of one sample after the layer, from those of its inputs by what they are called.

        Raises:
            UserError: the inputs do not fit each other.
        """


class Add(Join):
    """The sum of arrays of one shape, from the first to the last."""

    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        first, *others = shapes.values()
        if any(shape != first for shape in others):
            raise UserError(f"{_given(shapes)}; expected equal shapes: {_mend(shapes)}")
        return first


class Multiply(Join):
    """The product of arrays, from the first to the last; an axis of 1 is stretched (a gate, as of Hu et al. 2018)."""

    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        first, *others = shapes.values()
        if any(len(shape) != len(first) for shape in others):
            raise UserError(f"{_given(shapes)}; expected equal numbers of axes: put a reshape before one of them")
        sizes = [set(axis) - {1} or {1} for axis in zip(*shapes.values(), strict=True)]
        if any(len(axis) > 1 for axis in sizes):
            raise UserError(f"{_given(shapes)}; expected equal shapes, or 1 along an axis: {_mend(shapes)}")
        return tuple(size for (size,) in sizes)


class Concatenate(Join):
    """Arrays side by side on the last axis: the features of vectors, the channels of sequences and images."""

    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        first, *others = shapes.values()
        if any(shape[:-1] != first[:-1] for shape in others):
            raise UserError(
                "they stand side by side on the last axis, all others must be equal, but "
                f"{_given(shapes)}; give them the same strides, and padding: same"
            )
        return (*first[:-1], sum(shape[-1] for shape in shapes.values()))


def _given(shapes: dict[str, Shape]) -> str:
    return ", ".join(f"{name} gives {shape}" for name, shape in shapes.items())


def _mend(shapes: dict[str, Shape]) -> str:
    """A layer that changes the last input into one that fits the first."""
    first, *_, name = shapes
    size = shapes[first][-1]
    layers = {1: f"dense: {{units: {size}}}", 2: f"conv1d: {{filters: {size}, kernel_size: 1}}"}
    layer = layers.get(len(shapes[first]), f"conv2d: {{filters: {size}, kernel_size: 1}} with the strides of {first}")
    return f"give {name} a layer such as {layer}"
