"""NumPy archives: `features` and `labels`, or `x_train`, `y_train`, `x_test` and `y_test`."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.archives import LARGEST_ARCHIVE, members
from twintrain.data.readers.ingested import Ingested, ingested_array
from twintrain.errors import UserError

WHOLE = ("features", "labels")
PARTED = ("x_train", "y_train", "x_test", "y_test")
NOT_READABLE = (ValueError, EOFError, KeyError, OSError, MemoryError, zipfile.BadZipFile)


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads images (rows, height, width, channels) of 0 to 255, or numbers (rows, …) as `sample_shape` has them.

    Images of one channel may lack their last axis. Labels, (rows,) or (rows, 1), are text or whole numbers, which stand
    in `dataset.labels` as text; those of a regression are numbers. Nothing in the file is unpickled.

    Raises:
        UserError: an unreadable archive, missing arrays, another shape or type, bad rows, no rows, or nothing to learn.
    """
    path = paths[0]
    if len(paths) > 1:
        raise UserError(f"{path}: format: npz is one file, got {len(paths)}")
    arrays = read_arrays(path)
    has_parts = set(arrays) >= set(PARTED)
    pairs = [PARTED[:2], PARTED[2:]] if has_parts else [WHOLE]
    features = np.concatenate([_shaped(f"{path}: {name}", arrays[name], dataset) for name, _ in pairs])
    labels = pd.concat([_labels(path, arrays, *pair, dataset) for pair in pairs], ignore_index=True)
    part = np.repeat(["train", "test"], [len(arrays["x_train"]), len(arrays["x_test"])]) if has_parts else None
    array, reasons = _as_pixels(features) if dataset.image_shape else _as_numbers(features)
    return ingested_array(array, labels, reasons, dataset, bad_rows, path, part)


def unreadable_text(error: Exception) -> str:
    """Why NumPy cannot read a file, of which it has raised one of NOT_READABLE."""
    if "pickle" in str(error):
        return "it holds Python objects, which are never loaded; save arrays of numbers or text"
    return "it is cut off, damaged or something else"


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of an archive by name, without looking at them."""
    members(path, LARGEST_ARCHIVE)  # refuses bombs before anything is unpacked
    try:
        with np.load(path, allow_pickle=False) as archive:
            known = set(archive.files)
            wanted = PARTED if known >= set(PARTED) else WHOLE
            if not known >= set(wanted):
                raise UserError(
                    f"{path}: expected arrays {' and '.join(WHOLE)}, or {', '.join(PARTED)}; "
                    f"got {', '.join(sorted(known)) or 'none'}"
                )
            found = {name: archive[name] for name in wanted}
    except NOT_READABLE as error:
        raise UserError(f"{path} is no readable NumPy archive: {unreadable_text(error)}") from None
    for name, array in found.items():
        if array.ndim == 0:
            raise UserError(f"{path}: {name}: expected (rows, …), got a single number")
    return found


def _shaped(name: str, array: np.ndarray, dataset: Dataset) -> np.ndarray:
    expected = dataset.array_shape
    if dataset.image_shape and expected[-1] == 1 and array.ndim == 3:
        array = array[..., None]
    if list(array.shape[1:]) != expected:
        raise UserError(f"{name}: expected (rows, {', '.join(map(str, expected))}), got {array.shape}")
    if array.dtype.kind not in "biuf":
        raise UserError(f"{name}: expected numbers, got {array.dtype}")
    return array


def _labels(path: Path, arrays: dict[str, np.ndarray], features: str, labels: str, dataset: Dataset) -> pd.Series:
    """Labels, and the numbers of a regression, as text."""
    found = one_a_row(path, arrays, features, labels)
    kinds, expected = ("biuf", "numbers") if dataset.task == "regression" else ("biuU", "whole numbers or text")
    if found.dtype.kind not in kinds:
        raise UserError(f"{path}: {labels}: expected {expected}, got {found.dtype}")
    return pd.Series(as_text(found))


def as_text(labels: np.ndarray) -> np.ndarray:
    """Labels as a description writes them: no, yes are 0, 1; numbers are as they are in float64."""
    if labels.dtype.kind in "bf":
        labels = labels.astype(int if labels.dtype.kind == "b" else np.float64)
    return labels.astype(str)


def one_a_row(path: Path, arrays: dict[str, np.ndarray], features: str, labels: str) -> np.ndarray:
    """The labels (rows,) of an array of features, both by their names.

    Raises:
        UserError: another shape than (rows,) or (rows, 1).
    """
    found, expected = arrays[labels], (len(arrays[features]),)
    if found.shape not in (expected, (*expected, 1)):
        one_hot = "; of one-hot labels: labels.argmax(axis=1)" if found.shape[:-1] == expected else ""
        raise UserError(f"{path}: {labels}: expected {expected}, one a row, got {found.shape}{one_hot}")
    return found.reshape(expected)


def _as_pixels(features: np.ndarray) -> tuple[np.ndarray, pd.Series]:
    if features.dtype == np.uint8:
        return features, pd.Series("", index=range(len(features)))
    whole = _every((features >= 0) & (features <= 255) & (features == np.floor(features)))
    pixels = np.where(whole[:, None, None, None], features, 0).astype(np.uint8)
    return pixels, pd.Series(np.where(whole, "", "a pixel that is not a whole number from 0 to 255"))


def are_finite(array: np.ndarray) -> np.ndarray:
    """Whether all numbers of a row are finite: bool (rows,). Text is."""
    return _every(np.isfinite(array)) if array.dtype.kind == "f" else np.ones(len(array), bool)


def _as_numbers(features: np.ndarray) -> tuple[np.ndarray, pd.Series]:
    finite = are_finite(features)
    return features.astype(np.float32), pd.Series(np.where(finite, "", "a number that is not finite"))


def _every(condition: np.ndarray) -> np.ndarray:
    """Whether it holds everywhere in a row."""
    return condition.all(axis=tuple(range(1, condition.ndim)))
