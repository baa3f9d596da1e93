"""The smallest input for which two layers still give something else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from twintrain.recordings.comparing.comparison import turned
from twintrain.recordings.comparing.layer_pair import Layer, gap

Inputs = tuple[np.ndarray, ...]
# Which input of the reference's, and in what order of its axes.
Turn = tuple[int, tuple[int, ...]]
# Of the error that the whole input shows, what a part of it must still show.
SHARE = 0.1


def smallest(ours: Layer, theirs: Layer, fed: Sequence[int] | None = None) -> tuple[Layer, Layer]:
    """Both layers on as few rows, and as little along each axis, as still shows their difference.

    Rows first, then half of what is left of any axis as long as that goes; axes that belong to weights cannot be cut.
    Of several inputs, those that are as long along an axis are cut together.

    Args:
        ours, theirs: that give something else of the same inputs, which each has in its layout.
        fed: which of our inputs each of theirs is; the same one where it is not said.

    Returns:
        both with their inputs, and with outputs that are computed of these; as they were where they cannot be computed.
    """
    turns = _turns(ours, theirs, range(len(ours.inputs)) if fed is None else fed)
    if turns is None:
        return ours, theirs
    inputs = ours.inputs
    whole = _error(ours, theirs, inputs, turns)
    if not whole:
        return ours, theirs
    is_shown = True
    while is_shown:
        parts = ((part, _error(ours, theirs, part, turns)) for part in _halves(inputs))
        best = max(parts, key=lambda each: each[1] or 0.0, default=(inputs, None))
        is_shown = best[1] is not None and best[1] >= min(SHARE * whole, SHARE)
        inputs = best[0] if is_shown else inputs
    return _on(ours, inputs), _on(theirs, _turned(inputs, turns))


def _turns(ours: Layer, theirs: Layer, fed: Sequence[int]) -> list[Turn] | None:
    """Which of the reference's inputs each of the other's is, and how its axes lie there; None where one does not fit.

    A layer of no inputs has none that could be cut.
    """
    if len(ours.inputs) != len(theirs.inputs) or not ours.inputs:
        return None
    turns: list[Turn] = []
    for at, there in zip(fed, theirs.inputs, strict=True):
        found = turned(there, ours.inputs[at]) if there.ndim == ours.inputs[at].ndim else None
        if found is None or found.permutation is None:
            return None
        turns.append((at, found.permutation))
    return turns


def _turned(inputs: Inputs, turns: list[Turn]) -> Inputs:
    """The reference's inputs as the other takes them."""
    return tuple(np.transpose(inputs[at], order) for at, order in turns)


def _halves(inputs: Inputs) -> Iterator[Inputs]:
    """What is left where an axis that can be cut loses one half or the other, for each axis and each of its lengths."""
    for axis in range(max(each.ndim for each in inputs)):
        lengths = dict.fromkeys(each.shape[axis] for each in inputs if each.ndim > axis)
        for length in (length for length in lengths if length > 1):
            for part in (range(length // 2), range(length // 2, length)):
                yield tuple(
                    np.take(each, part, axis) if each.ndim > axis and each.shape[axis] == length else each
                    for each in inputs
                )


def _error(ours: Layer, theirs: Layer, inputs: Inputs, turns: list[Turn]) -> float | None:
    """By how much both part on inputs; None where one of them cannot be computed."""
    mine, other = ours.computed(*inputs), theirs.computed(*_turned(inputs, turns))
    if mine is None or other is None or not (mine.size and other.size and np.isfinite(mine).all()):
        return None
    return gap(mine, other)


def _on(layer: Layer, inputs: Inputs) -> Layer:
    return replace(layer, inputs=tuple(map(np.ascontiguousarray, inputs)), output=layer.computed(*inputs))
