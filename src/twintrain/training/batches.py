"""The order of the rows and the cuts between batches: one source for every framework."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Batches:
    """One epoch of batches: batch i holds the rows `order[cuts[i]:cuts[i + 1]]`.

    Attributes:
        order: int64 (rows,), a permutation of the training rows.
        cuts: int64 (batches + 1,), from 0 to rows.
    """

    order: np.ndarray
    cuts: np.ndarray

    def __len__(self) -> int:
        return len(self.cuts) - 1


def epoch_batches(rows: int, batch_size: int | None, seed: int, epoch: int) -> Batches:
    """Shuffles the rows and cuts them into batches; (seed, epoch) alone decide the order.

    A last batch of one row joins the one before it, because batch statistics of one row are undefined.
    """
    order = np.random.default_rng([seed, epoch]).permutation(rows)
    size = min(batch_size or rows, rows)
    cuts = [*range(0, rows, size), rows]
    if size > 1 and len(cuts) > 2 and rows - cuts[-2] == 1:
        del cuts[-2]
    return Batches(order.astype(np.int64), np.array(cuts, np.int64))
