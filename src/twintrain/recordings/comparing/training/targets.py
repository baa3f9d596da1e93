"""Whether both trainings had the same targets, and in what those of the other may be other."""

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.comparison import error, turned
from twintrain.recordings.comparing.mistakes.relations import fitted, row_order
from twintrain.recordings.comparing.side import likely_layout
from twintrain.recordings.comparing.training.differences import Finding, cause_of
from twintrain.recordings.comparing.training.trained import Trained

SAME = {"float64": 1e-12, "float32": 1e-6}
CLOSE = 1e-6
EXPECTED = "expected the same y in both scripts"


def target_causes(sides: tuple[Trained, Trained]) -> list[Cause]:
    """What is done to the targets of the other; none where they are the same, or the same with rows as the inputs have.

    Raises:
        UserError: they are others altogether.
    """
    counts = [len(side.targets) for side in sides]
    if counts[0] != counts[1]:
        raise UserError(f"the recordings were trained on {counts[0]} and {counts[1]} arrays of targets; {EXPECTED}")
    found = []
    for number, (ours, theirs) in enumerate(zip(*(side.targets for side in sides), strict=True)):
        cause = _cause(sides, number, ours, theirs)
        found += [cause] if cause else []
    return found


def _cause(sides: tuple[Trained, Trained], number: int, ours: np.ndarray, theirs: np.ndarray) -> Cause | None:
    a, b = _in_one_form(ours, theirs)
    same = SAME[sides[0].pass_]
    if a.shape != b.shape:
        raise UserError(f"the recordings were trained on targets of shapes {ours.shape} and {theirs.shape}; {EXPECTED}")
    before = error(a, b)
    if before <= same:
        return None
    given = _order_of_inputs(sides)
    if given is not None and error(a[given], b) <= same:
        return None  # with the rows that they belong to
    title, what = sides[1].title, f"target {number}" if len(sides[0].targets) > 1 else "targets"
    if (order := row_order(a[:, None], b[:, None])) is not None or _are_same_rows(a, b):
        left = error(b, a[order]) if order is not None else 0.0
        finding = Finding("targets in another order", f"{title} has them in another order", "in one order")
        return cause_of(what, [finding], before, left)
    factor, shift = fitted(a.ravel(), b.ravel())
    if (left := error(b, factor * a + shift)) <= CLOSE:
        saying = f"{title} has them times {factor:.6g}" + (f" plus {shift:.4g}" if abs(shift) > CLOSE else "")
        return cause_of(what, [Finding("targets scaled", saying, "scaled alike")], before, left)
    raise UserError(f"the recordings were trained on other targets, which part by {before:.1e}; {EXPECTED}")


def _order_of_inputs(sides: tuple[Trained, Trained]) -> np.ndarray | None:
    """Which row of the reference each row of the other is; None where they are in one order, or are others."""
    a, b = (side.side.whole(side.side.recording.inputs[0]) for side in sides)
    found = turned(a, b, likely_layout(sides[0].side, sides[1].side))
    return None if found is None else row_order(a, found.array)


def _in_one_form(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as numbers of classes where one of them is; and in one shape, channels where the reference has them."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    if a.size != b.size:
        a, b = (_classes(each, other) for each, other in ((a, b), (b, a)))
    if a.size == b.size and a.shape != b.shape:
        found = turned(a, b)
        b = b.reshape(a.shape) if found is None and _bare(a) == _bare(b) else b if found is None else found.array
    elif a.shape == b.shape and (found := turned(a, b)) is not None:
        b = found.array
    return a, b


def _classes(array: np.ndarray, other: np.ndarray) -> np.ndarray:
    """One-hot targets as numbers of classes, where that gives as many as the other has."""
    for axis in (-1, 1):
        is_one_hot = array.ndim > 1 and array.size == other.size * array.shape[axis]
        if is_one_hot and np.array_equal(array.max(axis), np.ones_like(array.max(axis))):
            return array.argmax(axis).astype(np.float64)
    return array


def _bare(array: np.ndarray) -> list[int]:
    return [length for length in array.shape if length > 1]


def _are_same_rows(a: np.ndarray, b: np.ndarray) -> bool:
    rows = [each.reshape(len(each), -1) for each in (a, b)]
    rows = [each[np.lexsort(each.T)] for each in rows]
    return error(*rows) <= CLOSE
