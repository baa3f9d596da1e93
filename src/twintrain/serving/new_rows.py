"""Files of rows to be answered, read in chunks, so that any size will do: tables, arrays, folders of images."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twintrain.data.chunks import TABLE_ROWS, blocks
from twintrain.data.dataset import Dataset
from twintrain.data.literals import parse_numbers
from twintrain.data.own.doubts import decimal_doubts
from twintrain.data.own.sources import check_source
from twintrain.data.readers.archives import is_archive
from twintrain.data.readers.encodings import find_encoding
from twintrain.data.readers.form import Form, find_form
from twintrain.data.readers.images import files_of
from twintrain.data.readers.npz import NOT_READABLE, unreadable_text
from twintrain.data.readers.parquet import parquet_chunks
from twintrain.data.readers.sheets import SHEET_ENDINGS
from twintrain.data.readers.text import read_chunks
from twintrain.errors import UserError

IMAGES_AT_ONCE = 256
ROW, FILE = "row", "file"
NONE_BAD = pd.Series(dtype=object)


@dataclass(frozen=True)
class NewRows:
    """Some rows of a file.

    Attributes:
        path: the file.
        rows: as `raw_input.as_features` takes them.
        names: what they are called in the output: their number from 1, or the name of an image's file.
        called: the header of that column.
        bad: why a row could not be read, by its place; it holds anything then.
        lines_before: lines of the file before the first row, where there is a line a row; else None.
    """

    path: Path
    rows: pd.DataFrame | np.ndarray
    names: np.ndarray
    called: str
    bad: pd.Series
    lines_before: int | None = None

    def place_of(self, row: int) -> str:
        """Where a row stands in the file, for a message."""
        if self.called == FILE:
            return f"'{self.names[row]}'"
        if self.lines_before is None:
            return f"row {self.names[row]}"
        return f"line {self.names[row] + self.lines_before}"

    def of_places(self, places: np.ndarray) -> "NewRows":
        """Some of the rows, by their places; none of them bad."""
        rows = self.rows.iloc[places] if isinstance(self.rows, pd.DataFrame) else self.rows[places]
        return replace(self, rows=rows, names=self.names[places], bad=NONE_BAD)


def read_new_rows(path: Path, dataset: Dataset, form: Mapping[str, Any] | None = None) -> Iterator[NewRows]:
    """Reads rows as the data set's own files have them; the column to predict may be there or not.

    Of a table: a sheet, .parquet, or text (plain, .gz, .zip) with whatever delimiter, encoding and decimal mark, with a
    header or, if its own files have none, without. Of arrays: .npy, or .npz with one array; of images also a folder,
    zip or tar.

    Args:
        form: how a table is written, by the names of `Form`'s fields, where it is found out wrongly.

    Raises:
        UserError: there is no such file, or it is none of these.
    """
    try:
        check_source(path, "rows such as the data set's, in a file or, of images, a folder")
    except UserError as error:
        raise UserError(f"--input {error}") from None
    if dataset.features and path.is_dir():
        raise UserError(f"--input {path} is a folder; expected a table")
    return _numbered(path, _chunks(path, dataset, form or {}))


def _chunks(path: Path, dataset: Dataset, form: Mapping[str, Any]) -> "_Read":
    if dataset.features:
        return _tables(path, dataset, form)
    if path.suffix.lower() in (".npy", ".npz"):
        return _arrays(path)
    if dataset.image_shape and (path.is_dir() or is_archive(path)):
        return _images(path, dataset.image_shape)
    images = ", or a folder, zip or tar of images" if dataset.image_shape else ""
    raise UserError(f"--input {path}: expected an array in a .npy or .npz{images}")


def _numbered(path: Path, chunks: "_Read") -> Iterator[NewRows]:
    first = 1
    for rows, names, bad, lines_before in chunks:
        numbers = np.arange(first, first + len(rows))
        first += len(rows)
        called = ROW if names is None else FILE
        yield NewRows(path, rows, numbers if names is None else names, called, bad, lines_before)


_Read = Iterator[tuple[Any, np.ndarray | None, pd.Series, int | None]]


def _tables(path: Path, dataset: Dataset, asked: Mapping[str, Any]) -> _Read:
    form = None if path.suffix.lower() == ".parquet" else _form_of(path, dataset, asked)
    chunks = parquet_chunks(path) if form is None else read_chunks(path, None, form, rows=TABLE_ROWS)
    for place, table in enumerate(chunks):
        named = table if form is None or form.header else _named(table, path, dataset)
        if place == 0:
            _check_first(path, named, dataset, form)
        if form is None:
            yield named, None, NONE_BAD, None
        else:
            yield _with_decimals_of(dataset, named, form), None, NONE_BAD, form.skip + form.header


def _check_first(path: Path, table: pd.DataFrame, dataset: Dataset, form: Form | None) -> None:
    """Refuses a table of other columns; says what it lacks, and which of its numbers could be other ones."""
    if not set(dataset.inputs) & set(table):
        raise UserError(f"{path} has none of the columns {', '.join(dataset.inputs)}; got {', '.join(table)}")
    lacking = [name for name in dataset.inputs if name not in table and dataset.inputs[name].missing]
    numbers = {name: each.unit for name, each in dataset.inputs.items() if name in table and each.kind == "number"}
    for line in (
        *([f"{path} lacks {', '.join(lacking)}, which are taken as missing"] if lacking else []),
        *(decimal_doubts(table, numbers, form) if form else []),
    ):
        print(f"mind: {line}", file=sys.stderr)


def _form_of(path: Path, dataset: Dataset, asked: Mapping[str, Any]) -> Form:
    """How a file is written: what it does not say itself is as in the data set's own."""
    own, needed = Form.of(dataset), _needed(dataset)
    if path.suffix.lower() in SHEET_ENDINGS:
        return find_form(path, asked, needed, own.decimal)
    known = {"encoding": _encoding_of(path, own), **asked}
    dialect = {"delimiter": own.delimiter, "quote": own.quote, "escape": own.escape, "skip": own.skip}
    first = _first_row(path, replace(own, header=False, names=None, encoding=known["encoding"]))
    if set(first) & set(dataset.inputs) and set(needed) <= set(first):
        known = {**dialect, "header": True, **known}
    elif not dataset.header and len(first) in _widths(dataset):
        known = {**dialect, "header": False, **known}
    found = find_form(path, known, needed, own.decimal)
    return found if found.header else replace(found, names=None)


