"""Preprocessing that learns nothing from the data: columns as numbers, words as numbers, pixels from 0 to 1."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from twintrain.data.dates import as_days, parse_dates
from twintrain.data.feature import Feature
from twintrain.data.literals import parse_numbers, unit_in
from twintrain.data.prepare.tokens import texts_of, word_counts, word_numbers
from twintrain.data.spelling import spelling_key, spellings

# How a missing value is written, where a column may have them; a category of the same name goes before.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?", "-")
# Stands for a value that is none: text in a column of numbers, an unseen category, a date that never was.
INVALID = np.inf
# What the network computes in: a larger number would reach it as infinity.
LARGEST_NUMBER = float(np.finfo(np.float32).max)


def encode_array(array: np.ndarray) -> np.ndarray:
    """Scales pixels: uint8 0 … 255 → float32 0 … 1, same shape. Other numbers are taken as they are."""
    numbers = array.astype(np.float32)
    if array.dtype == np.uint8:
        numbers /= np.float32(255)
    return numbers


def encode_table(
    table: pd.DataFrame, features: Mapping[str, Feature], decimal: str = ".", lexicon: dict[int, str] | None = None
) -> np.ndarray:
    """What is kept of the columns that a network is given: `as_numbers`, or of a text its `word_numbers`.

    Args:
        lexicon: is given the word of each number.
    """
    for name, feature in features.items():
        if feature.text:
            return word_numbers(table[name], feature.text.length, lexicon)
    return as_numbers(table, features, decimal)


def as_numbers(table: pd.DataFrame, features: Mapping[str, Feature], decimal: str = ".") -> np.ndarray:
    """Turns columns, read as text or typed already, into numbers that keep all they say.

    Returns:
        float64 (rows, columns): numbers as they are, categories as their place in the list (`other`: the next one),
        dates as days since 1970-01-01, of texts how many words they have; NaN where a value is missing, INVALID where
        it is not what it should be.
    """
    numbers = np.empty((len(table), len(features)))
    for place, (name, feature) in enumerate(features.items()):
        numbers[:, place] = _column_as_numbers(table[name], feature, decimal)
    return numbers


def _column_as_numbers(column: pd.Series, feature: Feature, decimal: str) -> np.ndarray:
    if feature.categories:
        return _codes(column, feature)
    if feature.text:
        return _word_counts(column, feature)
    if feature.date:
        numbers = as_days(parse_dates(_as_figures(column), feature.date))
    else:
        numbers = _numbers(column, decimal, feature.unit)
    unreadable = ~(np.abs(numbers) <= LARGEST_NUMBER)
    if unreadable.any():
        missing = is_missing(column[unreadable]) if feature.missing else False
        numbers[unreadable] = np.where(missing, np.nan, INVALID)
    if feature.missing_marks:
        numbers[_is_marked(column, feature.missing_marks, decimal)] = np.nan
    return numbers


def _is_marked(column: pd.Series, marks: list[str], decimal: str) -> np.ndarray:
    if column.dtype.kind in "biuf":
        return np.isin(column.to_numpy(np.float64), parse_numbers(pd.Series(marks, dtype=object), decimal))
    return column.isin(marks).to_numpy(bool)


def _codes(column: pd.Series, feature: Feature) -> np.ndarray:
    """Places in the list of categories; where there is none exactly so, of the only one that is spelt nearly so."""
    text = column.astype(str) if column.dtype.kind in "biuf" else column
    codes = pd.Index(feature.categories, dtype=object).get_indexer(text.astype(object)).astype(np.float64)
    # A missing value that is a category by its name stays one.
    missing = (codes < 0) & is_missing(column)
    unknown = (codes < 0) & ~missing
    if unknown.any():
        near = {key: feature.categories.index(name) for key, name in spellings(feature.categories).items()}
        beyond = len(feature.categories) if feature.other else INVALID
        found, values = pd.factorize(text[unknown].astype(object).to_numpy())
        codes[unknown] = np.array([near.get(spelling_key(str(value)), beyond) for value in values], np.float64)[found]
    codes[missing] = np.nan if feature.missing else INVALID
    return codes


def _word_counts(column: pd.Series, feature: Feature) -> np.ndarray:
    """Of a text that has none of its words, a sign or two that are no words, 0; an empty one is missing."""
    is_empty = (texts_of(column) == "").to_numpy(bool)
    return np.where(is_empty, np.nan if feature.missing else INVALID, word_counts(column))


def is_missing(column: pd.Series) -> np.ndarray:
    """Where a column, text or typed, has no value."""
    return (column.isna() | column.isin(MISSING)).to_numpy(bool)


def _numbers(column: pd.Series, decimal: str, unit: str | None) -> np.ndarray:
    """float64, NaN where there is no number."""
    if column.dtype.kind in "biuf":
        return column.to_numpy(np.float64, copy=True)
    if column.dtype.kind == "M":
        return np.full(len(column), np.nan)
    return parse_numbers(column, decimal, unit)


def _as_figures(column: pd.Series) -> pd.Series:
    """Dates of figures alone, 20230115, which a file may hold as numbers."""
    if column.dtype.kind not in "biuf":
        return column
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    is_whole = np.isfinite(numbers) & (numbers % 1 == 0)
    text = [str(int(number)) if whole else "" for number, whole in zip(numbers, is_whole, strict=True)]
    return pd.Series(text, column.index)


def reason(value: str, name: str, feature: Feature) -> str:
    """Why a value is not what its column takes."""
    if feature.categories:
        return f"unseen category '{value}' in {name}"
    if feature.text:
        return f"no text in {name}, which must have one"
    if feature.date:
        return f"'{value}' in {name} is not a date like {feature.date}"
    if (unit := unit_in(value)) and unit != feature.unit:
        return f"'{value}' in {name} has the unit '{unit}'; expected {feature.unit or 'none'}"
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
