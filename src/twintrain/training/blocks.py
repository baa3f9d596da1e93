"""The rows of an epoch as a backend is given them: all of them once, or a block at a time.

Blocks are for rows that do not fit on the device, or that augmentation changes in every epoch. Where they are cut
changes no weight: they hold whole steps, and rows are gathered and augmented by the numbers of epoch and row alone.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from twintrain.data.parts import Part
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches, epoch_batches
from twintrain.training.mixing import rows_of_epoch


class Feed:
    """Feeds one backend with the training rows, epoch by epoch.

    Attributes:
        steps: how many an epoch has.
        stays: whether all rows are loaded, once and for all epochs.
    """

    def __init__(self, backend: Any, part: Part, train: Train) -> None:
        self.backend = backend
        self.part = part
        self.train = train
        self.steps = len(self.batches(0).steps) - 1
        self.stays = not train.augmentation.is_on and part.features.nbytes <= train.block_bytes
        if self.stays:
            backend.load_rows(part.features[:], part.labels[:])

    def batches(self, epoch: int) -> Batches:
        """The batches of an epoch, of rows of the part: those of the backend's worker."""
        return self._whole_batches(epoch).share(self.backend.worker)

    def first_batch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Features and labels of the first batch of an epoch, of all workers, as the first step meets them."""
        batches = self._whole_batches(epoch)
        return self._gather(batches.row_numbers(0, 1), epoch)

    def train_steps(self, epoch: int, rates: np.ndarray, first: int = 0) -> tuple[float, float]:
        """Takes steps of an epoch; returns mean loss and metric over their rows, as seen while training.

        Args:
            rates: float64 (steps,), the learning rate of each step.
            first: the number of the first of these steps in the epoch.
        """
        batches = self.batches(epoch).between(first, first + len(rates))
        if self.stays:
            return self.backend.train_epoch(batches, rates)
        sums = np.zeros(2)
        for start, end in block_steps(batches, self._rows_a_block()):
            block = batches.between(start, end)
            self.backend.load_rows(*self._gather(block.row_numbers(), epoch))
            sums += np.multiply(self.backend.train_epoch(block.in_order(), rates[start:end]), block.rows)
        loss, metric = (sums / batches.rows).tolist()
        return loss, metric

    def _whole_batches(self, epoch: int) -> Batches:
        return epoch_batches(len(self.part), self.train.batch_size, self.train.seed, epoch, self.train.accumulate)

    def _rows_a_block(self) -> int:
        return self.train.block_bytes // max(1, self.part.features[:1].nbytes)

    def _gather(self, rows: np.ndarray, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        return rows_of_epoch(self.part, rows, self.train.augmentation, self.train.seed, epoch)


def block_steps(batches: Batches, rows: int) -> Iterator[tuple[int, int]]:
    """Cuts an epoch into blocks of about so many rows: the first step of each, and the one after its last.

    All but the last have the same number of steps, at least one, so that a library that compiles for each shape of
    its arrays compiles for two.
    """
    steps = len(batches.steps) - 1
    # Of all workers, so that all cut alike: they meet at the end of each block.
    at_once = max(1, rows // int(batches.sizes[: batches.steps[1]].sum()))
    for first in range(0, steps, at_once):
        yield first, min(first + at_once, steps)
