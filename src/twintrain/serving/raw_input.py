"""Raw rows, however typed, into the numbers that preprocess makes of them; what cannot be is told row by row."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import MISSING, as_numbers, encode_array, encode_table, reason
from twintrain.data.readers.parquet import as_in_text
from twintrain.data.readers.validation import fits
from twintrain.errors import UserError, closest, did_you_mean

LARGEST_PIXEL = 255
# As text; the last one is pandas's of dates.
NO_VALUE = (*MISSING, "NaT")


def as_features(rows: Any, dataset: Dataset) -> np.ndarray:
    """The numbers of raw rows.

    Args:
        rows: of a table a DataFrame with the columns of the description, as text or typed, more columns being passed
            over, and columns that may have missing values being left out at will; else an array (rows, …): images as
            whole numbers from 0 to 255 or as decimals from 0 to 1 (those of one channel may lack their last axis),
            sequences and vectors as numbers.

    Returns:
        what preprocess makes of such rows.

    Raises:
        UserError: a column is missing, a shape is another one, or the first row that is bad, and why.
    """
    numbers, bad = read_rows(rows, dataset)
    for place, why in bad.items():
        more = f"; so are {len(bad) - 1:,} more rows" if len(bad) > 1 else ""
        raise UserError(f"row {place + 1}: {why}{more}")
    return numbers


def read_rows(rows: Any, dataset: Dataset) -> tuple[np.ndarray, pd.Series]:
    """The numbers of raw rows, and why a row is bad, by its place (from 0), of bad rows alone; see `as_features`."""
    return _read_table(rows, dataset) if dataset.features else _read_array(rows, dataset)


def _read_table(rows: Any, dataset: Dataset) -> tuple[np.ndarray, pd.Series]:
    table = _as_table(rows)
    _check_rows(table)
    columns = {name: _column(table, name, feature, dataset) for name, feature in dataset.inputs.items()}
    text = pd.DataFrame(columns, pd.RangeIndex(len(table)))
    numbers = as_numbers(text, dataset.inputs, dataset.decimal)
    reasons = pd.Series(dtype=object)
    for place, (name, feature) in enumerate(dataset.inputs.items()):
        cells = text.loc[~fits(numbers[:, place], feature), name].astype(str)
        # The first column with a bad value says why.
        reasons = reasons.combine_first(cells.map(partial(_why, name=name, feature=feature)).astype(object))
    return encode_table(text, dataset.inputs) if dataset.text else numbers, reasons


def _why(value: str, name: str, feature: Feature) -> str:
    is_missing = value in NO_VALUE and value not in (feature.categories or ())
    return f"no value in {name}, which must have one" if is_missing else reason(value, name, feature)


def _check_rows(rows: pd.DataFrame | np.ndarray) -> None:
    if not rows.size:
        raise UserError("expected at least one row, got none")


def _as_table(rows: Any) -> pd.DataFrame:
    try:
        table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    except (ValueError, TypeError) as error:
        raise UserError(f"expected a table, a column a name: {error}") from None
    if len(table) == 1 and all(isinstance(cell, list) for cell in table.iloc[0]):
        # MLflow makes one row of columns that are lists of text alone: {"city": ["Busan", "Jeju"]}.
        table = table.explode(list(table.columns), ignore_index=True)
    return table.reset_index(drop=True)


def _column(table: pd.DataFrame, name: str, feature: Feature, dataset: Dataset) -> pd.Series:
    if name in table.columns:
        return as_in_text(_without_decimals(table[name]) if feature.categories else table[name])
    if feature.missing:
        return pd.Series("", table.index, dtype=object)
    # A name that is not expected may be the missing one, mistyped; else it helps to see all that came.
    others = set(table.columns) - set(dataset.inputs)
    raise UserError(f"column '{name}' is missing{did_you_mean(name, others if closest(name, others, 0.6) else table)}")


def _without_decimals(codes: pd.Series) -> pd.Series:
    """Whole numbers that name categories, and that pandas has made decimals of because some are missing: 2.0 → 2."""
    is_whole = codes.dtype.kind == "f" and (codes.dropna() % 1 == 0).all()
    return codes.astype("Int64").astype(object) if is_whole else codes


def _read_array(rows: Any, dataset: Dataset) -> tuple[np.ndarray, pd.Series]:
    array = _as_array(rows)
    _check_rows(array)
    array = _shaped(array, dataset)
    if dataset.image_shape:
        array, is_good, why = _as_pixels(array)
    else:
        array = array.astype(np.float32)
        is_good, why = np.isfinite(array), "a number that is none, or beyond float32"
    bad = np.flatnonzero(~is_good.reshape(len(array), -1).all(axis=1))
    return encode_array(array), pd.Series(why, bad, dtype=object)


def _as_array(rows: Any) -> np.ndarray:
    try:
        array = rows.to_numpy() if isinstance(rows, pd.DataFrame) else np.asarray(rows)
        # What has come as JSON: whole numbers are pixels, decimals are not, so they must be told apart.
        array = np.array(array.tolist()) if array.dtype == object else array
    except ValueError:
        raise UserError("expected rows of one shape, got rows of several") from None
    if array.dtype.kind not in "biuf":
        raise UserError(f"expected numbers, got {'text' if array.dtype.kind == 'U' else array.dtype}")
    return array


def _shaped(array: np.ndarray, dataset: Dataset) -> np.ndarray:
    expected = dataset.array_shape
    if dataset.image_shape and expected[-1] == 1 and list(array.shape[1:]) == expected[:-1]:
        array = array[..., None]
    if list(array.shape[1:]) != expected:
        raise UserError(f"expected an array (rows, {', '.join(map(str, expected))}), got {array.shape}")
    return array


def _as_pixels(array: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """uint8 or float32 pixels, where they are such, and what is wrong elsewhere."""
    if array.dtype.kind == "f":
        is_good = (array >= 0) & (array <= 1)
        return array.astype(np.float32), is_good, "pixels as decimals are from 0 to 1 (as whole numbers, 0 to 255)"
    is_good = (array >= 0) & (array <= LARGEST_PIXEL)
    return array.astype(np.uint8), is_good, "pixels as whole numbers are from 0 to 255"


def as_written(rows: pd.DataFrame | np.ndarray, dataset: Dataset) -> pd.DataFrame | np.ndarray:
    """Raw rows as the files have them, of the columns that the network is given: dates as text in their form."""
    if not dataset.features:
        return rows
    table = rows[list(dataset.inputs)].copy()
    for name, feature in dataset.inputs.items():
        if feature.date and table[name].dtype.kind == "M":
            table[name] = table[name].dt.strftime(feature.date)
    return table
