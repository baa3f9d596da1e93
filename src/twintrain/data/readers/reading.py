"""Raw files → tables or arrays, every bad row found and named."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers import cifar, idx, images, npz, pixels, series, table
from twintrain.data.readers.ingested import Ingested, check_labels
from twintrain.errors import UserError

READERS = {
    "pixels": pixels.read,
    "idx": idx.read,
    "cifar": cifar.read,
    "images": images.read,
    "npz": npz.read,
    "series": series.read,
}


def read_raw(
    paths: list[Path],
    dataset: Dataset,
    bad_rows: str,
    classes: list[str] | None = None,
    group: str | None = None,
    time: str | None = None,
) -> Ingested:
    """Reads raw files into validated rows; see `read_chunks`."""
    chunks = list(read_chunks(paths, dataset, bad_rows, classes, group, time))
    if len(chunks) == 1:
        return chunks[0]
    marks = {
        name: None if mark is None else np.concatenate([chunk.row_marks[name] for chunk in chunks])
        for name, mark in chunks[0].row_marks.items()
    }
    return replace(
        chunks[0],
        table=pd.concat([chunk.table for chunk in chunks], ignore_index=True),
        labels=np.concatenate([chunk.labels for chunk in chunks]),
        rejected=pd.concat([chunk.rejected for chunk in chunks]),
        **marks,
    )


def read_chunks(
    paths: list[Path],
    dataset: Dataset,
    bad_rows: str,
    classes: list[str] | None = None,
    group: str | None = None,
    time: str | None = None,
) -> Iterator[Ingested]:
    """Reads raw files into validated rows: a table in chunks, so that it need not fit into memory, others as one.

    Args:
        paths: the files of the data set.
        dataset: what the files should hold.
        bad_rows: "error" stops at bad rows and lists them; "drop" sets them aside.
        classes: labels whose rows are kept, in the order of the classes; None keeps all.
        group: a column of a table, for the groups of the rows; None: there are none.
        time: a feature of a table by which the rows are put in order; None: there is none.

    Raises:
        UserError: an unreadable file, a missing column, bad rows, no rows, or nothing to learn.
    """
    if dataset.format == "table":
        chunks = table.read(paths, dataset, bad_rows, group, time)
    elif group or time:
        name = "group" if group else "time"
        raise UserError(f"split.{name} names a column of a table, and {dataset.title} has none; expected null")
    else:
        chunks = iter([READERS[dataset.format](paths, dataset, bad_rows)])
    yield from chunks if classes is None else _of_classes(chunks, dataset, classes, paths[0])


def _of_classes(chunks: Iterator[Ingested], dataset: Dataset, classes: list[str], path: Path) -> Iterator[Ingested]:
    kept = dataset.of_classes(classes)
    # Where each class of the data set is among the kept ones; -1 where it is not.
    place = np.array([classes.index(label) if label in classes else -1 for label in dataset.labels])
    seen = np.zeros(0, np.int64)
    for chunk in chunks:
        labels = place[chunk.labels]
        seen = np.union1d(seen, labels[labels >= 0])
        yield chunk.of_rows(labels >= 0, labels[labels >= 0])
    check_labels(seen, kept, path, rejected=0)
