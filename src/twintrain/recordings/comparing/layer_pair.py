"""A layer of the reference and its counterpart, so that either can be computed on what the other was given."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twintrain.recordings.comparing.comparison import OPPOSITE, error, turned
from twintrain.recordings.comparing.operations import compute
from twintrain.recordings.comparing.sampling import Sampling
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.contents import Call
from twintrain.recordings.samples import is_whole

# How near a computed output must be to the recorded one for the operation to be the layer's, by precision.
REPRODUCED = {"float64": 1e-6, "float32": 1e-3}
# Up to this, an operation is what the layer does in float64 to the last digits.
TO_THE_END = 1e-12
MOST_ORDERS = 4
JOINS = {"add", "multiply", "concatenate"}
# Operations whose constants a framework may keep in float32, beside those in their options.
WITH_CONSTANTS = {"selu", "gelu", "hard_sigmoid", "hard_swish", "attention"}


@dataclass(frozen=True)
class Layer:
    """What a call computes, and on what.

    Attributes:
        inputs: what it was given, in its own layout.
        output: what it gave, or None where that is not known.
        sampling: how much of it is known, where not all is.
    """

    op: str | None
    options: Mapping[str, Any]
    weights: Mapping[str, tuple[np.ndarray, str]]
    inputs: tuple[np.ndarray, ...] = field(repr=False)
    output: np.ndarray | None = field(repr=False, default=None)
    sampling: Sampling | None = field(repr=False, default=None)

    @property
    def is_sampled(self) -> bool:
        """Whether only samples of its inputs are known."""
        return self.sampling is not None and self.sampling.has_samples

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of its first input."""
        return self.sampling.inputs[0] if self.sampling else self.inputs[0].shape

    def computed(self, *inputs: np.ndarray) -> np.ndarray | None:
        """What it gives for these inputs, or for its own; None where that is not known or shapes do not fit."""
        try:
            with np.errstate(all="ignore"):
                weights = (
                    self.sampling.weights(self.op, self.options, self.weights) if self.is_sampled else self.weights
                )
                output = None if weights is None else compute(self.op, self.options, weights, *(inputs or self.inputs))
                return self.sampling.kept(output) if self.sampling else output
        except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError):
            return None  # options or weights that do not go together are what a hypothesis may well try

    def reproduction_error(self) -> float:
        """How far the operation is from what the layer itself has given; inf where it cannot be computed."""
        return gap(self.output, self.computed())

    def with_float32_constants(self) -> "Layer":
        """The layer with its options rounded to float32, as some layers of Keras keep them."""
        rounded = {
            name: float(np.float32(value)) if isinstance(value, float) else value
            for name, value in self.options.items()
        }
        return replace(self, options={**rounded, "constants": "float32"})

    def has_constants(self) -> bool:
        """Whether something of it would be rounded in float32."""
        return self.op in WITH_CONSTANTS or self.with_float32_constants().options != {
            **self.options,
            "constants": "float32",
        }


@dataclass(frozen=True)
class Alone:
    """A layer by itself.

    Attributes:
        error: between the reference's output and what the other layer makes of the reference's input; None where
            neither layer can be computed.
        noise: how far the operation is from what the layer itself has given.
        rounded: whether the other's numbers, or the reference's, are those of constants in float32.
    """

    error: float | None
    noise: float = 0.0
    rounded: bool = False


def layer_of(side: Side, call: Call, inputs: tuple[np.ndarray, ...] | None = None) -> Layer:
    """A call with its arrays."""
    are_inputs = set(call.inputs) <= set(side.recording.inputs)
    read = side.whole if are_inputs else side.tensor
    given = tuple(map(read, call.inputs)) if inputs is None else inputs
    output = side.tensor(call.outputs[0]) if call.outputs else None
    options = call.options
    if call.op == "flatten" and side.recording.framework == "keras":
        options = {**options, "transposed": True}  # Keras's takes channels last, whatever the format
    sampling = None
    if side.limit is not None:
        shapes = tuple(map(side.shape, call.inputs))
        has_samples = not are_inputs and not all(is_whole(shape, side.limit) for shape in shapes)
        sampling = Sampling(shapes, side.limit, has_samples)
    return Layer(call.op, options, side.weights(call), given, output, sampling)


def gap(reference: np.ndarray | None, other: np.ndarray | None, likely: str | None = None) -> float:
    """The error of an array in whatever layout; inf where there is none or its shape does not fit."""
    if reference is None or other is None:
        return np.inf
    found = turned(reference, other, likely)
    return np.inf if found is None else error(reference, found.array)


def alone(reference: Layer, other: Layer, precision: str, likely: str | None = None) -> Alone:
    """The error of the other layer alone; by the reference's layer on the other's input where only that is known.

    Args:
        likely: where the other's channels go in the reference, see `turned`.
    """
    for here, there, layout in ((reference, other, OPPOSITE[likely]), (other, reference, likely)):
        layer, noise, rounded = as_computed(there)
        inputs = in_axes_of(there.inputs, here.inputs, layout)
        if noise > REPRODUCED[precision] or inputs is None:
            continue
        found = gap(here.output, layer.computed(*inputs))
        return Alone(found, noise, rounded or (precision == "float64" and as_computed(here)[2]))
    return Alone(None)


def in_axes_of(
    reference: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...], likely: str | None = None
) -> tuple[np.ndarray, ...] | None:
    """Inputs turned into the layout of others; None where their shapes do not fit."""
    if len(reference) != len(other):
        return None
    found = [turned(a, b, likely) for a, b in zip(reference, other, strict=True)]
    return None if any(each is None for each in found) else tuple(each.array for each in found if each)


def in_order_of(reference: list[np.ndarray], other: list[np.ndarray], op: str | None) -> list[int]:
    """Which input of the other is which of the reference: of what joins several, those that agree best."""
    order = list(range(len(other)))
    if op not in JOINS or len(reference) != len(other) or len(other) > MOST_ORDERS:
        return order
    gaps = [[gap(a, b) for b in other] for a in reference]
    return list(min(itertools.permutations(order), key=lambda at: sum(row[b] for row, b in zip(gaps, at, strict=True))))


def as_masked(layer: Layer) -> Layer:
    """Attention that masks later times, where it gives its numbers so alone: recordings do not have that argument."""
    if layer.op != "attention" or layer.reproduction_error() <= REPRODUCED["float64"]:
        return layer
    masked = replace(layer, options={**layer.options, "causal": True})
    return masked if masked.reproduction_error() <= REPRODUCED["float64"] else layer


def as_computed(layer: Layer) -> tuple[Layer, float, bool]:
    """The layer as it computes, how far that is from what it gave, and whether its constants are in float32.

    They are where only such give its numbers to the last digits.
    """
    layer = as_masked(layer)
    noise = layer.reproduction_error()
    if TO_THE_END < noise <= REPRODUCED["float64"] and layer.has_constants():
        rounded = layer.with_float32_constants()
        if (rounded_noise := rounded.reproduction_error()) < 1e-2 * noise:
            return rounded, rounded_noise, True
    return layer, noise, False
