"""Whether two loops were given the same batches."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.training.trained import Trained


def batch_cause(sides: tuple[Trained, Trained]) -> Cause | None:
    """Where both loops take the same rows in other batches; None where batches are the same, or rows are not.

    A batch whose rows are merely in another order is the same batch: the order is seen in the inputs.
    """
    ours, theirs = (side.side.recording.batches(side.pass_) for side in sides)
    first = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if _apart(*pair)), None)
    if first is None:
        return None
    whole = _whole(ours[first:], theirs[first:])
    if whole is None:
        return None
    apart, rows = _apart(ours[first], theirs[first]), len(ours[first])
    together = sum(map(len, ours[first : first + whole]))
    finding = f"{sides[1].title} takes the rows in another order (shuffled otherwise)"
    sentence = (
        f"batches: {finding}; {apart} of {rows} rows of batch {first + 1} are others, and all {together} of "
        f"{whole} batches together are the same"
    )
    return Cause(sentence, finding, "rows shuffled otherwise", "batches", "batches", apart / rows, 0.0)


def _apart(ours: np.ndarray, theirs: np.ndarray) -> int:
    """How many rows of a batch are not in the other."""
    return (Counter(ours.tolist()) - Counter(theirs.tolist())).total()


def _whole(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> int | None:
    """How many batches it takes until both sides have had the same rows; None where they never have."""
    found: Counter[int] = Counter()
    for at, (a, b) in enumerate(zip(ours, theirs, strict=False), start=1):
        found.update(a.tolist())
        found.subtract(b.tolist())
        if not any(found.values()):
            return at
    return None
