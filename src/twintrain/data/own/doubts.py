"""What of a table may have been meant otherwise than it was read."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from twintrain.data.literals import other_mark, parse_number
from twintrain.data.own.column_summary import ColumnSummary
from twintrain.data.readers.form import Form
from twintrain.data.spelling import one_spelling

DOUBTED_ROWS = 1_000
TOTAL = re.compile(r"(?:grand |sub)?totals?|sums?|summe|gesamt|합계|총계", re.IGNORECASE)
USUAL_DECIMAL = {",": ".", ";": ","}


def doubts(
    columns: Mapping[str, ColumnSummary], target: str, labels: list[str], form: Form, sample: pd.DataFrame
) -> list[str]:
    """A line for each doubt.

    Args:
        labels: the classes to predict; none where that is a number.
        sample: rows as they stand in the file.
    """
    best = one_spelling(dict.fromkeys(columns, 1))
    names = [
        f"the columns '{name}' and '{best[name]}' have nearly the same name" for name in columns if name != best[name]
    ]
    numbers = {name: column for name, column in columns.items() if column.is_number and not (name == target and labels)}
    sentinels = [
        f"'{name}' is {mark} in {column.counts[mark]:,} rows, far from all others: {_mend(name == target, mark)}"
        for name, column in numbers.items()
        if (mark := column.sentinel)
    ]
    texts = {name: column.unit for name, column in numbers.items() if sample[name].dtype.kind not in "biuf"}
    return [*names, *sentinels, *decimal_doubts(sample, texts, form), *_total_doubts(sample)]


def _mend(is_target: bool, mark: str) -> str:
    if is_target:
        return "if that means missing, take these rows out"
    return f'if that means missing, the description should say missing: true, missing_marks: ["{mark}"]'


def decimal_doubts(sample: pd.DataFrame, units: Mapping[str, str | None], form: Form) -> list[str]:
    """Columns of which each number could be another one, 2.603 or 2,603, where no column says which.

    Args:
        units: of the columns that are numbers in text.
    """
    other = other_mark(form.decimal)
    usual = USUAL_DECIMAL.get(form.delimiter) == form.decimal
    found = []
    for name, unit in units.items():
        values = sample[name].head(DOUBTED_ROWS)
        read, else_read = (_read(values, mark, unit) for mark in (form.decimal, other))
        if (np.isfinite(read) & np.isnan(else_read)).any():
            return []
        differ = np.flatnonzero(np.isfinite(read) & (read != else_read))
        as_usual = usual and all(form.decimal in values.iloc[place] for place in differ)
        if len(differ) and not as_usual:
            value, one, two = values.iloc[differ[0]], read[differ[0]], else_read[differ[0]]
            found.append(f"'{name}': {value} is read as {one:,g}; --decimal {other} reads {two:,g}")
    return found


def _read(values: Iterable[str], decimal: str, unit: str | None) -> np.ndarray:
    return np.array([parse_number(value, decimal, unit) for value in values])


def _total_doubts(sample: pd.DataFrame) -> list[str]:
    cells = sample.tail(1).astype(str).to_numpy().ravel()
    total = next((cell for cell in map(str, cells) if TOTAL.fullmatch(cell)), None)
    return [f"the last row says '{total}': if it adds up the others, delete it"] if total else []
