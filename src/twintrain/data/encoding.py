"""Preprocessing that learns nothing from the data: columns as numbers, pixels from 0 to 1."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from twintrain.data.dataset import Feature

# How a missing value is written, where a column may have them; a category of the same name goes before.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?", "-")
# Stands for a value that is none: text in a column of numbers, an unseen category, a date that never was.
INVALID = np.inf
# What the network computes in: a larger number would reach it as infinity.
LARGEST_NUMBER = float(np.finfo(np.float32).max)
# Where the comma is the decimal one, points may only stand between thousands: 12.5 would else be read as 125.
THOUSANDS = r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?"
SECONDS_A_DAY = 86_400


def encode_array(array: np.ndarray) -> np.ndarray:
    """Scales pixels: uint8 0 … 255 → float32 0 … 1, same shape. Other numbers are taken as they are."""
    numbers = array.astype(np.float32)
    if array.dtype == np.uint8:
        numbers /= np.float32(255)
    return numbers


def as_numbers(table: pd.DataFrame, features: Mapping[str, Feature], decimal: str = ".") -> np.ndarray:
    """Turns columns, read as text or typed already, into numbers that keep all they say.

    Returns:
        float64 (rows, columns): numbers as they are, categories as their place in the list (`other`: the next one),
        dates as days since 1970-01-01; NaN where a value is missing, INVALID where it is not what it should be.
    """
    numbers = np.empty((len(table), len(features)))
    for place, (name, feature) in enumerate(features.items()):
        numbers[:, place] = _column_as_numbers(table[name], feature, decimal)
    return numbers


def _column_as_numbers(column: pd.Series, feature: Feature, decimal: str) -> np.ndarray:
    if feature.categories:
        text = column.astype(str) if column.dtype.kind in "biuf" else column
        codes = pd.Index(feature.categories, dtype=object).get_indexer(text.astype(object)).astype(np.float64)
        unknown = codes < 0
        codes[unknown] = len(feature.categories) if feature.other else INVALID
        # A missing value that is a category by its name stays one.
        codes[unknown & is_missing(column)] = np.nan if feature.missing else INVALID
        return codes
    numbers = _days(column, feature.date) if feature.date else _numbers(column, decimal)
    unreadable = ~(np.abs(numbers) <= LARGEST_NUMBER)
    if unreadable.any():
        missing = is_missing(column[unreadable]) if feature.missing else False
        numbers[unreadable] = np.where(missing, np.nan, INVALID)
    return numbers


def is_missing(column: pd.Series) -> np.ndarray:
    """Where a column, text or typed, has no value."""
    return (column.isna() | column.isin(MISSING)).to_numpy(bool)


def _numbers(column: pd.Series, decimal: str) -> np.ndarray:
    """float64, NaN where there is no number."""
    if column.dtype.kind in "biuf":
        return column.to_numpy(np.float64, copy=True)
    if column.dtype.kind == "M":
        return np.full(len(column), np.nan)
    if decimal == ",":
        has_point = column.str.contains(".", regex=False, na=False)
        column = column.where(~has_point | column.str.fullmatch(THOUSANDS, na=False))
        column = column.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    try:
        # Five times as fast, but for good numbers alone.
        return pa.array(column, pa.string()).cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    except pa.ArrowInvalid:
        return pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan).copy()


def _days(column: pd.Series, written: str) -> np.ndarray:
    """Days since 1970-01-01, with the time of the day as a fraction; NaN where there is no date."""
    dates = column
    if column.dtype.kind != "M":
        dates = pd.to_datetime(column, format=written, errors="coerce", exact=True)
    seconds = dates.to_numpy("datetime64[us]").astype(np.int64) / 1e6
    return np.where(dates.isna(), np.nan, seconds / SECONDS_A_DAY)


def as_dates(days: np.ndarray) -> pd.DatetimeIndex:
    """Takes days since 1970-01-01 back to dates, to the second; NaT for NaN. Nanoseconds would end in the year 2262."""
    missing = np.isnan(days)
    seconds = np.where(missing, 0, np.round(days * SECONDS_A_DAY)).astype("datetime64[s]")
    return pd.DatetimeIndex(np.where(missing, np.datetime64("NaT"), seconds))


def reason(value: str, name: str, feature: Feature) -> str:
    """Why a value is not what its column takes."""
    if feature.categories:
        return f"unseen category '{value}' in {name}"
    if feature.date:
        return f"'{value}' in {name} is not a date like {feature.date}"
    if _is_too_large(value):
        return f"'{value}' in {name} is beyond ±{LARGEST_NUMBER:.2g}, the largest number of float32"
    low = -np.inf if feature.min is None else feature.min
    high = np.inf if feature.max is None else feature.max
    return f"'{value}' in {name} is not a number from {low:g} to {high:g}"


def _is_too_large(value: str) -> bool:
    try:
        return LARGEST_NUMBER < abs(float(value)) < np.inf
    except ValueError:
        return False
