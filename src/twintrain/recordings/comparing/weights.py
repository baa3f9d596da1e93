"""The weights of two calls side by side, in one layout, with gates in one order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from twintrain.recordings.comparing.attention_weights import of_attention
from twintrain.recordings.comparing.comparison import error
from twintrain.recordings.comparing.operations.layouts import canonical
from twintrain.recordings.comparing.operations.recurrent import GATES, SAME_GATE, SAME_STATE

Weights = Mapping[str, tuple[np.ndarray, str]]
# What a layer without the array computes as if it had.
ABSENT = {"gamma": 1.0, "moving_variance": 1.0}
SAME_SHARE = 1e-6


@dataclass(frozen=True)
class WeightRow:
    """One array of one layer.

    Attributes:
        name: of the reference's layer.
        other_name: of the other's.
        role: what the array is to the layer.
        error: largest difference, divided by the reference's largest magnitude; inf where shapes do not fit.
        verdict: "same", "permuted" (the same numbers in another order) or "different".
    """

    name: str
    other_name: str
    role: str
    error: float
    verdict: str


def compare_weights(
    names: tuple[str, str],
    op: str | None,
    reference: tuple[Mapping[str, Any], Weights],
    other: tuple[Mapping[str, Any], Weights],
) -> list[WeightRow]:
    """Compares options and weights of two calls, one row a role."""
    ours, theirs = comparable(op, *reference), comparable(op, *other)
    rows = []
    for role in dict.fromkeys((*ours, *theirs)):
        a, b = ours.get(role), theirs.get(role)
        if a is None or b is None:
            present = b if a is None else a
            absent = np.full_like(present, ABSENT.get(role, 0.0))
            a, b = (absent, present) if a is None else (present, absent)
        rows.append(WeightRow(*names, role, *_compared(a, b)))
    return rows


def in_shape_of(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The other array in the reference's shape, if only axes of length one tell them apart."""
    return other.reshape(reference.shape) if _bare(reference) == _bare(other) else other


def _compared(a: np.ndarray, b: np.ndarray) -> tuple[float, str]:
    if a.size != b.size:
        return np.inf, "different"
    b = in_shape_of(a, b)
    found = error(a, b) if a.shape == b.shape else np.inf
    if found <= SAME_SHARE:
        return found, "same"
    is_permuted = error(np.sort(a, None), np.sort(b, None)) <= SAME_SHARE
    return found, "permuted" if is_permuted else "different"


def _bare(array: np.ndarray) -> list[int]:
    return [length for length in array.shape if length > 1]


def comparable(
    op: str | None, options: Mapping[str, Any], weights: Weights, are_gradients: bool = False
) -> dict[str, np.ndarray]:
    """The arrays of a call by role, laid out alike in both frameworks.

    Args:
        are_gradients: whether they are gradients by the weights; of biases that are only ever added, each has that of
            their sum.
    """
    arrays = {role: canonical(array, axes) for role, (array, axes) in weights.items()}
    if op in GATES:
        return _in_one_order(op, options, arrays, are_gradients)
    if op == "attention":
        return of_attention(arrays)
    if op == "depthwise_conv" and "kernel" in arrays:
        kernel = arrays["kernel"]
        arrays["kernel"] = kernel.reshape(*kernel.shape[:-2], -1)
    return arrays


def _in_one_order(
    op: str, options: Mapping[str, Any], arrays: dict[str, np.ndarray], are_gradients: bool
) -> dict[str, np.ndarray]:
    """Arrays of a recurrent layer with PyTorch's order of gates, and one bias where two are only ever added."""
    letters = SAME_GATE if op == "lstm" else SAME_STATE
    order = str(options.get("gates") or GATES[op]).translate(letters)
    wanted = GATES[op].translate(letters)
    found: dict[str, np.ndarray] = {}
    for role, array in arrays.items():
        if role.removeprefix("backward_").startswith("bias") and array.ndim == 2:
            split = {role: array[0], role.replace("bias", "recurrent_bias", 1): array[1]}
        else:
            split = {role: array}
        for each, part in split.items():
            gates = np.split(part, len(order), -1)
            found[each] = np.concatenate([gates[order.index(letter)] for letter in wanted], -1)
    if op == "gru":
        return found
    for role in [role for role in found if "recurrent_bias" in role]:
        bias = role.replace("recurrent_", "")
        second = found.pop(role)
        found[bias] = second if are_gradients else found.get(bias, 0) + second
    return found
