"""IDX files, as MNIST is published: images and labels, of the training set and of the test set, plain or gzipped."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.archives import open_bytes
from twintrain.data.readers.ingested import Ingested, ingested_array, names_of_codes
from twintrain.errors import UserError

UNSIGNED_BYTE = 0x08
LARGEST_FILE = 2**30
# How the names of a part's files begin.
PARTS = {"train": ("train",), "test": ("t10k", "test")}


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads `train-images…`, `train-labels…` and, where they are, `t10k-images…` and `t10k-labels…`, in this order.

    A label is a byte that counts the classes from 0, in the order of `dataset.labels`.

    Raises:
        UserError: a file of a pair is missing; a file is no IDX file, truncated or too long; images have another shape
            than `image_shape`, or another number than labels; a label is unknown.
    """
    images, codes, part = [], [], []
    for name, starts in PARTS.items():
        if name == "test" and not any(path.name.startswith(starts) for path in paths):
            continue
        found = _read_images(_file_of(paths, starts, "images"), dataset.image_shape)
        path = _file_of(paths, starts, "labels")
        numbers = _read_idx(path, dimensions=1)
        if len(numbers) != len(found):
            raise UserError(f"{path}: expected {len(found):,} labels, one an image, got {len(numbers):,}")
        images.append(found)
        codes.append(numbers)
        part += [name] * len(found)
    codes = np.concatenate(codes)
    return ingested_array(
        np.concatenate(images),
        names_of_codes(codes, dataset.labels),
        pd.Series("", index=range(len(codes))),
        dataset,
        bad_rows,
        paths[0],
        np.array(part) if "test" in part else None,
    )


def _file_of(paths: list[Path], starts: tuple[str, ...], kind: str) -> Path:
    found = [path for path in paths if path.name.startswith(starts) and kind in path.name]
    if len(found) != 1:
        names = ", ".join(path.name for path in paths)
        raise UserError(f"{paths[0].parent}: expected one file {starts[0]}-{kind}…, got {len(found)} among {names}")
    return found[0]


def _read_images(path: Path, image_shape: list[int]) -> np.ndarray:
    images = _read_idx(path, dimensions=3)
    height, width = images.shape[1:]
    if [height, width, 1] != image_shape:
        raise UserError(f"{path}: expected image_shape {image_shape}, got images of [{height}, {width}, 1]")
    return images[..., None]


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Reads one file: two zero bytes, the type, the number of dimensions, their sizes (big-endian), the bytes.

    The format is described with MNIST, http://yann.lecun.com/exdb/mnist/.
    """
    with open_bytes(path, LARGEST_FILE) as stream:
        header, content = stream.read(4 + 4 * dimensions), stream.read()
    expected = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if header[:4] != expected:
        got = header[:4].hex() or "nothing"
        raise UserError(f"{path} is no IDX file: expected the magic number {expected.hex()}, got {got}")
    if len(header) < 4 + 4 * dimensions:
        raise UserError(f"{path} is truncated: expected a header of {4 + 4 * dimensions} bytes, got {len(header)}")
    shape = np.frombuffer(header[4:], ">u4").tolist()
    if len(content) != math.prod(shape):
        raise UserError(
            f"{path} is truncated or too long: expected {math.prod(shape):,} bytes after its header, "
            f"got {len(content):,}"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)
