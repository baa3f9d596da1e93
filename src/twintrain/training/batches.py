"""The order of the rows and the cuts between batches: one source for every framework."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Batches:
    """One epoch: batch i holds the rows `order[cuts[i]:cuts[i + 1]]`, step j the batches steps[j] … steps[j + 1] − 1.

    Attributes:
        order: int64 (rows,), a permutation of the training rows.
        cuts: int64 (batches + 1,), from 0 to rows.
        steps: int64 (steps + 1,), from 0 to batches; a step takes the mean gradient over the rows of its batches.
    """

    order: np.ndarray
    cuts: np.ndarray
    steps: np.ndarray

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def in_order(self) -> "Batches":
        """The same batches of rows that stand in this very order."""
        return Batches(np.arange(len(self.order)), self.cuts, self.steps)

    def between(self, first: int, last: int) -> "Batches":
        """The batches of steps `first` to `last` (left out) alone."""
        cuts = self.cuts[self.steps[first] : self.steps[last] + 1]
        return Batches(self.order[cuts[0] : cuts[-1]], cuts - cuts[0], self.steps[first : last + 1] - self.steps[first])


def epoch_batches(rows: int, batch_size: int | None, seed: int, epoch: int, accumulate: int = 1) -> Batches:
    """Shuffles the rows, cuts them into batches and groups these into steps; (seed, epoch) alone decide the order.

    A last batch of one row joins the one before it, because batch statistics of one row are undefined.
    """
    order = np.random.default_rng([seed, epoch]).permutation(rows)
    size = min(batch_size or rows, rows)
    cuts = [*range(0, rows, size), rows]
    if size > 1 and len(cuts) > 2 and rows - cuts[-2] == 1:
        del cuts[-2]
    batches = len(cuts) - 1
    steps = [*range(0, batches, accumulate), batches]
    return Batches(order.astype(np.int64), np.array(cuts, np.int64), np.array(steps, np.int64))
