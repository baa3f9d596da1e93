"""Separated text files and sheets, read so that nothing is converted or lost on the quiet."""

import contextlib
import csv
import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from twintrain.data.readers.form import COMMENTS, DELIMITER_NAMES, DELIMITERS, Form
from twintrain.data.readers.opening import WHOLE, Span, open_table
from twintrain.data.readers.sheets import SHEET_ENDINGS, read_sheet
from twintrain.errors import UserError, did_you_mean

TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".data", ".dat", *SHEET_ENDINGS)


def read_text(path: Path, columns: list[str], header: bool, dtype: Any = str) -> pd.DataFrame:
    """Reads the expected columns of a comma-separated file whole; see `read_chunks`."""
    return next(read_chunks(path, columns, Form(header), dtype))


def read_chunks(
    path: Path, columns: list[str] | None, form: Form, dtype: Any = str, rows: int | None = None, span: Span = WHOLE
) -> Iterator[pd.DataFrame]:
    """Reads the expected columns of a file (plain, .gz or .zip) or sheet, as text without outer spaces, in their order.

    Args:
        columns: the names that the header must have; without a header, of the columns from left to right; None takes
            what there is.
        dtype: as pandas takes it; columns that are left out of it may arrive as numbers.
        rows: number of rows of a chunk; None gives the whole file as one.
        span: which part of the file.

    Raises:
        UserError: unreadable text, another number of columns, or a missing one.
    """
    if path.suffix.lower() in SHEET_ENDINGS:
        yield _expected(_sheet_table(path, form), path, columns, form)
        return
    names = _header(path, form, columns) if form.header else form.names
    if span.start:
        # The header is not in that part, nor the first row, which says how many columns there are without one.
        form = replace(form, header=False, names=names or columns)
        names = form.names
    with _readable(path, columns, form), open_table(path, span) as stream:
        for chunk in _parsed(stream, names, form, dtype, rows):
            _check_last_cells(path, chunk, form)
            yield _expected(chunk, path, columns, form)


def _check_last_cells(path: Path, chunk: pd.DataFrame, form: Form) -> None:
    """Refuses rows of fewer cells where white space parts them: the cell that lacks may be any."""
    if form.delimiter != " " or not chunk.shape[1]:
        return
    last = chunk.iloc[:, -1]
    short = last.isna() | (last == "")
    if short.any():
        raise UserError(
            f"{path}: row {short.idxmax() + 1:,} has fewer cells than others, and white space alone does not say "
            "which one lacks; write NA in its place"
        )


def _parsed(
    stream: BinaryIO, names: list[str] | None, form: Form, dtype: Any, rows: int | None
) -> Iterator[pd.DataFrame]:
    chunks = pd.read_csv(
        stream,
        **_dialect(form),
        dtype=dtype,
        index_col=False,
        header=0 if form.header else None,
        names=names,
        chunksize=rows,
    )
    if rows is None:
        yield chunks
        return
    with chunks:
        yield from chunks


def _dialect(form: Form) -> dict[str, Any]:
    return {
        "sep": r"\s+" if form.delimiter == " " else form.delimiter,
        "encoding": form.encoding,
        "quotechar": form.quote,
        "escapechar": form.escape,
        "skiprows": form.skip,
        "keep_default_na": False,
    }


def _sheet_table(path: Path, form: Form) -> pd.DataFrame:
    rows = [row for row in read_sheet(path, form.sheet, form.decimal)[1][form.skip :] if any(row)]
    if not rows:
        raise UserError(f"{path} has no rows")
    names = _unique(path, rows[0]) if form.header else form.names
    if names is not None and len(names) != len(rows[0]):
        raise UserError(f"{path}: expected {len(names)} columns, {', '.join(names[:5])} …, got {len(rows[0])}")
    return pd.DataFrame(rows[form.header :], columns=names, dtype=object)


@contextlib.contextmanager
def _readable(path: Path, columns: list[str] | None, form: Form) -> Iterator[None]:
    """Turns what pandas raises into one line."""
    try:
        with warnings.catch_warnings():
            # Rows longer than the header would lose their end with a mere warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except pd.errors.EmptyDataError:
        expected = f"; expected columns {', '.join(columns[:5])} …" if columns else ""
        raise UserError(f"{path} has no rows{expected}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} has the byte 0x{error.object[error.start]:02x}, which is no {form.encoding}; name another "
            "encoding: --encoding NAME, or in the description, such as encoding: cp1252"
        ) from None
    except (LookupError, UnicodeError):
        raise UserError(f"{path}: there is no encoding '{form.encoding}'; expected one such as utf-8, cp1252") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning):
        why = _why_irregular(path, form) or "its lines do not part into columns"
        raise UserError(f"{path} is not a readable table: {why}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or 'it is damaged'}") from None


