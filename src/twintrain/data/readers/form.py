"""How a table of text is written: encoding, delimiter, quotes, lines before it, header, decimal mark."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from twintrain.data.dataset import Dataset
from twintrain.data.dates import likely_forms
from twintrain.data.literals import parse_number, unit_in
from twintrain.data.prepare.encoding import MISSING
from twintrain.data.readers.encodings import find_encoding
from twintrain.data.readers.opening import open_table
from twintrain.data.readers.sheets import SHEET_ENDINGS, read_sheet
from twintrain.errors import UserError

# The last one is any run of white space.
DELIMITERS = (",", ";", "\t", "|", " ")
DELIMITER_NAMES = {"\t": "tabs", " ": "white space", ";": "semicolons", "|": "vertical bars", ",": "commas"}
SNIFFED_BYTES = 2**20
SNIFFED_ROWS = 100
MOST_BEFORE = 30
# All there is to be known of a dialect is known from these many characters; the time grows with their number.
SNIFFED_TEXT = 20_000
# Cells of a column that are numbers or dates, from which the others are taken for odd ones.
TYPED_SHARE = 0.9
YEARS = (1800, 2200)
# What a file that calls itself a table may be.
OTHERS = {"<!doctype": "a web page", "<html": "a web page", "<?xml": "XML", "{": "JSON", "[{": "JSON"}
COMMENTS = ("#", "//", "%")

Rows = list[list[str]]


@dataclass(frozen=True)
class Form:
    """How a file is written; the fields have the names of those of a data set's description.

    Attributes:
        header: whether a line names the columns.
        names: of the columns of a file without header, from left to right; None: those that are expected.
        delimiter: between the cells; " " is any run of white space.
        skip: lines before the table.
        quote, escape: what stands around a cell that holds delimiters, and before a quote inside of it.
        sheet: of a workbook; None: its first one.
    """

    header: bool = True
    names: list[str] | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    skip: int = 0
    quote: str = '"'
    escape: str | None = None
    sheet: str | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """How the files of a data set are written."""
        return cls(**{field.name: getattr(dataset, field.name) for field in fields(cls)})

    def unusual(self) -> dict[str, Any]:
        """What a description has to say of it."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}


def find_form(path: Path, asked: Mapping[str, Any], known: Sequence[str] = (), decimal: str | None = None) -> Form:
    """Finds how a table is written.

    Args:
        asked: what is said of it, by the names of the fields, which is taken as it is.
        known: names of columns; a first line that has them all, and not again below, is a header.
        decimal: the mark, where the numbers leave it open; None: that of the delimiter.

    Raises:
        UserError: the file is no text, or empty.
    """
    form = Form(**asked)
    if path.suffix.lower() in SHEET_ENDINGS:
        sheet, rows = read_sheet(path, form.sheet, form.decimal)
        form, rows = replace(form, sheet=sheet), rows[: 2 * SNIFFED_ROWS]
        ends = range(1, len(rows) + 1)
    else:
        form = form if "encoding" in asked else replace(form, encoding=find_encoding(path))
        lines = _first_lines(path, form.encoding)
        form = _with_dialect(form, lines, asked)
        rows, ends = _rows_of(lines, form)
    before = _rows_before(rows)
    if "skip" not in asked:
        form = replace(form, skip=ends[before - 1] if before else 0)
    table = [row for row, end in zip(rows, ends, strict=True) if end > form.skip and any(row)]
    if not table:
        raise UserError(f"{path} has no rows")
    if "header" not in asked:
        form = replace(form, header=_is_known(table, known) or _has_header(table))
    if not form.header and form.names is None:
        form = replace(form, names=[str(place) for place in range(len(table[0]))])
    if "decimal" in asked:
        return form
    return replace(form, decimal=_find_decimal(table[form.header :], form.delimiter, decimal))


