"""The arrays of one part of the split, and their files."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from twintrain.data.chunks import RowsWriter
from twintrain.system.stored import damaged, load_array

PARTS = ("train", "val", "test")
ARRAYS = ("features", "labels", "index")


class Converted:
    """An array of numbers in another precision, of which no more is converted than is asked for.

    `array[rows]` is a NumPy array; so is `np.asarray(array)`, of all rows.
    """

    def __init__(self, array: np.ndarray, dtype: str) -> None:
        self.array = array
        self.dtype = np.dtype(dtype)
        self.shape, self.ndim, self.size = array.shape, array.ndim, array.size
        self.nbytes = array.size * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self.array[rows].astype(self.dtype)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return self.array.astype(dtype or self.dtype)


@dataclass(frozen=True)
class Part:
    """One part of the split.

    Attributes:
        features: (rows, …) float32, float64 or int64.
        labels: (rows,) int64 class indices, (rows, outputs) numbers to predict, or masks, bool (rows, pixels).
        index: (rows,) int64 row numbers in the ingested data.
    """

    features: np.ndarray | Converted
    labels: np.ndarray | Converted
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def save(self, folder: Path) -> None:
        with PartWriter(folder) as writer:
            writer.append(self)

    @classmethod
    def load(cls, folder: Path, dtype: str = "float32") -> "Part":
        """Opens a part, numbers in the given precision, codes and classes as they are.

        All is a memory map, so that it need not fit into memory, or `Converted` from one; what is written to it never
        reaches the file.

        Raises:
            DamagedFileError: a file is damaged, or of other rows than the others.
        """
        features, labels = (load_array(folder / f"{name}.npy", mmap_mode="c") for name in ("features", "labels"))
        index = load_array(folder / "index.npy", mmap_mode="c", kinds="iu", axes=1)
        for name, array in (("features", features), ("labels", labels)):
            if len(array) != len(index):
                raise damaged(folder / f"{name}.npy", f"{len(index):,} rows, as index.npy has", f"{len(array):,}")
        return cls(_in_precision(features, dtype), _in_precision(labels, dtype), index)

    def first(self, rows: int) -> "Part":
        """The first rows, or all where there are no more, as arrays."""
        return Part(self.features[:rows], self.labels[:rows], self.index[:rows])


def _in_precision(array: np.ndarray, dtype: str) -> np.ndarray | Converted:
    return array if array.dtype.kind != "f" or array.dtype == dtype else Converted(array, dtype)


class PartWriter:
    """Writes a part run by run, as `RowsWriter` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, part: Part) -> None:
        for name in ARRAYS:
            self._writers[name].append(getattr(part, name))

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._open = ExitStack()
        self._writers = {name: self._open.enter_context(RowsWriter(self.folder / f"{name}.npy")) for name in ARRAYS}
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._open.__exit__(*error)
