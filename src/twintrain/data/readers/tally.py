"""What is known of rows only when all have been read: whether they may be used at all."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from pydantic import BaseModel

from twintrain.data.dataset import Dataset
from twintrain.data.readers.ingested import check_labels, set_aside


class Tally(BaseModel):
    """Gathers what the rows of one piece after the other are like; pieces that were read apart add up too.

    Attributes:
        rows: read so far, bad ones among them.
        rejected: why a row is bad, by its number from 1.
        seen: the classes of good rows; of numbers, some that have their least and their greatest among them.
        kept: of the classes that `ingest.classes` keeps, those that were seen, by their new numbers.
        groups: the values of `split.group` in the order in which they came, each with its number.
        notes: what the user should know about how the files were read.
    """

    rows: int = 0
    rejected: dict[int, str] = {}
    seen: set[float] = set()
    kept: set[int] = set()
    groups: dict[str, int] = {}
    notes: tuple[str, ...] = ()

    def add_labels(self, labels: np.ndarray) -> None:
        """Adds those of good rows: int64 (rows,) of classes, (rows, outputs) of numbers and masks."""
        if labels.ndim == 1:
            self.seen |= set(np.unique(labels).tolist())
        elif len(labels):
            self.seen |= {labels.min().item(), labels.max().item()}

    def numbered(self, values: pd.Series) -> np.ndarray:
        """The numbers of the values of `split.group`: int64 (rows,). Missing values are of one group.

        Parquet gives whole numbers as numbers, and as text in a chunk where some are missing; so all are taken as text.
        """
        codes, found = pd.factorize(values.astype(str).where(values.notna(), ""))
        return self._numbers_of(found)[codes]

    def add(self, other: Self) -> np.ndarray:
        """Adds what another one has gathered of the rows behind.

        Returns:
            int64 (groups,): what the numbers of the other's groups are here.
        """
        self.rejected |= {self.rows + row: reason for row, reason in other.rejected.items()}
        self.rows += other.rows
        self.seen |= other.seen
        self.kept |= other.kept
        self.notes += other.notes
        return self._numbers_of(other.groups)

    def _numbers_of(self, groups: Iterable[str]) -> np.ndarray:
        return np.array([self.groups.setdefault(value, len(self.groups)) for value in groups], np.int64)

    def checked(self, dataset: Dataset, bad_rows: str, classes: list[str] | None, path: Path) -> pd.Series:
        """Returns why each bad row is set aside, by its number from 1.

        Raises:
            UserError: bad rows that are not to be dropped, no rows, or nothing to learn.
        """
        reasons = pd.Series(self.rejected.values(), [row - 1 for row in self.rejected], dtype=str)
        rejected = set_aside(reasons, bad_rows, path)
        seen = np.array(sorted(self.seen))
        check_labels(seen.astype(int) if dataset.labels else seen[:, None], dataset, path, len(rejected))
        if classes is not None:
            check_labels(np.array(sorted(self.kept), int), dataset.of_classes(classes), path, rejected=0)
        return rejected
