"""Missing values of new rows, where the training rows had none, filled by what the training rows have."""

from collections import Counter

import numpy as np
import pandas as pd

from twintrain.data.dates import as_dates
from twintrain.data.prepare.encoder import EncodedColumn, Encoder
from twintrain.data.prepare.encoding import is_missing


def fill_missing(rows: pd.DataFrame, encoder: Encoder) -> tuple[pd.DataFrame, Counter[str]]:
    """Fills the columns that may have no missing values: numbers and dates by the median, categories by the commonest.

    A text has nothing to be filled by.

    Args:
        rows: as they stand in a file, or typed.
        encoder: what the training rows have taught.

    Returns:
        the rows, and how many values were filled, by column and by what.
    """
    filled, counts = rows.copy(), Counter()
    for column in encoder.columns:
        if column.feature.missing or column.feature.text or column.name not in rows:
            continue
        values = rows[column.name]
        empty = is_missing(values) & ~values.isin(column.feature.categories or ()).to_numpy(bool)
        if empty.any():
            text = _text_of(column, encoder.decimal)
            filled[column.name] = _filled(values, empty, column, text)
            counts[f"{column.name} with {text}"] += int(empty.sum())
    return filled, counts


def _filled(values: pd.Series, empty: np.ndarray, column: EncodedColumn, text: str) -> pd.Series:
    """Numbers and dates stay what they are, where a file has them as such."""
    if values.dtype.kind in "iuf" and column.feature.kind == "number":
        return values.astype(np.float64).where(~empty, column.fill)
    if values.dtype.kind == "M":
        return values.where(~empty, as_dates(np.array([column.fill]))[0])
    return values.astype(object).where(~empty, text)


def _text_of(column: EncodedColumn, decimal: str) -> str:
    """What a missing value becomes, as it would stand in a file."""
    feature = column.feature
    if feature.categories:
        return feature.categories[int(column.fill)]
    if feature.date:
        return as_dates(np.array([column.fill]))[0].strftime(feature.date)
    return f"{column.fill:.10g}".replace(".", decimal)
