"""CIFAR-10's binary archive, read straight from the tar."""

import re
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.archives import each_member
from twintrain.data.readers.ingested import Ingested, ingested_array
from twintrain.errors import UserError

IMAGE_SHAPE = [32, 32, 3]
RECORD = 1 + 32 * 32 * 3
BATCHES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
NAMES = "batches.meta.txt"
LARGEST_ARCHIVE = 2**30


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads the training batches in their order, then the test batch.

    A record is the label in a byte, then 1,024 bytes each of red, green and blue, row by row
    (https://www.cs.toronto.edu/~kriz/cifar.html); `batches.meta.txt` names the labels from 0.

    Raises:
        UserError: the archive is damaged or lacks a file, a batch has a broken record, or a label is unknown.
    """
    path = paths[0]
    if len(paths) > 1 or dataset.image_shape != IMAGE_SHAPE:
        raise UserError(f"{path}: format: cifar is one archive of images of shape {IMAGE_SHAPE}")
    found = _members(path)
    records = {name: _records(f"{path}: {name}", found[name]) for name in BATCHES}
    sizes = [len(records[name]) for name in BATCHES]
    everything = np.concatenate(list(records.values()))
    # Channels first in the file, last here.
    images = np.ascontiguousarray(everything[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return ingested_array(
        images,
        _labels(everything[:, 0], found[NAMES], f"{path}: {NAMES}", dataset),
        pd.Series("", index=range(len(images))),
        dataset,
        bad_rows,
        path,
        np.repeat(["train", "test"], [sum(sizes[:-1]), sizes[-1]]),
    )


def _members(path: Path) -> dict[str, bytes]:
    """Reads the files that are wanted, by their name without folder, in one pass."""
    wanted = {*BATCHES, NAMES}
    found = {}
    for member, stream in each_member(path, LARGEST_ARCHIVE):
        name = PurePosixPath(member.name).name
        if name in wanted:
            found[name] = stream.read()
    if missing := sorted(wanted - found.keys()):
        raise UserError(f"{path} lacks {', '.join(missing)}; expected CIFAR-10's binary version")
    return found


def _records(name: str, content: bytes) -> np.ndarray:
    if not content or len(content) % RECORD:
        raise UserError(f"{name}: expected records of {RECORD:,} bytes each, got {len(content):,} bytes in all")
    return np.frombuffer(content, np.uint8).reshape(-1, RECORD)


def _labels(codes: np.ndarray, listed: bytes, name: str, dataset: Dataset) -> pd.Series:
    names = re.findall(r"\S+", listed.decode("ascii", errors="replace"))
    if sorted(names) != sorted(dataset.labels):
        raise UserError(f"{name}: expected the labels {', '.join(dataset.labels)}, got {', '.join(names)}")
    # Beyond the labels stand the numbers themselves, for the message.
    return pd.Series(np.array([*names, *map(str, range(len(names), 256))], dtype=object)[codes])