def _encoding_of(path: Path, own: Form) -> str:
    """UTF-8 and UTF-16 are what they are; what is neither is what the data set's own files are, if they are neither."""
    found = find_encoding(path)
    is_own = not found.startswith("utf") and not own.encoding.startswith("utf")
    return own.encoding if is_own else found


def _first_row(path: Path, form: Form) -> list[str]:
    try:
        first = next(read_chunks(path, None, form, rows=1), pd.DataFrame())
    except UserError:
        return []
    return first.iloc[0].tolist() if len(first) else []


def _needed(dataset: Dataset) -> list[str]:
    """The columns that a file must have."""
    return [name for name, feature in dataset.inputs.items() if not feature.missing]


def _with_decimals_of(dataset: Dataset, table: pd.DataFrame, form: Form) -> pd.DataFrame:
    """The rows with the data set's decimal mark, by which a model reads them."""
    if form.decimal == dataset.decimal:
        return table
    for name, feature in dataset.inputs.items():
        if name in table and feature.kind == "number":
            numbers = parse_numbers(table[name], form.decimal, feature.unit)
            text = pd.Series(numbers, table.index).map(repr).str.replace(".", dataset.decimal, regex=False)
            table[name] = table[name].where(np.isnan(numbers), text)
    return table


def _names_of(dataset: Dataset) -> list[str]:
    """The columns of a file without header, from left to right, the target last where it has no place of its own."""
    return dataset.names or [*dataset.features, dataset.target]


def _widths(dataset: Dataset) -> tuple[int, int]:
    """Numbers of columns of a file without header: without the target, and with it."""
    return len(_names_of(dataset)) - 1, len(_names_of(dataset))


def _named(table: pd.DataFrame, path: Path, dataset: Dataset) -> pd.DataFrame:
    names = _names_of(dataset)
    without = [name for name in names if name != dataset.target]
    if dataset.header:
        raise UserError(f"{path} has no header; expected one that names {', '.join(dataset.inputs)}")
    if table.shape[1] not in _widths(dataset):
        raise UserError(
            f"{path}: expected {len(without)} columns, {', '.join(without)}, and perhaps {dataset.target}, "
            f"or a header that names them; got {table.shape[1]}"
        )
    return table.set_axis(names if table.shape[1] == len(names) else without, axis=1)


def _arrays(path: Path) -> _Read:
    array = _array_of(path)
    if array.ndim == 0:
        raise UserError(f"{path}: expected an array (rows, …), got a single number")
    for index in blocks(np.arange(len(array)), array):
        yield np.asarray(array[index]), None, NONE_BAD, None


def _array_of(path: Path) -> np.ndarray:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            names = [name for name in ("features", "x_test") if name in found.files] or found.files
            if len(names) != 1:
                raise UserError(f"{path}: expected one array, or one called features, got {', '.join(names) or 'none'}")
            return found[names[0]]
    except NOT_READABLE as error:
        raise UserError(f"{path} is no readable NumPy file: {unreadable_text(error)}") from None


def _images(path: Path, image_shape: list[int]) -> _Read:
    from twintrain.data.readers.decoding import decode
    from twintrain.data.readers.image_header import BadImageError

    waiting: list[tuple[str, np.ndarray, str]] = []
    for name, content in files_of([path]):
        try:
            image, reason = decode(content, image_shape)[0], ""
        except BadImageError as error:
            image, reason = np.zeros(image_shape, np.uint8), str(error)
        waiting.append((str(name), image, reason))
        if len(waiting) == IMAGES_AT_ONCE:
            yield _stacked(waiting)
            waiting = []
    if waiting:
        yield _stacked(waiting)


def _stacked(images: list[tuple[str, np.ndarray, str]]) -> tuple[np.ndarray, np.ndarray, pd.Series, None]:
    names, arrays, reasons = zip(*images, strict=True)
    bad = pd.Series({place: reason for place, reason in enumerate(reasons) if reason}, dtype=object)
    return np.stack(arrays), np.array(names, dtype=object), bad, None
