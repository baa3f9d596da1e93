"""Whether two loops were given the same batches."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.training.trained import Trained


def batch_cause(sides: tuple[Trained, Trained]) -> Cause | None:
    """Where loops take other batches: the same rows in another order, other rows after a while, or fewer or more.

    A batch whose rows are merely in another order is the same batch: the order is seen in the inputs. So is a first
    batch whose rows are others altogether.

    Returns:
        None where batches are the same, or were not recorded.
    """
    ours, theirs = (side.side.recording.batches(side.pass_) for side in sides)
    if not ours or not theirs:
        return None
    first = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if _apart(*pair)), None)
    if first is None:
        return _of_counts(sides, len(ours), len(theirs))
    whole = _whole(ours[first:], theirs[first:])
    if whole is None:
        return _of_rows(sides, first, ours[first], theirs[first]) if first else None
    apart, rows = _apart(ours[first], theirs[first]), len(ours[first])
    together = sum(map(len, ours[first : first + whole]))
    finding = f"{sides[1].title} takes the rows in another order (shuffled otherwise)"
    sentence = (
        f"batches: {finding}; {apart} of {rows} rows of batch {first + 1} are others, and all {together} of "
        f"{whole} batches together are the same"
    )
    return Cause(sentence, finding, "rows shuffled otherwise", "batches", "batches", apart / rows, 0.0)


def _of_counts(sides: tuple[Trained, Trained], ours: int, theirs: int) -> Cause | None:
    if ours == theirs:
        return None
    finding = f"{sides[0].title} takes {_counted(ours)}, {sides[1].title} {theirs}"
    both = min(ours, theirs)
    sentence = f"batches: {finding}; {'the first is' if both == 1 else f'the first {both} are'} the same"
    return Cause(sentence, finding, "another number of batches", "batches", "batches", abs(ours - theirs) / ours, 0.0)


def _of_rows(sides: tuple[Trained, Trained], first: int, ours: np.ndarray, theirs: np.ndarray) -> Cause:
    apart, rows = _apart(ours, theirs), max(len(ours), len(theirs))
    finding = f"{sides[1].title} takes other rows from batch {first + 1} on"
    sentence = (
        f"batches: {finding}; {apart} of {rows} rows of that batch are others, and {_counted(first)} before agree"
    )
    return Cause(sentence, finding, "other rows", "batches", "batches", apart / rows, 0.0)


def _counted(batches: int) -> str:
    return f"{batches} batch" if batches == 1 else f"{batches} batches"


def _apart(ours: np.ndarray, theirs: np.ndarray) -> int:
    """How many rows of a batch are not in the other, of the one that has more of them."""
    counts = Counter(ours.tolist()), Counter(theirs.tolist())
    return max((counts[0] - counts[1]).total(), (counts[1] - counts[0]).total())


def _whole(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> int | None:
    """How many batches it takes until both sides have had the same rows; None where they never have."""
    found: Counter[int] = Counter()
    for at, (a, b) in enumerate(zip(ours, theirs, strict=False), start=1):
        found.update(a.tolist())
        found.subtract(b.tolist())
        if not any(found.values()):
            return at
    return None
