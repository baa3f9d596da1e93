"""Tables: columns of numbers, categories, dates and texts, and the target; read in chunks, so that any size will do."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.chunks import TABLE_ROWS
from twintrain.data.dataset import Dataset
from twintrain.data.dates import as_dates
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import as_numbers
from twintrain.data.prepare.tokens import texts_of
from twintrain.data.readers.form import Form
from twintrain.data.readers.ingested import Ingested, set_aside
from twintrain.data.readers.opening import WHOLE, Span
from twintrain.data.readers.parquet import parquet_chunks
from twintrain.data.readers.pieces import Piece
from twintrain.data.readers.tally import Tally
from twintrain.data.readers.text import read_chunks
from twintrain.data.readers.validation import bad_rows as find_bad_rows
from twintrain.errors import UserError, did_you_mean

CHUNK_ROWS = TABLE_ROWS


def read(
    piece: Piece, dataset: Dataset, bad_rows: str, group: str | None, time: str | None, tally: Tally
) -> Iterator[Ingested]:
    """Reads a piece of a table in chunks of validated rows.

    Args:
        group: a column for the groups of the rows, or None.
        time: a feature by which the rows are put in order, or None.
        tally: of the rows before; the rows of the piece are added.

    Raises:
        UserError: unreadable text, or a missing column. Bad rows and labels are judged when all has been read.
    """
    check_time(dataset, time)
    columns = list(dict.fromkeys([*dataset.features, *([group] if group else []), dataset.target]))
    for raw in raw_chunks(list(piece.paths), dataset, columns, piece.span):
        raw.index = pd.RangeIndex(tally.rows, tally.rows + len(raw))
        tally.rows += len(raw)
        numbers = as_numbers(raw, dataset.columns, dataset.decimal)
        why = find_bad_rows(raw, numbers, dataset)
        good = (why == "").to_numpy()
        rejected = set_aside(why, "drop", piece.paths[0])
        tally.rejected |= rejected.to_dict()
        # After a bad row that stops all, the rest is read for its bad rows alone.
        if bad_rows == "error" and tally.rejected:
            continue
        labels = _labels(numbers[good, -1], dataset)
        tally.add_labels(labels)
        yield Ingested(
            _typed(raw[good], numbers[good], dataset),
            None,
            labels,
            rejected,
            group=tally.numbered(raw[group][good]) if group else None,
            time=numbers[good, list(dataset.features).index(time)] if time else None,
        )


def _labels(target: np.ndarray, dataset: Dataset) -> np.ndarray:
    """int64 (rows,) of classes, float64 (rows, 1) of numbers."""
    return target[:, None] if dataset.task == "regression" else target.astype(np.int64)


def check_time(dataset: Dataset, time: str | None) -> None:
    """Raises a UserError where a table has no such column to put its rows in order."""
    if time is None:
        return
    feature = dataset.features.get(time)
    if feature is None:
        raise UserError(
            f"split.time: '{time}' is no feature of {dataset.title}{did_you_mean(time, dataset.features)} "
            "(with used: false, the network does not see it)"
        )
    if feature.kind not in ("number", "date") or feature.missing:
        raise UserError(f"split.time: expected numbers or dates without missing ones in '{time}'")


def raw_chunks(paths: list[Path], dataset: Dataset, columns: list[str], span: Span = WHOLE) -> Iterator[pd.DataFrame]:
    """Reads some columns of tables, or of a part of one, as they stand in the files."""
    for path in paths:
        if path.suffix.lower() == ".parquet":
            yield from parquet_chunks(path, columns, span)
        else:
            yield from read_chunks(path, columns, Form.of(dataset), rows=CHUNK_ROWS, span=span)


def _typed(rows: pd.DataFrame, numbers: np.ndarray, dataset: Dataset) -> pd.DataFrame:
    """The columns as what they are: float64, datetime64, text (None where it is missing)."""
    table = rows[[*dataset.features, dataset.target]].reset_index(drop=True)
    for place, (name, feature) in enumerate(dataset.columns.items()):
        if feature.kind == "number":
            table[name] = numbers[:, place]
        elif feature.kind == "date":
            table[name] = as_dates(numbers[:, place])
        elif feature.kind == "text":
            table[name] = texts_of(table[name]).where(~np.isnan(numbers[:, place]), None)
        else:
            table[name] = _one_spelling(table[name], numbers[:, place], feature)
    return table


def _one_spelling(column: pd.Series, codes: np.ndarray, feature: Feature) -> pd.Series:
    """Categories as the description spells them; others, and numbers, as they stand, None where a value is missing."""
    if column.dtype.kind in "biuf":
        return column
    known = codes < len(feature.categories)
    names = np.array(feature.categories, dtype=object)[np.where(known, codes, 0).astype(np.int64)]
    return column.where(~known, names).where(~np.isnan(codes), None)
