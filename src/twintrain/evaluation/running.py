"""Means of what comes in runs of rows, in the memory of one run."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# More than most data sets have to score: of these a mean is that of NumPy to the last digit.
RUN_ROWS = 2**17
# Where rows are wide: 128 MiB in float64.
RUN_NUMBERS = 2**24


def runs(*arrays: np.ndarray, batch: int = 1) -> Iterator[slice]:
    """Cuts rows, which arrays (rows, …) have alike, into runs that fit into memory.

    Args:
        batch: runs are of whole batches of so many rows, but for the last one.
    """
    rows = len(arrays[0])
    most = min(RUN_ROWS, *(RUN_NUMBERS * rows // array.size for array in arrays))
    size = max(1, most // batch) * batch
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def evenly(rows: int, most: int = RUN_ROWS) -> slice:
    """An even sample of so many rows at most: every second one, every third, …"""
    return slice(None, None, max(1, -(-rows // most)))


@dataclass
class Mean:
    """The mean of numbers that come in arrays; of a single one `array.mean()`."""

    total: float = 0.0
    count: int = 0

    def add(self, numbers: np.ndarray) -> None:
        self.total += float(numbers.sum())
        self.count += numbers.size

    @property
    def value(self) -> float:
        return self.total / self.count