def _why_irregular(path: Path, form: Form) -> str:
    """The first line whose cells are more than those of the first row, and the probable cause."""
    with open_table(path) as stream, io.TextIOWrapper(stream, form.encoding, errors="replace", newline="") as text:
        lines = text if form.delimiter != " " else (" ".join(line.split()) for line in text)
        reader = csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote, escapechar=form.escape)
        expected = rows = 0
        try:
            for row in reader:
                if reader.line_num <= form.skip or not row:
                    continue
                expected = expected or len(row)
                if len(row) > expected:
                    is_first = rows == 1 and len(row) == expected + 1
                    return (
                        f"line {reader.line_num} has {len(row)} cells, expected {expected}{_cause(row, form, is_first)}"
                    )
                rows += 1
        except csv.Error:
            pass
        if reader.line_num:
            return f"a quote {form.quote} that opens a cell is never closed, or line {reader.line_num} is cut"
    return ""


def _cause(row: list[str], form: Form, is_first: bool) -> str:
    if not row[-1]:
        return f"; it ends with '{form.delimiter}': delete that, or give the header one too"
    if row[0].startswith(COMMENTS):
        return f"; is it a comment? Delete it, or skip the lines before the table: --skip {form.skip + 1}"
    line = form.delimiter.join(row)
    if "\\" in line:
        return '; a quote inside of quotes is written "", here it is \\": --escape \\ reads it so'
    if "'" in line and form.quote != "'":
        return "; are its quotes '…'? --quote \"'\" reads them so"
    if is_first:
        return "; the header may lack a name, such as that of the rows' numbers: write one before the others"
    return f'; a cell with {DELIMITER_NAMES.get(form.delimiter, form.delimiter)} in it stands in quotes: "…"'


def _expected(table: pd.DataFrame, path: Path, columns: list[str] | None, form: Form) -> pd.DataFrame:
    """The expected columns, stripped."""
    if columns is None:
        columns = list(table.columns)
    elif not form.header and form.names is None:
        if table.shape[1] != len(columns):
            raise UserError(f"{path}: expected {len(columns)} columns, got {table.shape[1]}{_other_delimiter(table)}")
        table.columns = columns
    check_columns(path, columns, list(table.columns), _other_delimiter(table))
    table = table[columns].copy()
    for column in table.select_dtypes(exclude="number"):
        table[column] = table[column].str.strip()
    return table


def check_columns(path: Path, expected: list[str], found: list[str], hint: str = "") -> None:
    """Raises a UserError that names the first expected column that a file lacks."""
    for column in expected:
        if column not in found:
            raise UserError(f"{path}: column '{column}' is missing{hint or did_you_mean(column, found)}")


def _other_delimiter(table: pd.DataFrame) -> str:
    """A hint where the only column seems to be several."""
    if table.shape[1] == 1 and len(table):
        line = f"{table.columns[0]}\n{table.iloc[0, 0]}"
        for delimiter in DELIMITERS[:-1]:
            if line.count(delimiter) > 1:
                return f"; its columns seem to be separated by '{delimiter}': delimiter: \"{delimiter}\""
    return ""


def _header(path: Path, form: Form, columns: list[str] | None = None) -> list[str]:
    """The names of the columns, without outer spaces, after checking that each is there once."""
    with _readable(path, columns, form), open_table(path) as stream:
        first = pd.read_csv(stream, **_dialect(form), header=None, nrows=1, dtype=str)
    return _unique(path, first.iloc[0].fillna("").str.strip().tolist())


def _unique(path: Path, names: list[str]) -> list[str]:
    """Gives those without a name one as pandas does, which would call a second column of a name `name.1`."""
    for name in names:
        if name and names.count(name) > 1:
            raise UserError(f"{path}: column '{name}' is there twice; expected each name once")
    named = list(names)
    for place, name in enumerate(names):
        unnamed = f"Unnamed: {place}"
        # What pandas called so once may have been written down, and the numbers of the rows beside it anew.
        named[place] = name or (f"{unnamed}.1" if unnamed in names else unnamed)
    return named