def assumptions(form: Form, asked: Mapping[str, Any], path: Path) -> list[str]:
    """What was found out of a form that is not the usual one: a line each, with the option that says otherwise."""
    sample = f", which gives {shown}" if (shown := _beyond_ascii(path, form)) else ""
    before = f"its first {form.skip} lines come" if form.skip > 1 else "its first line comes"
    last = len(form.names or ()) - 1
    said = {
        "encoding": f"its text is no UTF-8, and taken for {form.encoding}{sample}: --encoding NAME says otherwise",
        "delimiter": f"its columns are separated by {DELIMITER_NAMES.get(form.delimiter, form.delimiter)}: --delimiter",
        "quote": f"its quotes are {form.quote}: --quote",
        "escape": f"{form.escape} stands before quotes that belong to the text: --escape",
        "skip": f"{before} before the table: --skip N",
        "names": f"its first line holds data, so its columns are called 0 to {last}: --header first",
        "decimal": "a comma is the decimal mark: --decimal .",
        "sheet": f"its sheet '{form.sheet}' is read: --sheet NAME",
    }
    return [said[name] for name in form.unusual() if name in said and name not in asked]


def _first_lines(path: Path, encoding: str) -> list[str]:
    """Whole lines, each with its end, so that quoted cells may hold ends of lines."""
    with open_table(path) as stream:
        start = stream.read(SNIFFED_BYTES)
    try:
        text = start.decode(encoding, errors="ignore")
    except (LookupError, UnicodeError):
        raise UserError(f"there is no encoding '{encoding}'; expected one such as utf-8, cp1252 or cp949") from None
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if other := next((kind for mark, kind in OTHERS.items() if text.lstrip()[:20].lower().startswith(mark)), None):
        raise UserError(f"{path} is {other}; expected lines of separated text")
    return lines[:-1] if len(start) == SNIFFED_BYTES and len(lines) > 1 else lines


def _with_dialect(form: Form, lines: list[str], asked: Mapping[str, Any]) -> Form:
    """Adds delimiter, quote and escape, as far as they are not asked for."""
    if {"delimiter", "quote", "escape"} <= asked.keys():
        return form
    said = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None
    found = (
        {"delimiter": said[1]} if said else _sniffed([line for line in lines if not line.startswith(COMMENTS)], asked)
    )
    return replace(form, **{name: value for name, value in found.items() if name not in asked})


def _sniffed(lines: list[str], asked: Mapping[str, Any]) -> dict[str, str]:
    """What CleverCSV finds (G. van den Burg, A. Nazábal, C. Sutton, Wrangling messy CSV files, 2019)."""
    import clevercsv

    text = "".join(islice(lines, SNIFFED_ROWS))[:SNIFFED_TEXT]
    text = text[: text.rfind("\n") + 1] or text
    delimiters = [asked["delimiter"]] if "delimiter" in asked else list(DELIMITERS)
    dialect = clevercsv.Detector().detect(text, delimiters=delimiters)
    if dialect is None:
        return {}
    delimiter = dialect.delimiter or Form.delimiter
    found = {"delimiter": delimiter}
    # An apostrophe is a quote where cells begin with it, a backslash an escape where it stands before a quote.
    if dialect.quotechar == "'" and re.search(rf"(^|{re.escape(delimiter)})'", text, re.MULTILINE):
        found["quote"] = "'"
    if dialect.escapechar == "\\" and f"\\{found.get('quote', Form.quote)}" in text:
        found["escape"] = "\\"
    return found


def _rows_of(lines: list[str], form: Form) -> tuple[Rows, list[int]]:
    """The first rows as cells, and the number of the line at which each ends."""
    if form.delimiter == " ":
        lines = [" ".join(line.split()) for line in lines]
    reader = csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote, escapechar=form.escape)
    rows, ends = [], []
    try:
        for row in islice(reader, 2 * SNIFFED_ROWS):
            rows.append([cell.strip() for cell in row])
            ends.append(reader.line_num)
    except csv.Error:
        pass  # what cannot be read says so when it is
    return rows, ends


