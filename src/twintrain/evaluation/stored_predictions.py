"""Predictions that stages leave in a project."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from twintrain.data.chunks import ArchiveWriter, row_blocks
from twintrain.system.stored import ANY_NUMBERS, Arrays, damaged, load_arrays

FILE_NAME = "predictions.npz"


def file_of(target: str | None = None) -> str:
    """The name of the file that has the predictions of a target; None: of the only one, or of the first of several."""
    return FILE_NAME if target is None else f"predictions_{target}.npz"


def store_predictions(
    path: Path, index: np.ndarray, labels: Iterable[np.ndarray], name: str, predicted: Iterable[np.ndarray]
) -> None:
    """Writes predictions, which come in runs of rows; the file is there when it is whole.

    Args:
        index: int64 (rows,), row numbers in the ingested data.
        labels: of the rows, as they are compared with what was predicted.
        name: `probability`, `prediction`, `mask` or `class`, see `comparison.compare_networks`.
    """
    with ArchiveWriter(path) as archive:
        archive.write("index", len(index), row_blocks(index))
        archive.write("label", len(index), labels)
        archive.write(name, len(index), predicted)


def load_predictions(folder: Path, target: str | None = None) -> Arrays:
    """The test predictions that `evaluate` or `baseline` has left in a folder, as read-only maps of their file.

    Args:
        target: a further one of several, as `file_of` takes it.

    Raises:
        DamagedFileError: it holds no such arrays, or arrays of different rows.
    """
    path = folder / file_of(target)
    found = load_arrays(path, "index", "label", kinds=ANY_NUMBERS, mapped=True)
    if sizes := {name: len(array) for name, array in found.items() if len(array) != len(found["index"])}:
        name, rows = next(iter(sizes.items()))
        raise damaged(path, f"{len(found['index']):,} rows of '{name}', as of 'index'", f"{rows:,}")
    if found["index"].dtype.kind not in "iu" or not found.keys() & {"probability", "prediction", "mask", "class"}:
        raise damaged(path, "predictions of rows by their numbers", ", ".join(found))
    return found


def predicted_name(stored: Arrays) -> str:
    """The name of what a network has predicted among the arrays of `load_predictions`."""
    return next(name for name in ("probability", "prediction", "mask") if name in stored)
