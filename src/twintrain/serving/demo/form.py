"""The form of a table: what its fields show of a row, and the row that they make together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from twintrain.data.feature import Feature

# What the list of a column's categories has for no value: a category is never empty, MISSING takes it for none.
NO_CATEGORY = ""
EXAMPLE_DATE = datetime(2024, 12, 31, 23, 59)


def choices(feature: Feature) -> list[tuple[str, str]]:
    """What a list of categories shows and what each stands for; the last one is that there is no value."""
    listed = [(category, category) for category in feature.categories]
    return [*listed, ("missing", NO_CATEGORY)] if feature.missing else listed


def hint(feature: Feature) -> str:
    """What a field takes, where that is not plain to see."""
    parts = []
    if feature.date:
        parts.append(f"a date like {EXAMPLE_DATE.strftime(feature.date)}")
    if feature.min is not None and feature.max is not None:
        parts.append(f"{feature.min:g} to {feature.max:g}")
    elif feature.min is not None:
        parts.append(f"{feature.min:g} or more")
    elif feature.max is not None:
        parts.append(f"{feature.max:g} or less")
    if feature.other:
        parts.append("or type another")
    if feature.text:
        parts.append(f"the first {feature.text.length:,} words are read")
    if feature.missing and not feature.categories:
        parts.append("empty: missing")
    return "; ".join(parts)


def field_values(row: pd.Series, features: Mapping[str, Feature]) -> list[float | str | None]:
    """What the fields show of a raw row: numbers, and all else as text; of a missing value nothing."""
    return [_shown(row[name], feature) for name, feature in features.items()]


def _shown(value: Any, feature: Feature) -> float | str | None:
    if pd.isna(value):
        return NO_CATEGORY if feature.categories else "" if feature.date or feature.text else None
    if feature.categories or feature.text:
        return str(value)
    if feature.date:
        return pd.Timestamp(value).strftime(feature.date)
    return int(value) if float(value).is_integer() else float(value)


def raw_row(values: Sequence[float | str | None], features: Mapping[str, Feature]) -> pd.DataFrame:
    """The row that the fields make, as it would stand in a file: float64 and text; None where there is no value."""
    columns = {}
    for value, (name, feature) in zip(values, features.items(), strict=True):
        given = None if value is None or value == "" else value
        columns[name] = pd.Series([given], dtype=float if feature.kind == "number" else object)
    return pd.DataFrame(columns)
