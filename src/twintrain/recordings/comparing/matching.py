"""Which call of one recording is which of the other."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twintrain.errors import UserError, cut, did_you_mean, shown
from twintrain.recordings.comparing.comparison import SAME
from twintrain.recordings.comparing.layer_pair import gap
from twintrain.recordings.comparing.operations.activations import OPERATIONS as ACTIVATIONS
from twintrain.recordings.comparing.operations.recurrent import CELLS
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.contents import Call

# Operations that stand in for each other where a port is wrong, or where the frameworks name one thing in two ways.
FAMILIES = (
    set(ACTIVATIONS),
    {"conv", "depthwise_conv"},
    {"max_pool", "avg_pool"},
    {"global_avg_pool", "global_max_pool", "adaptive_avg_pool"},
    {"batch_norm", "layer_norm", "rms_norm", "group_norm"},
    {"rnn", "lstm", "gru"},
    {"add", "multiply", "concatenate"},
    {"flatten", "reshape"},
)
# What a pair is worth: by its operation, its weights, and outputs that agree. Weights outweigh what has none.
OPERATION, FAMILY, SHAPES, VALUES, OUTPUTS = 1.0, 0.4, 1.0, 1.0, 2.0
# Outputs agree when what does not depend on the order of their numbers differs by less than this.
AGREE = 1e-4
# About a pair: its weights and its outputs agree; weights have the same shapes, or outputs agree; neither.
NONE, SOME, MUCH = range(3)
KERNELS = ("kernel", "recurrent_kernel", "embeddings")


@dataclass(frozen=True)
class Matching:
    """Calls by their places in the order of execution.

    Attributes:
        pairs: reference's and other's, in the reference's order.
        reference_alone: calls of the reference without counterpart.
        other_alone: calls of the other without counterpart.
    """

    pairs: list[tuple[int, int]]
    reference_alone: list[int]
    other_alone: list[int]


@dataclass(frozen=True)
class Traits:
    """What calls are matched by.

    Attributes:
        op: of what has none, the framework's word.
        weights: lengths of the axes of its kernels, in no order.
        values: of its kernels, what does not depend on the order of their numbers: (kernels, 5).
        axes: lengths of the axes of the first output, in no order.
        outline: numbers of the first output that do not depend on the order of axes: (rows, 5).
    """

    op: str
    weights: tuple[int, ...]
    values: np.ndarray
    axes: tuple[int, ...]
    outline: np.ndarray

    @property
    def size(self) -> int:
        """How many numbers the first output has."""
        return math.prod(self.axes)


def match(reference: Side, other: Side, pairs: Mapping[str, str] | None = None) -> Matching:
    """Matches the calls of two recordings.

    Calls of one operation, or one family, are aligned in their order so that as many as possible have the same shapes
    of weights and outputs that agree; first those of which both agree. What is left is aligned anew, since branches of
    a graph may be run in either order, and where it follows what is matched. A layer that the other side writes out as
    several calls is none of these.

    Args:
        pairs: the other's name by the reference's, of calls that are matched by hand.

    Raises:
        UserError: there is no call of such a name.
    """
    given = _given(reference.calls, other.calls, checked_pairs(pairs))
    traits = [_traits(reference, call) for call in reference.calls], [_traits(other, call) for call in other.calls]
    found = list(given)
    for doubt, is_repeated in ((NONE, True), (MUCH, False), (SOME, True)):
        while added := _aligned_of_left(traits, found, doubt):
            found += added
            if not is_repeated:
                break
    found += _neighbours(reference, other, traits, found)
    matched = tuple({pair[at] for pair in found} for at in (0, 1))
    found = [pair for pair in found if pair in given or not _is_written_out((reference, other), pair, matched)]
    alone = [_without(len(side), [pair[at] for pair in found]) for at, side in enumerate(traits)]
    return Matching(sorted(found), *alone)


def _aligned_of_left(
    traits: tuple[list[Traits], list[Traits]], found: list[tuple[int, int]], doubt: int
) -> list[tuple[int, int]]:
    """Pairs of calls that are left, in order on both sides."""
    ours, theirs = (_without(len(side), [pair[at] for pair in found]) for at, side in enumerate(traits))
    scores = _scores([traits[0][at] for at in ours], [traits[1][at] for at in theirs], doubt)
    return [(ours[a], theirs[b]) for a, b in aligned(scores)]


def _neighbours(
    reference: Side, other: Side, traits: tuple[list[Traits], list[Traits]], found: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Pairs of calls of one family that are left and take what a matched pair gives."""
    counterparts = dict(found)
    taken = set(counterparts.values())
    added = []
    for ours, call in enumerate(reference.calls):
        if ours in counterparts or not call.inputs:
            continue
        origin = _origin(reference, call)
        wanted = counterparts.get(origin, origin if origin < 0 else None)
        for theirs, candidate in enumerate(other.calls):
            follows = theirs not in taken and candidate.inputs and _origin(other, candidate) == wanted
            if follows and _score(traits[0][ours], traits[1][theirs], MUCH):
                counterparts[ours] = theirs
                taken.add(theirs)
                added.append((ours, theirs))
                break
    return added


