"""Images in folders, one folder a class, of the formats that `image_header` names."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.files import files_in, is_hidden
from twintrain.data.readers.archives import each_member, is_archive, open_bytes
from twintrain.data.readers.image_folders import place_of
from twintrain.data.readers.ingested import Ingested, ingested_array
from twintrain.errors import UserError

LARGEST_FILE = 2**28


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads images from folders, zips or tars; what their folders stand for, `dataset.folders` says.

    Images of val are of train: split draws validation rows. Every image is given the size, and the grey or colour, of
    `image_shape`. Its proportions may change.

    Raises:
        UserError: a file that cannot be decoded, one outside of the class folders, a class without images, no images,
            or one class only.
    """
    # Imports PyTorch, which only the reading of such images needs.
    from twintrain.data.readers.decoding import decode
    from twintrain.data.readers.image_header import BadImageError

    # One growing buffer: small arrays, kept between large ones that come and go, would leave holes in the memory.
    pixels, labels, reasons, part, sizes = bytearray(), [], [], [], Counter()
    blank = np.zeros(dataset.image_shape, np.uint8)
    for name, content in files_of(paths):
        place = place_of(name, dataset.folders)
        image, reason = blank, "" if place.label else f"{name} is in no class folder"
        try:
            image, size = decode(content, dataset.image_shape)
            sizes[size] += 1
        except BadImageError as error:
            reason = f"{name} {error}"
        pixels += image.tobytes()
        labels.append(place.label)
        reasons.append(reason)
        part.append("train" if place.part == "val" else place.part)
    placed = _check_folders(labels, part, dataset, paths[0])
    return ingested_array(
        np.frombuffer(pixels, np.uint8).reshape(-1, *dataset.image_shape),
        pd.Series(labels),
        pd.Series(reasons),
        dataset,
        bad_rows,
        paths[0],
        np.array(part) if "test" in placed else None,
        _notes(sizes, dataset.image_shape),
    )


def files_of(paths: list[Path]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yields each file's name and content, a folder's in the order of its names, an archive's as they lie there."""
    for path in paths:
        if path.is_dir():
            for file in files_in(path):
                with open_bytes(file, LARGEST_FILE) as stream:
                    yield PurePosixPath(file.relative_to(path).as_posix()), stream.read()
        elif is_archive(path):
            for member, stream in each_member(path):
                if is_hidden(name := PurePosixPath(member.name)):
                    continue
                # An archive may be large, and what is read at once is one of its files.
                if member.size > LARGEST_FILE:
                    raise UserError(
                        f"{path}: '{name}' unpacks to {member.size:,} bytes; expected {LARGEST_FILE:,} at most"
                    )
                yield name, stream.read()
        else:
            raise UserError(f"{path}: expected a folder of images, a zip or a tar")


def _check_folders(labels: list[str], part: list[str], dataset: Dataset, path: Path) -> set[str]:
    """Returns which parts there are."""
    if not labels:
        raise UserError(f"{path} has no images; expected folders {', '.join(dataset.labels)}")
    for label in dataset.labels:
        if label not in labels:
            raise UserError(f"{path}: class '{label}' has no images; its folder is missing or empty")
    placed = {where for label, where in zip(labels, part, strict=True) if label}
    if "test" in placed and "" in placed:
        raise UserError(f"{path}: expected all images below train/ and test/, or none")
    return placed


def _notes(sizes: Counter, image_shape: list[int]) -> tuple[str, ...]:
    height, width, _ = image_shape
    others = {size: count for size, count in sizes.items() if size != (height, width)}
    if not others:
        return ()
    (low, high), count = (min(others), max(others)), sum(others.values())
    span = f"from {low[0]} × {low[1]} to {high[0]} × {high[1]} pixels" if low != high else f"{low[0]} × {low[1]} pixels"
    changed = sum(count for size, count in others.items() if size[0] * width != size[1] * height)
    return (f"{count:,} images, {span}, were resized to {height} × {width}; of {changed:,} the proportions changed",)
