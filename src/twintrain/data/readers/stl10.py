"""STL-10's binary archive, read straight from the tar; its images without labels are left out."""

from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.archives import wanted_members
from twintrain.data.readers.ingested import Ingested, ingested_array, names_of_codes
from twintrain.errors import UserError

IMAGE_SHAPE = [96, 96, 3]
PIXELS = 96 * 96 * 3
NAMES = "class_names.txt"
PARTS = ("train", "test")


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads the training images, then those of the test set.

    An image is 9,216 bytes each of red, green and blue, column by column; a label is a byte that counts the lines of
    `class_names.txt` from 1 (https://cs.stanford.edu/~acoates/stl10/).

    Raises:
        UserError: the archive is damaged or lacks a file, a file is cut off, or a label is unknown.
    """
    path = paths[0]
    if len(paths) > 1 or dataset.image_shape != IMAGE_SHAPE:
        raise UserError(f"{path}: format: stl10 is one archive of images of shape {IMAGE_SHAPE}")
    found = _members(path)
    names = found[NAMES].decode("ascii", errors="replace").split()
    if sorted(names) != sorted(dataset.labels):
        expected, got = ", ".join(dataset.labels), ", ".join(names)
        raise UserError(f"{path}: {NAMES}: expected the labels {expected}, got {got}")
    images = [_images(f"{path}: {part}_X.bin", found[f"{part}_X.bin"]) for part in PARTS]
    codes = [np.frombuffer(found[f"{part}_y.bin"], np.uint8) for part in PARTS]
    for part, pictures, numbers in zip(PARTS, images, codes, strict=True):
        if len(numbers) != len(pictures):
            raise UserError(
                f"{path}: {part}_y.bin: expected {len(pictures):,} labels, one an image, got {len(numbers):,}"
            )
    array = np.concatenate(images)
    return ingested_array(
        array,
        names_of_codes(np.concatenate(codes), names, first=1),
        pd.Series("", index=range(len(array))),
        dataset,
        bad_rows,
        path,
        np.repeat(PARTS, [len(pictures) for pictures in images]),
    )


def _members(path: Path) -> dict[str, bytes]:
    """Reads the files that are wanted, by their name without folder, and none of those behind the last one."""
    wanted = {NAMES, *(f"{part}_{kind}.bin" for part in PARTS for kind in "Xy")}
    found = wanted_members(path, wanted)
    if missing := sorted(wanted - found.keys()):
        raise UserError(f"{path} lacks {', '.join(missing)}; expected STL-10's binary version")
    return found


def _images(name: str, content: bytes) -> np.ndarray:
    if not content or len(content) % PIXELS:
        raise UserError(f"{name}: expected images of {PIXELS:,} bytes each, got {len(content):,} bytes in all")
    # (channel, column, row) in the file.
    columns_first = np.frombuffer(content, np.uint8).reshape(-1, 3, 96, 96)
    return np.ascontiguousarray(columns_first.transpose(0, 3, 2, 1))