def _is_written_out(sides: tuple[Side, Side], pair: tuple[int, int], matched: tuple[set[int], ...]) -> bool:
    """Whether one of a pair gives what the other's side has only after further calls that have no counterpart."""
    calls = [side.calls[at] for side, at in zip(sides, pair, strict=True)]
    if calls[0].op in CELLS:
        return False  # of which one side may take the last step itself, see `last_steps`
    outputs = [side.tensor(call.outputs[0]) if call.outputs else None for side, call in zip(sides, calls, strict=True)]
    if any(output is None for output in outputs) or gap(*outputs) <= SAME:
        return False
    ways = zip(sides, pair, matched, outputs[::-1], strict=True)
    return any(_comes_later(side, start, taken, wanted) for side, start, taken, wanted in ways)


def _comes_later(side: Side, start: int, matched: set[int], wanted: np.ndarray) -> bool:
    """Whether calls without counterpart make an array of what a call gives."""
    made = set(side.calls[start].outputs)
    for at in range(start + 1, len(side.calls)):
        call = side.calls[at]
        if at not in matched and made & set(call.inputs):
            made.update(call.outputs)
            if any(gap(wanted, side.tensor(number)) <= SAME for number in call.outputs):
                return True
    return False


def _origin(side: Side, call: Call) -> int:
    """The call that has made the first input; below zero for an input of the model."""
    number = call.inputs[0]
    if number in side.recording.inputs:
        return -1 - side.recording.inputs.index(number)
    return side.producers.get(number, -1 - len(side.recording.inputs))


def checked_pairs(pairs: Any) -> Mapping[str, str]:
    """Names of the other's layers by those of the reference's; none where none are given.

    Raises:
        UserError: they are something else.
    """
    if pairs is None:
        return {}
    is_of_names = isinstance(pairs, Mapping) and all(isinstance(name, str) for pair in pairs.items() for name in pair)
    if not is_of_names:
        raise UserError(f"pairs: expected a dict of names, {{of the first: of the second}}, got {shown(pairs)}")
    return pairs


def _given(reference: Sequence[Call], other: Sequence[Call], pairs: Mapping[str, str]) -> list[tuple[int, int]]:
    """Pairs of the user's; of a layer that is called several times, the first with the first and so on."""
    found = []
    for ours, theirs in pairs.items():
        places = []
        for name, calls, whose in ((ours, reference, "reference"), (theirs, other, "other recording")):
            places.append([at for at, call in enumerate(calls) if call.name == name])
            if not places[-1]:
                known = did_you_mean(name, {call.name for call in calls})
                raise UserError(f"pairs: the {whose} has no layer '{cut(name)}'{known}")
        found += zip(*places, strict=False)
    return found


def _without(count: int, taken: Sequence[int]) -> list[int]:
    return sorted(set(range(count)) - set(taken))


