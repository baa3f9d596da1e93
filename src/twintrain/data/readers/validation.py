"""The rows of a table against its description, by a pandera schema that is derived from it."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import MISSING, as_numbers, reason

SHOWN_VALUES = 3


def bad_rows(raw: pd.DataFrame, numbers: np.ndarray, dataset: Dataset) -> pd.Series:
    """Returns for each row why it is bad: its first reason, or an empty text.

    Args:
        raw: the columns of the description as they stand in the file; the index numbers the rows.
        numbers: the same as `as_numbers` gives them.
    """
    # Half a second to import, which only the reading of tables needs.
    from pandera.errors import SchemaErrors

    coded = pd.DataFrame(numbers, raw.index, list(dataset.columns), copy=False)
    reasons = pd.Series("", index=raw.index)
    try:
        table_schema(dataset.columns).validate(coded, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        # The first reason stays: it is written last.
        for name in reversed(dataset.columns):
            rows = cases["index"][cases["column"] == name].unique()
            reasons[rows] = [_why(value, name, dataset) for value in raw.loc[rows, name].astype(str)]
    return reasons


def _why(value: str, name: str, dataset: Dataset) -> str:
    if name != dataset.target:
        return reason(value, name, dataset.features[name])
    return f"unknown label '{value}' in {name}" if dataset.labels else f"'{value}' in {name} is not a number"


def differences(chunks: Iterable[pd.DataFrame], dataset: Dataset) -> list[str]:
    """In what a table, as it stands in a file, differs from its description: a phrase a column."""
    kinds = dataset.columns
    unlike: dict[str, Counter[str]] = {name: Counter() for name in kinds}
    for chunk in chunks:
        numbers = as_numbers(chunk, kinds, dataset.decimal)
        for place, (name, feature) in enumerate(kinds.items()):
            unlike[name].update(chunk[name][~fits(numbers[:, place], feature)].astype(str).value_counts().to_dict())
    return [_difference(name, kinds[name], counts) for name, counts in unlike.items() if counts]


def fits(numbers: np.ndarray, feature: Feature) -> np.ndarray:
    """Where the numbers of a column, as `as_numbers` gives them, are what it takes; bool (rows,)."""
    low, high = _bounds(feature)
    return ((numbers >= low) & (numbers <= high)) | np.isnan(numbers)


def _difference(name: str, feature: Feature, counts: "Counter[str]") -> str:
    rows = sum(counts.values())
    shown = ", ".join(f"'{value}'" for value, _ in counts.most_common(SHOWN_VALUES))
    more = " …" if len(counts) > SHOWN_VALUES else ""
    lacks = "no value of" if set(counts) <= set(MISSING) else "a new category of" if feature.categories else None
    if lacks is None:
        lacks = f"no date like {feature.date} in" if feature.date else "no number within the bounds in"
    return f"{rows:,} row{'s' if rows > 1 else ''} with {lacks} '{name}' ({shown}{more})"


def table_schema(features: dict[str, Feature]) -> "DataFrameSchema":  # noqa: F821 (pandera is imported when needed)
    """What the numbers of each column may be: within the bounds, codes of known categories, missing where allowed."""
    from pandera.pandas import Check, Column, DataFrameSchema

    columns = {}
    for name, feature in features.items():
        low, high = _bounds(feature)
        columns[name] = Column(float, Check.in_range(low, high), nullable=feature.missing)
    return DataFrameSchema(columns)


def _bounds(feature: Feature) -> tuple[float, float]:
    if feature.categories:
        return 0, len(feature.categories) - 1 + feature.other
    largest = float(np.finfo(np.float64).max)
    return -largest if feature.min is None else feature.min, largest if feature.max is None else feature.max
