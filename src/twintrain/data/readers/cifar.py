"""CIFAR-10's and CIFAR-100's binary archives, read straight from the tar."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.archives import wanted_members
from twintrain.data.readers.ingested import Ingested, ingested_array, names_of_codes
from twintrain.errors import UserError

IMAGE_SHAPE = [32, 32, 3]
PIXELS = 32 * 32 * 3
LARGEST_ARCHIVE = 2**30


@dataclass(frozen=True)
class Version:
    """One of the published archives.

    Attributes:
        names: the files that name the labels from 0, one for each byte that begins a record.
        train: files of records, in their order.
    """

    title: str
    names: tuple[str, ...]
    train: tuple[str, ...]
    test: str

    @property
    def files(self) -> set[str]:
        """All that is wanted of the archive."""
        return {*self.names, *self.train, self.test}


CIFAR10 = Version(
    "CIFAR-10", ("batches.meta.txt",), tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"
)
CIFAR100 = Version("CIFAR-100", ("coarse_label_names.txt", "fine_label_names.txt"), ("train.bin",), "test.bin")


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads the training records in the order of their files, then those of the test set.

    A record is a label in a byte, of CIFAR-100 that of the superclass before that of the class, then 1,024 bytes each
    of red, green and blue, row by row (https://www.cs.toronto.edu/~kriz/cifar.html). Of CIFAR-100's labels those are
    taken that the data set has.

    Raises:
        UserError: the archive is damaged or lacks a file, a file has a broken record, or a label is unknown.
    """
    path = paths[0]
    if len(paths) > 1 or dataset.image_shape != IMAGE_SHAPE:
        raise UserError(f"{path}: format: cifar is one archive of images of shape {IMAGE_SHAPE}")
    version, found = _members(path)
    records = [_records(f"{path}: {name}", found[name], len(version.names)) for name in (*version.train, version.test)]
    everything = np.concatenate(records)
    # Channels first in the file, last here.
    images = np.ascontiguousarray(everything[:, -PIXELS:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    tests = len(records[-1])
    return ingested_array(
        images,
        _labels(everything, {name: found[name] for name in version.names}, path, dataset),
        pd.Series("", index=range(len(images))),
        dataset,
        bad_rows,
        path,
        np.repeat(["train", "test"], [len(images) - tests, tests]),
    )


def _members(path: Path) -> tuple[Version, dict[str, bytes]]:
    """Reads the files that are wanted, by their name without folder, in one pass."""
    found = wanted_members(path, CIFAR10.files | CIFAR100.files, LARGEST_ARCHIVE)
    version = CIFAR100 if CIFAR100.files & found.keys() else CIFAR10
    if missing := sorted(version.files - found.keys()):
        raise UserError(f"{path} lacks {', '.join(missing)}; expected {version.title}'s binary version")
    return version, found


def _records(name: str, content: bytes, labels: int) -> np.ndarray:
    size = labels + PIXELS
    if not content or len(content) % size:
        raise UserError(f"{name}: expected records of {size:,} bytes each, got {len(content):,} bytes in all")
    return np.frombuffer(content, np.uint8).reshape(-1, size)


def _labels(records: np.ndarray, listed: dict[str, bytes], path: Path, dataset: Dataset) -> pd.Series:
    """The labels that the data set has; `listed` are the files that name those of each byte."""
    known = {file: re.findall(r"\S+", content.decode("ascii", errors="replace")) for file, content in listed.items()}
    for byte, names in enumerate(known.values()):
        if sorted(names) == sorted(dataset.labels):
            return names_of_codes(records[:, byte], names)
    file, names = list(known.items())[-1]
    raise UserError(f"{path}: {file}: expected the labels {', '.join(dataset.labels)}, got {', '.join(names)}")
