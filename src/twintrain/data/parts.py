"""The arrays of one part of the split, and their files."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from twintrain.data.chunks import RowsWriter
from twintrain.system.stored import damaged, load_array

PARTS = ("train", "val", "test")
ARRAYS = ("features", "labels", "index")


@dataclass(frozen=True)
class Part:
    """One part of the split.

    Attributes:
        features: (rows, …) float32 or int64.
        labels: (rows,) int64 class indices, or (rows, outputs) numbers to predict.
        index: (rows,) int64 row numbers in the ingested data.
    """

    features: np.ndarray
    labels: np.ndarray
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def save(self, folder: Path) -> None:
        with PartWriter(folder) as writer:
            writer.append(self)

    @classmethod
    def load(cls, folder: Path, dtype: str = "float32") -> "Part":
        """Reads a part, numbers in the given precision, codes and classes as they are.

        What has this precision in the file is a memory map, so that it need not fit into memory; what is
        written to it never reaches the file.

        Raises:
            DamagedFileError: a file is damaged, or of other rows than the others.
        """
        features, labels = (load_array(folder / f"{name}.npy", mmap_mode="c") for name in ("features", "labels"))
        index = load_array(folder / "index.npy", kinds="iu", axes=1)
        for name, array in (("features", features), ("labels", labels)):
            if len(array) != len(index):
                raise damaged(folder / f"{name}.npy", f"{len(index):,} rows, as index.npy has", f"{len(array):,}")
        return cls(_in_precision(features, dtype), _in_precision(labels, dtype), index)


def _in_precision(array: np.ndarray, dtype: str) -> np.ndarray:
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array


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
