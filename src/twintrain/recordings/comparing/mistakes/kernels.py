"""Weights that were brought over wrongly."""

import itertools
from collections.abc import Iterator

import numpy as np

from twintrain.recordings.comparing.comparison import error
from twintrain.recordings.comparing.layer_pair import Layer
from twintrain.recordings.comparing.mistakes.trial import Pair, Trial, with_weights, written
from twintrain.recordings.comparing.operations.layouts import canonical, canonical_axes
from twintrain.recordings.comparing.weights import SAME_SHARE, comparable, compare_weights

AS_COPIED = "with the kernel as it should be"
ADDED = ("bias", "beta", "recurrent_bias")
SWAPPED = (("gamma", "beta"), ("moving_mean", "moving_variance"))


def turned_kernel(pair: Pair) -> Iterator[Trial]:
    """The other's kernel is the reference's, flipped or with axes exchanged."""
    if "kernel" not in pair.ours.weights or "kernel" not in pair.theirs.weights:
        return
    ours, axes = _kernel(pair.ours)
    theirs, _ = _kernel(pair.theirs)
    for mistake, saying, kernel in _turned(ours, axes):
        # Where the arrays are the same, it may still be applied so.
        if kernel.shape == ours.shape and (_same(ours, theirs) or _same(kernel, theirs)):
            layer = with_weights(pair.ours, {"kernel": (kernel, axes)})
            yield Trial(mistake, layer, f"{pair.their_title}'s kernel is {pair.our_title}'s {saying}", AS_COPIED)


def reordered_kernel(pair: Pair) -> Iterator[Trial]:
    """The same numbers that were reshaped where axes should have been turned, or whose rows are in another order."""
    if "kernel" not in pair.ours.weights or "kernel" not in pair.theirs.weights:
        return
    ours, axes = _kernel(pair.ours)
    theirs, _ = _kernel(pair.theirs)
    if ours.shape != theirs.shape or _same(ours, theirs):
        return
    layer = with_weights(pair.ours, {"kernel": (theirs, axes)})
    for order in itertools.permutations(range(ours.ndim)):
        if _same(np.transpose(ours, order).reshape(ours.shape), theirs):
            saying = f"{pair.their_title}'s kernel is {pair.our_title}'s, reshaped where its axes should be turned"
            yield Trial("kernel reshaped", layer, saying, AS_COPIED)
            return
    for axis, what in ((-2, "inputs"), (-1, "outputs")):
        if _same_in_another_order(ours, theirs, axis):
            saying = f"{pair.their_title}'s kernel is {pair.our_title}'s with its {what} in another order"
            if axis == -2:
                saying += ", as after a flatten of the other layout"
            yield Trial(f"kernel {what} in another order", layer, saying, AS_COPIED)


def missing_array(pair: Pair) -> Iterator[Trial]:
    """An array that one of the layers lacks."""
    for role in dict.fromkeys((*pair.ours.weights, *pair.theirs.weights)):
        ours, theirs = role in pair.ours.weights, role in pair.theirs.weights
        if ours != theirs and not _is_in_parts(pair, role):
            has, lacks = (pair.our_title, pair.their_title) if ours else (pair.their_title, pair.our_title)
            layer = with_weights(pair.ours, {role: pair.theirs.weights.get(role)})
            word = role.replace("_", " ")
            yield Trial(f"{role} missing", layer, f"{lacks} has no {word}, {has} has one", f"with the same {word}")


def _is_in_parts(pair: Pair, role: str) -> bool:
    """Whether what one side of attention has in one array is several of the other's."""
    if pair.ours.op != "attention":
        return False
    parts = [comparable(layer.op, layer.options, layer.weights).keys() for layer in (pair.ours, pair.theirs)]
    holder = pair.ours if role in pair.ours.weights else pair.theirs
    return comparable(holder.op, holder.options, {role: holder.weights[role]}).keys() <= parts[0] & parts[1]


def unused_array(pair: Pair) -> Iterator[Trial]:
    """An array that is recorded on both sides, and added on one."""
    for role in ADDED:
        if role in pair.ours.weights and np.any(pair.ours.weights[role][0]):
            word = role.replace("_", " ")
            layer = with_weights(pair.ours, {role: None})
            yield Trial(f"{role} missing", layer, f"{pair.their_title} does not add the {word}", f"with the {word}")


def exchanged_arrays(pair: Pair) -> Iterator[Trial]:
    """Two arrays of a normalisation that stand in each other's place."""
    for first, second in SWAPPED:
        if {first, second} <= set(pair.ours.weights):
            weights = {first: pair.ours.weights[second], second: pair.ours.weights[first]}
            saying = f"{pair.their_title} has {first.replace('_', ' ')} and {second.replace('_', ' ')} exchanged"
            yield Trial(f"{first} and {second} exchanged", with_weights(pair.ours, weights), saying, "in their places")


def other_weights(pair: Pair) -> Iterator[Trial]:
    """Other numbers: each array of the other, then all."""
    names = ("", "")
    sides = (pair.ours.options, pair.ours.weights), (pair.theirs.options, pair.theirs.weights)
    rows = [row for row in compare_weights(names, pair.ours.op, *sides) if row.verdict != "same"]
    roles = [row.role for row in rows if row.role in pair.theirs.weights and row.role in pair.ours.weights]
    for row in rows:
        if row.role in roles:
            word = row.role.replace("_", " ")
            saying = f"the two have another {word}, which differs by {written(row.error)}"
            layer = with_weights(pair.ours, {row.role: pair.theirs.weights[row.role]})
            yield Trial(f"other {row.role}", layer, saying, f"with the same {word}")
    if len(rows) > 1:
        weights = {role: pair.theirs.weights.get(role) for role in (*pair.ours.weights, *pair.theirs.weights)}
        words = ", ".join(row.role.replace("_", " ") for row in rows)
        yield Trial("other weights", with_weights(pair.ours, weights), f"the two have another {words}", "with the same")


def _kernel(layer: Layer) -> tuple[np.ndarray, str]:
    array, axes = layer.weights["kernel"]
    return canonical(array, axes), canonical_axes(axes)


def _turned(kernel: np.ndarray, axes: str) -> Iterator[tuple[str, str, np.ndarray]]:
    spatial = tuple(at for at, letter in enumerate(axes) if letter in "DHW")
    if len(axes) > 1:
        yield "kernel transposed", "transposed: inputs and outputs exchanged", np.swapaxes(kernel, -1, -2)
    if spatial:
        yield "kernel flipped", "flipped: a convolution, not a cross-correlation", np.flip(kernel, spatial)
    if len(spatial) > 1:
        yield "kernel's spatial axes swapped", "with its spatial axes exchanged", np.swapaxes(kernel, *spatial[-2:])
        for at in spatial:
            yield "kernel mirrored", f"mirrored along {axes[at]}", np.flip(kernel, at)
    if spatial and kernel.shape[-2] > 1:
        yield "channels reversed", "with its input channels in reverse order (RGB and BGR)", np.flip(kernel, -2)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and error(a, b) <= SAME_SHARE


def _same_in_another_order(a: np.ndarray, b: np.ndarray, axis: int) -> bool:
    rows = [np.moveaxis(each, axis, 0).reshape(each.shape[axis], -1) for each in (a, b)]
    rows = [each[np.lexsort(each.T[:4])] for each in rows]
    return _same(*rows)


MISTAKES = (missing_array, turned_kernel, reordered_kernel, exchanged_arrays)
UNSAID = (unused_array,)
