"""SVHN's cropped digits: MATLAB files, of the training set and of the test set."""

import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.ingested import Ingested, ingested_array
from twintrain.errors import UserError

IMAGE_SHAPE = [32, 32, 3]
PARTS = ("train", "test")


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads `train_32x32.mat`, then `test_32x32.mat`.

    X is uint8 (row, column, channel, image), and y (image, 1) the digit, 10 for a 0
    (http://ufldl.stanford.edu/housenumbers/).

    Raises:
        UserError: one of the two is missing, damaged or of another shape, or a label is unknown.
    """
    if dataset.image_shape != IMAGE_SHAPE:
        raise UserError(f"{paths[0]}: format: svhn is images of shape {IMAGE_SHAPE}, got {dataset.image_shape}")
    read_parts = [_read_part(_file_of(paths, part)) for part in PARTS]
    array = np.concatenate([images for images, _ in read_parts])
    digits = np.concatenate([digits for _, digits in read_parts])
    return ingested_array(
        array,
        pd.Series(np.where(digits == 10, 0, digits).astype(str).astype(object)),
        pd.Series("", index=range(len(array))),
        dataset,
        bad_rows,
        paths[0],
        np.repeat(PARTS, [len(images) for images, _ in read_parts]),
    )


def _file_of(paths: list[Path], part: str) -> Path:
    found = [path for path in paths if path.name.startswith(part)]
    if len(paths) != len(PARTS) or len(found) != 1:
        names = ", ".join(path.name for path in paths)
        raise UserError(f"{paths[0].parent}: expected one file train… and one file test…, got {names}")
    return found[0]


def _read_part(path: Path) -> tuple[np.ndarray, np.ndarray]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        arrays = loadmat(path, variable_names=("X", "y"))
    except (
        MatReadError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        NotImplementedError,
        OSError,
        zlib.error,
    ) as error:
        raise UserError(f"{path} is damaged or no MATLAB file: {str(error) or type(error).__name__}") from None
    images, digits = (np.asarray(arrays.get(name, ())) for name in ("X", "y"))
    if images.dtype != np.uint8 or list(images.shape[:-1]) != IMAGE_SHAPE or digits.shape != (images.shape[-1], 1):
        raise UserError(
            f"{path}: expected X of uint8 [32, 32, 3, images] and y of [images, 1], "
            f"got X of {images.dtype} {list(images.shape)} and y of {list(digits.shape)}"
        )
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2)), digits[:, 0].astype(np.int64)
