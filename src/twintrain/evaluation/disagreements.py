"""The test rows that two networks see most differently, to be looked at."""

from typing import Any

import numpy as np
import pandas as pd

from twintrain.evaluation.comparison import most_probable
from twintrain.evaluation.slices import MISSING

LISTED = 24
LONGEST_TEXT = 300

Disagreement = dict[str, Any]


def of_classes(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, index: np.ndarray, names: list[str]
) -> list[Disagreement]:
    """Rows with different predicted classes, those with the largest difference of a probability first.

    Args:
        first, second: probabilities (rows, classes).
        labels: int64 (rows,).
        index: int64 (rows,), row numbers in the ingested data.
        names: of the classes.

    Returns:
        LISTED at most: `row`, `label`, the class that `first` and `second` predict, and how probable each held its own.
    """
    classes = [most_probable(found) for found in (first, second)]
    differing = np.flatnonzero(classes[0] != classes[1])
    gaps = np.abs(first[differing] - second[differing]).max(axis=1, initial=0)
    return [
        {
            "row": int(index[place]),
            "label": names[labels[place]],
            "first": names[classes[0][place]],
            "second": names[classes[1][place]],
            "first_probability": float(first[place].max()),
            "second_probability": float(second[place].max()),
        }
        for place in differing[np.argsort(-gaps, kind="stable")][:LISTED]
    ]


def of_numbers(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray | None, index: np.ndarray, least: float
) -> list[Disagreement]:
    """Rows with different numbers, the largest differences first.

    Args:
        first, second: (rows,), predictions; where each row has many, their errors, or the IoU of its mask.
        labels: (rows,), or None where each row has many.
        index: int64 (rows,), row numbers in the ingested data.
        least: smaller differences are rounding.

    Returns:
        as `of_classes`, with numbers for labels and None for probabilities.
    """
    gaps = np.abs(first - second)
    largest_first = np.argsort(-gaps, kind="stable")[:LISTED]
    return [
        {
            "row": int(index[place]),
            "label": None if labels is None else float(labels[place]),
            "first": float(first[place]),
            "second": float(second[place]),
            "first_probability": None,
            "second_probability": None,
        }
        for place in largest_first
        if gaps[place] > least
    ]


def texts(row: pd.Series) -> dict[str, str]:
    """The columns of a row of a table, to be shown."""
    return {str(name): _text(value) for name, value in row.items()}


def _text(value: Any) -> str:
    if pd.isna(value):
        return MISSING
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
