"""What the test rows are a sample of: where the chance lies that intervals and tests tell of."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampling:
    """How the test rows were drawn.

    Attributes:
        is_sample: whether they were; else they are all rows that there are, and nothing is left to chance.
        groups: int64 (rows,), rows of one number were drawn together (`split.group`); None: each was by itself.
    """

    is_sample: bool = True
    groups: np.ndarray | None = None

    def draws(self, rows: int) -> tuple[np.ndarray, int]:
        """The draw of each row, int64 (rows,) from 0, and the number of all draws."""
        if self.groups is None:
            return np.arange(rows), rows
        found, codes = np.unique(self.groups, return_inverse=True)
        return codes, len(found)

    def count(self, rows: int) -> int:
        """The number of all draws."""
        return rows if self.groups is None else self.draws(rows)[1]

    def counts(self, rows: int) -> dict[str, int]:
        """What is told of the rows of a comparison: how many they are, and in how many groups they were drawn."""
        return {"rows": rows} if self.groups is None else {"rows": rows, "groups": self.count(rows)}

    def total(self, values: np.ndarray) -> np.ndarray:
        """The sum of what belongs to each draw (draws,), from values (rows,): without groups these themselves."""
        if self.groups is None:
            return values
        codes, count = self.draws(len(values))
        return np.bincount(codes, weights=values, minlength=count)

    def of(self, is_wanted: np.ndarray | slice) -> "Sampling":
        """That of some of the rows, by bool (rows,) or a slice."""
        return self if self.groups is None else Sampling(self.is_sample, self.groups[is_wanted])


ROWS = Sampling()
ALL_ROWS = Sampling(is_sample=False)