def _traits(side: Side, call: Call) -> Traits:
    shapes = side.weight_shapes(call)
    roles = [role for role in KERNELS if role in shapes] or list(shapes)[:1]
    sizes = _lengths([length for role in roles for length in shapes[role]])
    kernels = [side.recording.weight(side.pass_, call.weights[role]) for role in roles]
    values = np.concatenate([_outline(kernel[None]) for kernel in kernels]) if kernels else np.zeros((0, 5))
    output = side.tensor(call.outputs[0]) if call.outputs else np.zeros((1, 0))
    axes = _lengths(side.shape(call.outputs[0])) if call.outputs else ()
    return Traits(call.op or f"unknown {call.kind.lower()}", sizes, values, axes, _outline(output))


def _lengths(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(length for length in shape if length > 1))


def _outline(array: np.ndarray) -> np.ndarray:
    """Mean, deviation, mean magnitude, least and largest of each row."""
    if not array.size or not array.ndim:
        return np.zeros((1, 5))
    rows = array.reshape(len(array), -1).astype(np.float64)
    with np.errstate(all="ignore"):
        return np.stack([rows.mean(1), rows.std(1), np.abs(rows).mean(1), rows.min(1), rows.max(1)], 1)


def _likeness(a: Traits, b: Traits) -> float:
    """From 0 to 1; 1 where outputs agree."""
    if a.size != b.size:
        return 0.0
    gap = _gap(a.outline, b.outline)
    return 1.0 if gap < AGREE else 0.5 * max(0.0, 1 - gap)


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two outlines for the largest number in them; inf where that is none."""
    if a.shape != b.shape or not a.size:
        return np.inf
    with np.errstate(all="ignore"):
        gap = float(np.abs(a - b).max()) / max(float(np.abs(a).max()), 1e-30)
    return gap if np.isfinite(gap) else np.inf


def _score(a: Traits, b: Traits, doubt: int) -> float:
    """What a pair is worth; 0 where it may not be, or where there is more doubt about it."""
    if a.op == b.op:
        worth = OPERATION
    elif {a.op, b.op} <= set(ACTIVATIONS) and (a.size != b.size or ("softmax" in {a.op, b.op} and a.axes != b.axes)):
        return 0.0  # attention's softmax for a function that the other side writes out elsewhere
    elif any({a.op, b.op} <= family for family in FAMILIES):
        worth = FAMILY
    else:
        return 0.0
    likeness = _likeness(a, b)
    has_same_weights = bool(a.weights) and a.weights == b.weights
    has_same_values = has_same_weights and _gap(a.values, b.values) < AGREE
    if doubt == NONE and (likeness < 1 or (bool(a.weights) and not has_same_values)):
        return 0.0
    if doubt == SOME and not has_same_weights and likeness < 1:
        return 0.0
    return worth + SHAPES * has_same_weights + VALUES * has_same_values + OUTPUTS * likeness


def _scores(ours: Sequence[Traits], theirs: Sequence[Traits], doubt: int) -> np.ndarray:
    scores = np.zeros((len(ours), len(theirs)))
    for row, a in enumerate(ours):
        for column, b in enumerate(theirs):
            scores[row, column] = _score(a, b, doubt)
    return scores


def aligned(scores: np.ndarray) -> list[tuple[int, int]]:
    """The pairs, in order on both sides, that are worth most together (Needleman and Wunsch 1970, gaps free)."""
    rows, columns = scores.shape
    best = np.zeros((rows + 1, columns + 1))
    for row in range(rows):
        for column in range(columns):
            paired = best[row, column] + scores[row, column] if scores[row, column] else -1.0
            best[row + 1, column + 1] = max(paired, best[row, column + 1], best[row + 1, column])
    pairs, row, column = [], rows, columns
    while row and column:
        if best[row, column] == best[row - 1, column]:
            row -= 1
        elif best[row, column] == best[row, column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((row, column))
    return pairs[::-1]
