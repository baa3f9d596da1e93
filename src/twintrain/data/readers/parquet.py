"""Parquet files as the readers of text give theirs."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from twintrain.data.chunks import table_chunks
from twintrain.data.readers.opening import WHOLE, Span
from twintrain.data.readers.text import check_columns
from twintrain.errors import UserError


def parquet_chunks(path: Path, columns: list[str] | None = None, span: Span = WHOLE) -> Iterator[pd.DataFrame]:
    """Reads a Parquet file as the readers of text give theirs: numbers stay numbers, dates too, all else is text.

    Raises:
        UserError: the file is damaged, or a column is missing.
    """
    import pyarrow.parquet as pq

    with _readable(path):
        check_columns(path, columns or [], pq.read_schema(path).names)
        for table in table_chunks(path, columns, slice(*span)):
            yield table[columns or list(table.columns)].apply(as_in_text)


def group_sizes(path: Path) -> list[int]:
    """The numbers of rows of a file's row groups.

    Raises:
        UserError: the file is damaged.
    """
    import pyarrow.parquet as pq

    with _readable(path):
        metadata = pq.read_metadata(path)
        return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what pyarrow raises into one line."""
    import pyarrow as pa

    try:
        yield
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
