"""Raw files → tables or arrays, every bad row found and named."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from twintrain.data.dataset import Dataset
from twintrain.data.readers import cifar, idx, images, npz, pixels, reviews, series, stl10, svhn, table
from twintrain.data.readers.form import Form
from twintrain.data.readers.ingested import Ingested
from twintrain.data.readers.pieces import Piece, table_pieces
from twintrain.data.readers.tally import Tally
from twintrain.errors import UserError

READERS = {
    "pixels": pixels.read,
    "idx": idx.read,
    "cifar": cifar.read,
    "stl10": stl10.read,
    "svhn": svhn.read,
    "images": images.read,
    "npz": npz.read,
    "series": series.read,
    "reviews": reviews.read,
}


class Reading(BaseModel):
    """What is read, and how.

    Attributes:
        paths: the files of the data set.
        dataset: what the files should hold.
        bad_rows: "error" stops at bad rows and lists them; "drop" sets them aside.
        classes: labels whose rows are kept, in the order of the classes; None keeps all.
        group: a column of a table, for the groups of the rows; None: there are none.
        time: a feature of a table by which the rows are put in order; None: there is none.
    """

    model_config = ConfigDict(frozen=True)

    paths: list[Path]
    dataset: Dataset
    bad_rows: str
    classes: list[str] | None = None
    group: str | None = None
    time: str | None = None

    def pieces(self) -> list[Piece]:
        """Cuts the data into pieces that can be read apart: tables into chunks and files, others not.

        Raises:
            UserError: a damaged Parquet file, or `group` or `time` do not fit the data set.
        """
        self._check_marks()
        if self.dataset.format == "table":
            return table_pieces(self.paths, Form.of(self.dataset), table.CHUNK_ROWS)
        return [Piece(tuple(self.paths))]

    def _check_marks(self) -> None:
        if self.dataset.format == "table":
            table.check_time(self.dataset, self.time)
        elif self.group or self.time:
            name = "group" if self.group else "time"
            raise UserError(f"split.{name} names a column of a table, and {self.dataset.title} has none; expected null")

    def chunks(self, piece: Piece, tally: Tally) -> Iterator[Ingested]:
        """Reads a piece into validated rows: a table in chunks, so that it need not fit into memory, others as one.

        Args:
            tally: of the rows before; when all has been read, `checked` says whether they may be used.

        Raises:
            UserError: an unreadable file, a missing column; of arrays also bad rows, no rows, or nothing to learn.
        """
        chunks = self._all_chunks(piece, tally)
        yield from chunks if self.classes is None else self._of_classes(chunks, tally)

    def _all_chunks(self, piece: Piece, tally: Tally) -> Iterator[Ingested]:
        if self.dataset.format == "table":
            yield from table.read(piece, self.dataset, self.bad_rows, self.group, self.time, tally)
            return
        found = READERS[self.dataset.format](list(piece.paths), self.dataset, self.bad_rows)
        tally.rows += len(found.labels) + len(found.rejected)
        tally.rejected |= found.rejected.to_dict()
        tally.add_labels(found.labels)
        tally.notes += found.notes
        yield found

    def _of_classes(self, chunks: Iterator[Ingested], tally: Tally) -> Iterator[Ingested]:
        # Where each class of the data set is among the kept ones; -1 where it is not.
        self.dataset.of_classes(self.classes)
        names = self.dataset.labels
        place = np.array([self.classes.index(label) if label in self.classes else -1 for label in names])
        for chunk in chunks:
            labels = place[chunk.labels]
            tally.kept |= set(labels[labels >= 0].tolist())
            yield chunk.of_rows(labels >= 0, labels[labels >= 0])

    def checked(self, tally: Tally) -> pd.Series:
        """Why each bad row is set aside; see `Tally.checked`."""
        return tally.checked(self.dataset, self.bad_rows, self.classes, self.paths[0])


def read_raw(
    paths: list[Path],
    dataset: Dataset,
    bad_rows: str,
    classes: list[str] | None = None,
    group: str | None = None,
    time: str | None = None,
) -> Ingested:
    """Reads raw files into validated rows, all at once; see `Reading`.

    Raises:
        UserError: an unreadable file, a missing column, bad rows, no rows, or nothing to learn.
    """
    reading = Reading(paths=paths, dataset=dataset, bad_rows=bad_rows, classes=classes, group=group, time=time)
    tally = Tally()
    chunks = [chunk for piece in reading.pieces() for chunk in reading.chunks(piece, tally)]
    reading.checked(tally)
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
