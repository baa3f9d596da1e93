"""Raw tables cut into pieces of whole rows, each of which can be read by itself, by another process too."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twintrain.data.readers.form import Form
from twintrain.data.readers.opening import WHOLE, Span
from twintrain.data.readers.parquet import group_sizes
from twintrain.data.readers.sheets import SHEET_ENDINGS
from twintrain.errors import UserError

BLOCK_BYTES = 16 * 2**20
# A quote that opens no cell, or is never closed, would have the rest of the file in memory.
LONGEST_ROW = 2**28
# In these, the bytes of quotes, delimiters and line ends are nothing else.
ENCODINGS = ("utf-8", "ascii", "latin-1", "iso-8859-1", "cp1252")


class Piece(NamedTuple):
    """Rows that are read together.

    Attributes:
        paths: the files; one, unless the format of the data set needs all of its files at once.
        span: which part of it.
    """

    paths: tuple[Path, ...]
    span: Span = WHOLE


def table_pieces(paths: list[Path], form: Form, rows: int) -> list[Piece]:
    """Cuts tables into pieces of `rows` rows each, but for the last ones of files and for files that cannot be cut.

    A piece ends where a chunk would, so that cutting changes no number.

    Raises:
        UserError: a file is missing, or cannot be read.
    """
    return [Piece((path,), span) for path in paths for span in _spans(path, form, rows)]


def _spans(path: Path, form: Form, rows: int) -> list[Span]:
    if path.suffix.lower() == ".parquet":
        ends = _group_ends(group_sizes(path), rows)
    elif is_cuttable(path, form):
        try:
            ends = _row_ends(path, form, rows)
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}") from None
    else:
        return [WHOLE]
    return [Span(start, stop) for start, stop in zip([0, *ends], [*ends, None], strict=True)]


def is_cuttable(path: Path, form: Form) -> bool:
    """Whether a file of text can be read from its middle on: its bytes alone say where rows end."""
    is_plain = path.suffix.lower() not in (".gz", ".zip", *SHEET_ENDINGS)
    return is_plain and form.encoding.lower() in ENCODINGS and form.delimiter != " " and not (form.skip or form.escape)


def _group_ends(sizes: list[int], rows: int) -> list[int]:
    """The row groups before which `rows` rows or more have gone by since the last such one."""
    ends, passed = [], 0
    for group, size in enumerate(sizes):
        if passed >= rows:
            ends.append(group)
            passed = 0
        passed += size
    return ends


def _row_ends(path: Path, form: Form, rows: int) -> list[int]:
    """The bytes behind every `rows`th row, but for the end of the file.

    A quote opens a cell at its beginning alone, as in RFC 4180; ends of lines before the one that closes it end no row.
    """
    delimiter, quote = form.delimiter.encode(), form.quote.encode()
    ends, wanted, place, rest = [], rows + form.header, 0, b""
    with path.open("rb") as stream:
        while len(rest) < LONGEST_ROW and (block := stream.read(BLOCK_BYTES)):
            text = rest + block
            found = line_ends(text, delimiter, quote)
            ends += (place + found[wanted - 1 :: rows]).tolist()
            wanted = wanted - len(found) if len(found) < wanted else rows - (len(found) - wanted) % rows
            last = int(found[-1]) if len(found) else 0
            place, rest = place + last, text[last:]
    return [end for end in ends if end < path.stat().st_size]


def line_ends(text: bytes, delimiter: bytes, quote: bytes) -> np.ndarray:
    """The places behind the ends of lines that are in no quoted cell: int64. The text begins with a row."""
    signs = np.frombuffer(text, np.uint8)
    ends, quotes = np.flatnonzero(signs == ord("\n")), np.flatnonzero(signs == ord(quote))
    # Every second quote opens a cell, or one that a quote within it has seemed to close, unless one is in a plain cell.
    before = signs[np.maximum(quotes[::2], 1) - 1]
    if np.isin(before, np.frombuffer(delimiter + quote + b"\r\n", np.uint8)).all():
        within = np.searchsorted(quotes, ends) % 2 == 1
    else:
        within = _within_cells(ends, text, delimiter, quote)
    return ends[~within] + 1


def _within_cells(ends: np.ndarray, text: bytes, delimiter: bytes, quote: bytes) -> np.ndarray:
    """Which ends of lines are in quoted cells, found cell by cell, which takes twenty times as long."""
    signs = {b"delimiter": re.escape(delimiter), b"quote": re.escape(quote)}
    cell = rb"(?<![^%(delimiter)b\r\n])%(quote)b[^%(quote)b]*(?:%(quote)b{2}[^%(quote)b]*)*(?:%(quote)b|\Z)" % signs
    spans = [found.span() for found in re.finditer(cell, text) if b"\n" in found[0]]
    starts, stops = np.array(spans, np.int64).reshape(-1, 2).T
    places = np.searchsorted(starts, ends, side="right") - 1
    return (places >= 0) & (ends < np.append(stops, 0)[places])