def _rows_before(rows: Rows) -> int:
    """Number of rows before the table: empty ones, comments, titles above rows of more cells."""
    usual = Counter(len(row) for row in rows if len(row) > 1).most_common(1)
    if not usual:
        return 0
    width = usual[0][0]
    first = next(place for place, row in enumerate(rows) if len(row) == width)
    # A header of one cell less than its rows is a header all the same.
    if 0 < first < MOST_BEFORE and len(rows[first - 1]) < width - 1 and _has_header(rows[first:]):
        return first
    for place, row in enumerate(rows):
        filled = sum(map(bool, row))
        is_title = filled <= 1 and (len(row) == 1 or width > 2 or row[0] == "sep=")
        is_comment = bool(row) and row[0].startswith(COMMENTS) and len(row) != width
        if not (is_title or is_comment):
            return place
    return 0


def _is_known(table: Rows, known: Sequence[str]) -> bool:
    """Whether the first row names columns that are known, and holds no values that come again below."""
    places = [table[0].index(name) for name in known if name in table[0]]
    again = any(row[place : place + 1] == [table[0][place]] for place in places for row in table[1:])
    return bool(known) and len(places) == len(known) and not again


def _has_header(table: Rows) -> bool:
    """Whether the first row names the columns: it is unlike those below it."""
    first, below = table[0], table[1:SNIFFED_ROWS]
    if not below:
        return not all(map(_is_typed, first))
    columns = [
        [row[place] for row in below if place < len(row) and row[place] not in MISSING] for place in range(len(first))
    ]
    typed = [bool(column) and sum(map(_is_typed, column)) >= TYPED_SHARE * len(column) for column in columns]
    if not any(typed):
        # Of text alone: names hardly come again among the values that they name.
        again = sum(name in column for name, column in zip(first, columns, strict=True))
        return again < len(first) / 2
    over_typed = [name for name, is_typed in zip(first, typed, strict=True) if is_typed and name not in MISSING]
    data = sum(map(_is_typed, over_typed))
    return data <= len(over_typed) - data or _are_counted(over_typed)


def _are_counted(names: list[str]) -> bool:
    """Whether names are numbers one after the other: years above a wide table, or pandas's from 0 on."""
    if not all(re.fullmatch(r"0|[1-9]\d{0,3}", name) for name in names):
        return False
    numbers = [int(name) for name in names]
    are_years = len(numbers) > 1 and YEARS[0] <= numbers[0] <= YEARS[1]
    are_places = len(numbers) > 2 and numbers[0] == 0
    return (are_years or are_places) and bool((np.diff(numbers) == 1).all())


def _is_typed(cell: str) -> bool:
    """Whether a cell holds a number, with a unit or without, or a date."""
    if unit_in(cell) is not None:
        return True
    return any(map(str.isdigit, cell)) and bool(likely_forms([cell], 1))


def _find_decimal(rows: Rows, delimiter: str, else_decimal: str | None) -> Literal[".", ","]:
    """The mark that makes numbers of more columns; of as many `else_decimal`, or a comma between semicolons."""
    columns = list(zip(*(row for row in rows if len(row) == len(rows[0])), strict=True))
    comma, point = ([column for column in columns if _are_numbers(column, decimal)] for decimal in (",", "."))
    if len(comma) != len(point):
        return "," if len(comma) > len(point) else "."
    has_commas = any("," in cell for column in comma for cell in column)
    return else_decimal or ("," if has_commas and delimiter == ";" else ".")


def _are_numbers(column: Sequence[str], decimal: str) -> bool:
    values = [value for value in column if value not in MISSING]
    found = [parse_number(value, decimal, unit_in(value)) for value in values]
    return bool(values) and np.isfinite(found).sum() >= TYPED_SHARE * len(values)


def _beyond_ascii(path: Path, form: Form) -> str:
    """Some words that an encoding makes of what is not ASCII."""
    if "encoding" not in form.unusual():
        return ""
    with open_table(path) as stream:
        text = stream.read(SNIFFED_BYTES).decode(form.encoding, errors="ignore")
    words = dict.fromkeys(re.findall(r"\w*[^\W\x00-\x7f]\w*", text))
    return ", ".join(f"'{word}'" for word in islice(words, 3))
