"""The order of the rows and the cuts between batches: one source for every framework."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from twintrain.errors import UserError
from twintrain.training.workers.worker import Worker


@dataclass(frozen=True)
class Batches:
    """One epoch: batch i holds the rows `order[cuts[i]:cuts[i + 1]]`, step j the batches steps[j] … steps[j + 1] − 1.

    Where several workers train, these are the rows of one of them, and a batch is the rows that all have together.

    Attributes:
        order: int64 (rows,), a permutation of the training rows, or of a worker's share.
        cuts: int64 (batches + 1,), from 0 to rows.
        steps: int64 (steps + 1,), from 0 to batches; a step takes the mean gradient over the rows of its batches.
        sizes: int64 (batches,), how many rows each batch has on all workers.
        firsts: int64 (batches,), the place in its batch of the first row that is here.
    """

    order: np.ndarray
    cuts: np.ndarray
    steps: np.ndarray
    sizes: np.ndarray
    firsts: np.ndarray

    @classmethod
    def of_all_rows(cls, order: np.ndarray, cuts: np.ndarray, steps: np.ndarray) -> "Batches":
        """The batches of the only worker."""
        return cls(order, cuts, steps, np.diff(cuts), np.zeros(len(cuts) - 1, np.int64))

    def __len__(self) -> int:
        return len(self.cuts) - 1

    @property
    def rows(self) -> int:
        """How many rows the batches have on all workers."""
        return int(self.sizes.sum())

    def in_order(self) -> "Batches":
        """The same batches of rows that stand in this very order."""
        return Batches(np.arange(len(self.order)), self.cuts, self.steps, self.sizes, self.firsts)

    def between(self, first: int, last: int) -> "Batches":
        """The batches of steps `first` to `last` (left out) alone."""
        start, end = self.steps[first], self.steps[last]
        cuts = self.cuts[start : end + 1]
        steps = self.steps[first : last + 1] - start
        return Batches(
            self.order[cuts[0] : cuts[-1]], cuts - cuts[0], steps, self.sizes[start:end], self.firsts[start:end]
        )

    def share(self, worker: Worker) -> "Batches":
        """The rows of each batch that one of several workers has.

        Raises:
            UserError: a batch has fewer rows than there are workers.
        """
        if worker.is_alone:
            return self
        _check_sizes(self.sizes, worker.size)
        shares = [worker.share(int(size)) for size in self.sizes]
        starts = [start for start, _ in pairwise(self.cuts)]
        order = [self.order[start + first : start + end] for start, (first, end) in zip(starts, shares, strict=True)]
        cuts = np.cumsum([0, *map(len, order)])
        firsts = np.array([first for first, _ in shares], np.int64)
        return Batches(np.concatenate(order), cuts.astype(np.int64), self.steps, self.sizes, firsts)


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
    return Batches.of_all_rows(order.astype(np.int64), np.array(cuts, np.int64), np.array(steps, np.int64))


def _check_sizes(sizes: np.ndarray, workers: int) -> None:
    if sizes.min() < workers:
        which = "the last batch of an epoch" if sizes[0] >= workers else "a batch"
        raise UserError(
            f"{which} has {sizes.min()} rows for {workers} workers; expected one for each at least: "
            "fewer train.workers, or another train.batch_size"
        )
