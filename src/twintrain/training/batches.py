"""The order of the rows and the cuts between batches: one source for every framework."""

from dataclasses import dataclass, replace

import numpy as np

from twintrain.errors import UserError
from twintrain.training.order import Order
from twintrain.training.workers.worker import Worker


@dataclass(frozen=True)
class Batches:
    """Batches of an epoch: batch i has cuts[i + 1] − cuts[i] rows, which stand in the order from starts[i] on.

    Step j takes the batches steps[j] … steps[j + 1] − 1. Where several workers train, these are the rows of one of
    them, and a batch is the rows that all have together. In memory are some 40 bytes a batch.

    Attributes:
        order: row numbers, int64, by their places.
        starts: int64 (batches,), places in the order.
        cuts: int64 (batches + 1,), from 0 to the number of rows that are here.
        steps: int64 (steps + 1,), from 0 to batches; a step takes the mean gradient over the rows of its batches.
        sizes: int64 (batches,), how many rows each batch has on all workers.
        firsts: int64 (batches,), the place in its batch of the first row that is here.
    """

    order: Order | np.ndarray
    starts: np.ndarray
    cuts: np.ndarray
    steps: np.ndarray
    sizes: np.ndarray
    firsts: np.ndarray

    @classmethod
    def of_all_rows(cls, order: Order | np.ndarray, cuts: np.ndarray, steps: np.ndarray) -> "Batches":
        """The batches of the only worker."""
        return cls(order, cuts[:-1], cuts, steps, np.diff(cuts), np.zeros(len(cuts) - 1, np.int64))

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def rows(self) -> int:
        """How many rows the batches have on all workers."""
        return int(self.sizes.sum())

    def row_numbers(self, first: int = 0, end: int | None = None) -> np.ndarray:
        """Those rows of batches `first` to `end` (left out; None: to the last) that are here, int64 (rows,)."""
        end = len(self) if end is None else end
        counts = np.diff(self.cuts[first : end + 1])
        ahead = np.repeat(self.starts[first:end] - self.cuts[first:end], counts)
        return self.order[ahead + np.arange(self.cuts[first], self.cuts[end])]

    def in_order(self) -> "Batches":
        """The same batches of rows that stand in this very order."""
        return replace(self, order=np.arange(self.cuts[-1]), starts=self.cuts[:-1])

    def between(self, first: int, last: int) -> "Batches":
        """The batches of steps `first` to `last` (left out) alone."""
        start, end = self.steps[first], self.steps[last]
        cuts = self.cuts[start : end + 1]
        return Batches(
            self.order,
            self.starts[start:end],
            cuts - cuts[0],
            self.steps[first : last + 1] - start,
            self.sizes[start:end],
            self.firsts[start:end],
        )

    def share(self, worker: Worker) -> "Batches":
        """The rows of each batch that one of several workers has.

        Raises:
            UserError: a batch has fewer rows than there are workers.
        """
        if worker.is_alone:
            return self
        _check_sizes(self.sizes, worker.size)
        firsts, ends = worker.share(self.sizes)
        cuts = np.append(0, np.cumsum(ends - firsts))
        return replace(self, starts=self.starts + firsts, cuts=cuts, firsts=firsts)


def epoch_batches(rows: int, batch_size: int | None, seed: int, epoch: int, accumulate: int = 1) -> Batches:
    """Shuffles the rows, cuts them into batches and groups these into steps; (seed, epoch) alone decide the order.

    A last batch of one row joins the one before it, because batch statistics of one row are undefined.
    """
    size = min(batch_size or rows, rows)
    cuts = np.append(np.arange(0, rows, size), rows)
    if size > 1 and len(cuts) > 2 and rows - cuts[-2] == 1:
        cuts = np.delete(cuts, -2)
    batches = len(cuts) - 1
    steps = np.append(np.arange(0, batches, accumulate), batches)
    return Batches.of_all_rows(Order(rows, seed, epoch), cuts, steps)


def _check_sizes(sizes: np.ndarray, workers: int) -> None:
    if sizes.min() < workers:
        which = "the last batch of an epoch" if sizes[0] >= workers else "a batch"
        raise UserError(
            f"{which} has {sizes.min()} rows for {workers} workers; expected one for each at least: "
            "fewer train.workers, or another train.batch_size"
        )
