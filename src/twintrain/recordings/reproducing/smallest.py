"""The smallest input for which two layers still give something else."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from twintrain.recordings.comparing.comparison import turned
from twintrain.recordings.comparing.layer_pair import Layer, gap

# Of the error that the whole input shows, what a part of it must still show.
SHARE = 0.1


def smallest(ours: Layer, theirs: Layer) -> tuple[Layer, Layer]:
    """Both layers on as few rows, and as little along each axis, as still shows their difference.

    Rows first, then half of what is left of any axis as long as that goes; axes that belong to weights cannot be cut.

    Args:
        ours, theirs: that give something else of one input, which each has in its layout.

    Returns:
        both with their inputs, and with outputs that are computed of these; as they were where they cannot be computed.
    """
    found = _turned(ours, theirs)
    if found is None:
        return ours, theirs
    x, order = found
    whole = _error(ours, theirs, x, order)
    if not whole:
        return ours, theirs
    is_shown = True
    while is_shown:
        parts = ((part, _error(ours, theirs, part, order)) for part in _halves(x))
        best = max(parts, key=lambda each: each[1] or 0.0, default=(x, None))
        is_shown = best[1] is not None and best[1] >= min(SHARE * whole, SHARE)
        x = best[0] if is_shown else x
    mine, other = _on(ours, x), _on(theirs, np.transpose(x, order))
    return mine, other


def _turned(ours: Layer, theirs: Layer) -> tuple[np.ndarray, tuple[int, ...]] | None:
    """The reference's input, and how its axes lie in the other's layout."""
    if len(ours.inputs) != 1 or len(theirs.inputs) != 1 or ours.inputs[0].ndim != theirs.inputs[0].ndim:
        return None
    found = turned(theirs.inputs[0], ours.inputs[0])
    return found and (ours.inputs[0], found.permutation)


def _halves(x: np.ndarray) -> Iterator[np.ndarray]:
    """What is left where the first axis that can be cut loses one half or the other, for each axis."""
    for axis, length in enumerate(x.shape):
        if length > 1:
            yield np.take(x, range(length // 2), axis)
            yield np.take(x, range(length // 2, length), axis)


def _error(ours: Layer, theirs: Layer, x: np.ndarray, order: tuple[int, ...]) -> float | None:
    """By how much both part on an input; None where one of them cannot be computed."""
    mine, other = ours.computed(x), theirs.computed(np.transpose(x, order))
    if mine is None or other is None or not (mine.size and other.size and np.isfinite(mine).all()):
        return None
    return gap(mine, other)


def _on(layer: Layer, x: np.ndarray) -> Layer:
    return replace(layer, inputs=(np.ascontiguousarray(x),), output=layer.computed(x))
