"""Tables: columns of numbers, categories and dates, and the target; read in chunks, so that any size will do."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.chunks import TABLE_ROWS, table_chunks
from twintrain.data.dataset import Dataset, Feature
from twintrain.data.dates import as_dates
from twintrain.data.prepare.encoding import as_numbers
from twintrain.data.readers.form import Form
from twintrain.data.readers.ingested import Ingested, check_labels, set_aside
from twintrain.data.readers.text import check_columns, read_chunks
from twintrain.data.readers.validation import bad_rows as find_bad_rows
from twintrain.errors import UserError, did_you_mean

CHUNK_ROWS = TABLE_ROWS


def read(paths: list[Path], dataset: Dataset, bad_rows: str, group: str | None, time: str | None) -> Iterator[Ingested]:
    """Reads tables in chunks of validated rows; the rows of several files are put one below the other.

    Args:
        group: a column for the groups of the rows, or None.
        time: a feature by which the rows are put in order, or None.

    Raises:
        UserError: unreadable text, a missing column, bad rows, no rows, or nothing to learn; of bad rows and labels
            only when all has been read.
    """
    _check_time(dataset, time)
    columns = list(dict.fromkeys([*dataset.features, *([group] if group else []), dataset.target]))
    first_row, reasons, seen, groups = 0, [], [], {}
    for raw in raw_chunks(paths, dataset, columns):
        raw.index = pd.RangeIndex(first_row, first_row + len(raw))
        first_row += len(raw)
        numbers = as_numbers(raw, dataset.columns, dataset.decimal)
        why = find_bad_rows(raw, numbers, dataset)
        good = (why == "").to_numpy()
        reasons.append(why[~good])
        # After a bad row that stops all, the rest is read for its bad rows alone.
        if bad_rows == "error" and any(map(len, reasons)):
            continue
        labels = _labels(numbers[good, -1], dataset)
        seen.append(_span(labels) if dataset.task == "regression" else np.unique(labels))
        yield Ingested(
            _typed(raw[good], numbers[good], dataset),
            None,
            labels,
            set_aside(why[~good], "drop", paths[0]),
            group=_numbered(raw[group][good], groups) if group else None,
            time=numbers[good, list(dataset.features).index(time)] if time else None,
        )
    rejected = set_aside(pd.concat(reasons) if reasons else pd.Series(dtype=str), bad_rows, paths[0])
    check_labels(np.concatenate(seen or [np.zeros(0, np.int64)]), dataset, paths[0], len(rejected))


def _labels(target: np.ndarray, dataset: Dataset) -> np.ndarray:
    """int64 (rows,) of classes, float64 (rows, 1) of numbers."""
    return target[:, None] if dataset.task == "regression" else target.astype(np.int64)


def _span(labels: np.ndarray) -> np.ndarray:
    """The least and the greatest of numbers (rows, 1), where there are any."""
    return np.sort(labels, axis=0)[[0, -1]] if len(labels) else labels


def _check_time(dataset: Dataset, time: str | None) -> None:
    if time is None:
        return
    feature = dataset.features.get(time)
    if feature is None:
        raise UserError(
            f"split.time: '{time}' is no feature of {dataset.title}{did_you_mean(time, dataset.features)} "
            "(with used: false, the network does not see it)"
        )
    if feature.categories or feature.missing:
        raise UserError(f"split.time: expected numbers or dates without missing ones in '{time}'")


def _numbered(values: pd.Series, known: dict[str, int]) -> np.ndarray:
    """A number a value, the same in every chunk; `known` grows. Missing values are of one group.

    Parquet gives whole numbers as numbers, and as text in a chunk where some are missing; so all are taken as text.
    """
    codes, found = pd.factorize(values.astype(str).where(values.notna(), ""))
    return np.array([known.setdefault(value, len(known)) for value in found], np.int64)[codes]


def raw_chunks(paths: list[Path], dataset: Dataset, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Reads some columns of tables as they stand in the files."""
    for path in paths:
        if path.suffix.lower() == ".parquet":
            yield from parquet_chunks(path, columns)
        else:
            yield from read_chunks(path, columns, Form.of(dataset), rows=CHUNK_ROWS)


def parquet_chunks(path: Path, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """Reads a Parquet file as the readers of text give theirs: numbers stay numbers, dates too, all else is text.

    Raises:
        UserError: the file is damaged, or a column is missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        check_columns(path, columns or [], pq.read_schema(path).names)
        for table in table_chunks(path, columns):
            yield table[columns or list(table.columns)].apply(as_in_text)
    except (pa.ArrowException, OSError, MemoryError):
        raise UserError(f"{path} is not a readable Parquet file: it is cut off, damaged or something else") from None


def as_in_text(column: pd.Series) -> pd.Series:
    """A typed column as the files of text have theirs: numbers and dates stay, all else is text, "" where missing."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        # As the clock showed it there: the hour of the day says more than that of Greenwich.
        return column.dt.tz_localize(None)
    if column.dtype.kind not in "iufM":
        return column.astype(object).where(column.notna(), "").astype(str).str.strip()
    return column


def _typed(rows: pd.DataFrame, numbers: np.ndarray, dataset: Dataset) -> pd.DataFrame:
    """The columns as what they are: float64, datetime64, text (None where it is missing)."""
    table = rows[[*dataset.features, dataset.target]].reset_index(drop=True)
    for place, (name, feature) in enumerate(dataset.columns.items()):
        if feature.kind == "number":
            table[name] = numbers[:, place]
        elif feature.kind == "date":
            table[name] = as_dates(numbers[:, place])
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
