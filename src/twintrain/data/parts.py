"""The arrays of one part of the split, and their file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Part:
    """One part of the split.

    Attributes:
        features: (rows, …) float32 or int64.
        labels: (rows,) int64 class indices.
        index: (rows,) int64 row numbers in the ingested data.
    """

    features: np.ndarray
    labels: np.ndarray
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def save(self, path: Path) -> None:
        np.savez(path, features=self.features, labels=self.labels, index=self.index)

    @classmethod
    def load(cls, path: Path, dtype: str = "float32") -> "Part":
        """Reads a part, numbers in the given precision, codes as they are."""
        with np.load(path, allow_pickle=False) as arrays:
            features = arrays["features"]
            if features.dtype.kind == "f":
                features = features.astype(dtype, copy=False)
            return cls(features, arrays["labels"], arrays["index"])
