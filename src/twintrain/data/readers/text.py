"""Separated text files, read so that nothing is converted or lost on the quiet."""

import contextlib
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from twintrain.data import archives
from twintrain.errors import UserError, did_you_mean

DELIMITERS = (",", ";", "\t", "|")
TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".data", ".dat")
# Those of text that is no UTF-8, the likeliest first. cp1252 has all that latin-1 has.
ENCODINGS = ["cp1252", "cp949", "cp932", "gb18030", "big5", "cp1250", "cp1251", "cp1253", "cp1254"]
SNIFFED_BYTES = 2**20


@dataclass(frozen=True)
class Form:
    """How a file is written."""

    header: bool = True
    delimiter: str = ","
    encoding: str = "utf-8"


def read_text(path: Path, columns: list[str], header: bool, dtype: Any = str) -> pd.DataFrame:
    """Reads the expected columns of a comma-separated file whole; see `read_chunks`."""
    return next(read_chunks(path, columns, Form(header), dtype))


def read_chunks(
    path: Path, columns: list[str] | None, form: Form, dtype: Any = str, rows: int | None = None
) -> Iterator[pd.DataFrame]:
    """Reads the expected columns of a file (plain, .gz or .zip), in the expected order, as text without outer spaces.

    Args:
        columns: the names that the header must have; without a header, of the columns from left to right; None takes
            what there is.
        dtype: as pandas takes it; columns that are left out of it may arrive as numbers.
        rows: number of rows of a chunk; None gives the whole file as one.

    Raises:
        UserError: unreadable text, another number of columns, or a missing one.
    """
    names = _header(path, form, columns) if form.header else None
    with _readable(path, columns), open_table(path) as stream:
        for chunk in _parsed(stream, names, form, dtype, rows):
            yield _expected(chunk, path, columns, form)


def _parsed(
    stream: BinaryIO, names: list[str] | None, form: Form, dtype: Any, rows: int | None
) -> Iterator[pd.DataFrame]:
    chunks = pd.read_csv(
        stream,
        sep=form.delimiter,
        encoding=form.encoding,
        dtype=dtype,
        keep_default_na=False,
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


@contextlib.contextmanager
def _readable(path: Path, columns: list[str] | None) -> Iterator[None]:
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
            f"{path} is not a readable table: {error}; its description may name another encoding, such as "
            "encoding: cp1252"
        ) from None
    except LookupError as error:
        raise UserError(f"{path} is not a readable table: {error}") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, EOFError, OSError, zlib.error) as error:
        raise UserError(f"{path} is not a readable table: {str(error).strip()}") from None


def _expected(table: pd.DataFrame, path: Path, columns: list[str] | None, form: Form) -> pd.DataFrame:
    """The expected columns, stripped."""
    if columns is None:
        columns = list(table.columns)
    elif not form.header:
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
        for delimiter in DELIMITERS:
            if line.count(delimiter) > 1:
                return f"; its columns seem to be separated by '{delimiter}': delimiter: \"{delimiter}\""
    return ""


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[BinaryIO]:
    """Opens a file (plain or .gz), or the one file of a .zip, as bytes."""
    if path.suffix.lower() == ".zip":
        names = [member.name for member in archives.members(path) if not member.name.startswith("__MACOSX/")]
        if len(names) != 1:
            raise UserError(f"{path}: expected an archive of one table, got {len(names)} files: {', '.join(names[:5])}")
        with archives.open_member(path, names[0], archives.LARGEST_ARCHIVE) as stream:
            yield stream
    elif path.suffix.lower() == ".gz":
        with archives.open_bytes(path, archives.LARGEST_ARCHIVE) as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream


def find_form(path: Path) -> Form:
    """Finds how a table with a header is written.

    Raises:
        UserError: the file has no header of text, or one with a name twice.
    """
    encoding = _find_encoding(path)
    with open_table(path) as stream:
        start = stream.read(SNIFFED_BYTES)
    lines = start.decode(encoding, errors="ignore").splitlines()[:-1] or [start.decode(encoding, errors="ignore")]
    delimiter = _find_delimiter(lines[:100])
    form = Form(True, delimiter, encoding)
    names = _header(path, form)
    if all(_is_number(name) for name in names):
        raise UserError(f"{path}: the first line holds numbers alone; expected a header, one name a column")
    return form


def _find_encoding(path: Path) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-8 where all of the file is; else the likeliest one.

    Raises:
        UserError: the file is no text.
    """
    import codecs

    from charset_normalizer import from_bytes

    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_table(path) as stream:
        while block := stream.read(SNIFFED_BYTES):
            if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            if b"\0" in block:
                raise UserError(f"{path} is no table of text: it holds zero bytes; expected lines of separated text")
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                return _likeliest(from_bytes(block, cp_isolation=ENCODINGS))
    return "utf-8"


def _likeliest(matches: "CharsetMatches") -> str:  # noqa: F821 (imported when needed)
    """The best match; the first of ENCODINGS among equals: much of Western Europe's text fits cp1250 as well."""
    if not matches:
        return ENCODINGS[0]
    equals = {name for match in matches if match.chaos <= matches[0].chaos for name in match.could_be_from_charset}
    return min(equals, key=ENCODINGS.index)


def _find_delimiter(lines: list[str]) -> str:
    """The delimiter that cuts most lines into the same number of columns, the largest number above one."""

    def agreement(delimiter: str) -> tuple[float, int]:
        counts = [line.count(delimiter) for line in lines if line]
        most = counts[0] if counts else 0
        return (sum(count == most for count in counts) / len(counts) if most else 0, most)

    return max(DELIMITERS, key=agreement)


def _header(path: Path, form: Form, columns: list[str] | None = None) -> list[str]:
    """The names of the columns, without outer spaces, after checking that each is there once.

    pandas would call a second one `name.1`; it calls those without a name as is done here.
    """
    with _readable(path, columns), open_table(path) as stream:
        first = pd.read_csv(stream, sep=form.delimiter, encoding=form.encoding, header=None, nrows=1, dtype=str)
    names = first.iloc[0].fillna("").str.strip().tolist()
    for name in names:
        if name and names.count(name) > 1:
            raise UserError(f"{path}: column '{name}' is there twice; expected each name once")
    for place, name in enumerate(names):
        unnamed = f"Unnamed: {place}"
        # What pandas called so once may have been written down, and the numbers of the rows beside it anew.
        names[place] = name or (f"{unnamed}.1" if unnamed in names else unnamed)
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
