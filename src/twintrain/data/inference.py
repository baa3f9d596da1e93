"""What a table that nobody described seems to hold: the task, the columns, and what is odd about them."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twintrain.data.chunks import Sample
from twintrain.data.dataset import ISO_DATE, Feature
from twintrain.data.encoding import MISSING, as_numbers, is_missing
from twintrain.data.found import LEFT_OUT, Found, shown, task_of
from twintrain.data.readers.table import CHUNK_ROWS, parquet_chunks
from twintrain.data.readers.text import Form, find_form, read_chunks
from twintrain.errors import UserError, did_you_mean

# The most frequent categories have a place of their own, if they are not rare; `other` is there for the rest.
MOST_CATEGORIES = 50
# A column of text is left out if its places would hold less than this share of the rows.
LEAST_COVERED = 0.5
# Whole numbers of no more values than this are classes, and each of these has at least CLASS_ROWS rows.
MOST_CLASSES = 20
CLASS_ROWS = 5
# More distinct values than this are not counted.
MOST_COUNTED = 10_000
SAMPLE_ROWS = 20_000
# Balanced accuracy, or R², of a small tree on one column alone, from which the column is suspected to leak.
LEAK = 0.98
IMBALANCE = 3.0
# Day first before month first: where both fit, the description says how it was read.
DATES = (ISO_DATE, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d %b %Y", "%b %d, %Y")
TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f", "T%H:%M:%SZ")
ID_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|no|nr|number)$|^unnamed: \d+$|[a-z]I[Dd]$", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnReport:
    """What is said of one column: what it is taken for (None: left out), and why or what else there is to know."""

    name: str
    feature: Feature | None
    note: str = ""


@dataclass
class _Column:
    """What is gathered of a column, chunk by chunk.

    Attributes:
        counts: rows of each value; None when there are too many.
        dates: the ways to write a date that fit all values so far.
        steps: whether each value is above the one before.
    """

    name: str
    decimal: str
    rows: int = 0
    missing: int = 0
    counts: Counter[str] | None = field(default_factory=Counter)
    is_number: bool = True
    is_whole: bool = True
    low: float = math.inf
    high: float = -math.inf
    steps: bool = True
    dates: list[str] | None = None

    def add(self, column: pd.Series) -> None:
        missing = is_missing(column)
        self.rows += len(column)
        self.missing += int(missing.sum())
        values = column[~missing]
        if values.empty:
            return
        self._add_counts(values)
        if self.is_number:
            self._add_numbers(values)
        if not self.is_number:
            self._add_dates(values)

    def _add_counts(self, values: pd.Series) -> None:
        if self.counts is not None:
            self.counts.update(values.astype(str).value_counts().to_dict())
            if len(self.counts) > MOST_COUNTED:
                self.counts = None

    def _add_numbers(self, values: pd.Series) -> None:
        is_text = values.dtype.kind not in "biufM"
        # 007 is a code.
        is_code = is_text and values.str.match(r"[+-]?0\d").any()
        numbers = as_numbers(values.to_frame(), {values.name: Feature()}, self.decimal)[:, 0]
        if values.dtype.kind == "M" or is_code or not np.isfinite(numbers).all():
            # What was a number before is no date now.
            self.dates = [] if self.low <= self.high else None
            self.is_number = self.is_whole = self.steps = False
            return
        self.is_whole &= bool((numbers == np.floor(numbers)).all())
        self.steps &= bool((np.diff(numbers) > 0).all() and numbers[0] > self.high)
        self.low, self.high = min(self.low, numbers.min()), max(self.high, numbers.max())

    def _add_dates(self, values: pd.Series) -> None:
        if self.dates is None:
            self.dates = _fitting_dates(values.iloc[:100], [day + time for day in DATES for time in TIMES])
        self.dates = _fitting_dates(values, self.dates)

    @property
    def distinct(self) -> int | None:
        """Number of different values; None for too many to be counted."""
        return None if self.counts is None else len(self.counts)

    @property
    def distinct_text(self) -> str:
        return f"over {MOST_COUNTED:,}" if self.distinct is None else f"{self.distinct:,}"

    @property
    def is_one_a_row(self) -> bool:
        present = self.rows - self.missing
        return self.distinct == present or (self.distinct is None and self.steps)


def _fitting_dates(values: pd.Series, formats: list[str]) -> list[str]:
    if values.dtype.kind == "M":
        return formats[:1]
    return [written for written in formats if pd.to_datetime(values, format=written, errors="coerce").notna().all()]


def infer_table(
    path: Path, target: str | None, task: str | None, group: str | None = None, time: str | None = None
) -> Found:
    """Reads a table once, in chunks, and finds out what it holds.

    Args:
        target: the column to predict.
        task: "classes" or "regression" where the user says so.
        group: a column that tells groups of rows apart, which is no feature.
        time: a column that puts the rows in order, which is described but not given to the network.

    Raises:
        UserError: an unreadable table, no such column, nothing to predict or nothing to predict it from.
    """
    form = Form() if path.suffix.lower() == ".parquet" else find_form(path)
    decimal = _find_decimal(path, form)
    columns, sample = _gather(path, form, decimal)
    _check_names(path, target, [name for name in (group, time) if name], list(columns))
    labels, notes = _classes(path, columns[target], task)
    reports = [_report(column, group, time) for name, column in columns.items() if name != target]
    if not any(report.feature and report.feature.used for report in reports):
        reasons = "; ".join(f"{report.name}: {report.note}" for report in reports)
        raise UserError(f"{path}: no column is left to predict '{target}' from ({reasons})")
    counts = columns[target].counts or {}
    missing = columns[target].missing
    if missing:
        notes.append(f"{_count(missing, 'row')} without '{target}', set aside")
    features = {report.name: report.feature for report in reports if report.feature}
    rows = columns[target].rows
    return Found(
        description=_description(form, decimal, target, labels, features),
        rows=rows,
        lines=[(target, "target", shown(labels)), *map(_line, reports)],
        warnings=[*notes, *_leaks(sample, features, target, labels, decimal)],
        smallest_class=min((counts[label] for label in labels), default=None),
        bad_rows=rows - sum(counts[label] for label in labels) if labels else missing,
    )


def _line(report: ColumnReport) -> tuple[str, str, str]:
    feature = report.feature
    if feature is None:
        return report.name, LEFT_OUT, report.note
    many = f"{len(feature.categories or ())} categories"
    kind = {"number": "number", "categories": many, "date": f"date ({feature.date})"}[feature.kind]
    return report.name, kind if feature.used else f"{kind}, not given to the network", report.note


def _chunks(path: Path, form: Form) -> Iterator[pd.DataFrame]:
    if path.suffix.lower() == ".parquet":
        return parquet_chunks(path)
    return read_chunks(path, None, form, rows=CHUNK_ROWS)


def _find_decimal(path: Path, form: Form) -> str:
    """A comma, where that makes numbers of more columns than a point does."""
    if form.delimiter == "," or path.suffix.lower() == ".parquet":
        return "."
    chunk = next(_chunks(path, form)).head(1000)

    def numbers(decimal: str) -> int:
        found = [_Column(name, decimal) for name in chunk]
        for column in found:
            column.add(chunk[column.name])
        return sum(column.is_number for column in found)

    return "," if numbers(",") > numbers(".") else "."


def _gather(path: Path, form: Form, decimal: str) -> tuple[dict[str, _Column], pd.DataFrame]:
    """Reads all rows: a summary of each column, and an even sample of the rows."""
    columns: dict[str, _Column] = {}
    sample = Sample(SAMPLE_ROWS)
    for chunk in _chunks(path, form):
        for name in chunk:
            columns.setdefault(name, _Column(name, decimal)).add(chunk[name])
        sample.add(chunk)
    if not columns or not next(iter(columns.values())).rows:
        raise UserError(f"{path} has no rows")
    return columns, sample.rows


def _check_names(path: Path, target: str | None, kept: list[str], names: list[str]) -> None:
    if target is None:
        raise UserError(f"which column of {path} is to be predicted? expected --target NAME; known: {', '.join(names)}")
    for name in (target, *kept):
        if name not in names:
            raise UserError(f"{path} has no column '{name}'{did_you_mean(name, names)}")
    if target in kept:
        raise UserError(f"'{target}' is to be predicted, so it cannot tell the parts of the split apart")


def _classes(path: Path, column: _Column, task: str | None) -> tuple[list[str], list[str]]:
    """The classes of the target, none of a regression, and what there is to say about them."""
    if column.missing == column.rows:
        raise UserError(f"{path}: '{column.name}' has no values, so nothing can be learned")
    if task == "regression" and not column.is_number:
        raise UserError(f"{path}: --task regression needs numbers, and '{column.name}' has text")
    few = column.distinct is not None and column.distinct <= MOST_CLASSES
    are_classes = not column.is_number or (few and (column.is_whole or column.distinct == 2))
    if task == "regression" or (task is None and not are_classes):
        if column.distinct == 1:
            raise UserError(f"{path}: '{column.name}' is always the same, so nothing can be learned")
        return [], []
    counts = column.counts or {}
    labels = sorted((label for label, rows in counts.items() if rows >= CLASS_ROWS), key=_in_order)
    if len(labels) < 2:
        # Perhaps a class is called None.
        missing = (
            f", and {_count(column.missing, 'row')} of no value: {', '.join(MISSING[1:])}" if column.missing else ""
        )
        raise UserError(
            f"{path}: expected at least two classes of {CLASS_ROWS} rows in '{column.name}', got "
            f"{len(labels)} among {column.distinct_text} different values{missing}"
        )
    notes = []
    if rare := [label for label in counts if label not in labels]:
        rows = sum(counts[label] for label in rare)
        shown = ", ".join(f"'{label}'" for label in rare[:5]) + (" …" if len(rare) > 5 else "")
        notes.append(
            f"{_count(len(rare), 'class')} of fewer than {CLASS_ROWS} rows left out ({shown}): "
            f"{_count(rows, 'row')} set aside"
        )
    most, least = max(labels, key=counts.get), min(labels, key=counts.get)
    if counts[most] > IMBALANCE * counts[least]:
        notes.append(
            f"the classes are imbalanced: '{most}' has {counts[most]:,} rows, '{least}' {counts[least]:,}; "
            "train.loss.class_weights: balanced weighs them"
        )
    return labels, notes


def _count(number: int, word: str) -> str:
    plural = word if number == 1 else f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number:,} {plural}"


def _in_order(label: str) -> tuple[float, str]:
    """Numbers by size, then text."""
    try:
        return float(label), label
    except ValueError:
        return math.inf, label


def _report(column: _Column, group: str | None, time: str | None) -> ColumnReport:
    """What a column is taken for."""
    if column.name == group:
        return ColumnReport(column.name, None, "tells groups of rows apart")
    if column.name == time:
        report = _report_kind(column)
        if report.feature is None or report.feature.categories or column.missing:
            raise UserError(f"split.time: expected numbers or dates without missing ones in '{time}'")
        feature = report.feature.model_copy(update={"used": False, "min": None})
        return ColumnReport(time, feature, "puts the rows in order")
    if useless := _why_useless(column):
        return ColumnReport(column.name, None, useless)
    return _report_kind(column)


def _report_kind(column: _Column) -> ColumnReport:
    missing = column.missing > 0
    note = f"{column.missing:,} missing" if missing else ""
    if column.is_number:
        lowest = {"min": 0.0} if column.low >= 0 else {}
        return ColumnReport(column.name, Feature(missing=missing, **lowest), note)
    if column.dates:
        others = [written for written in column.dates[1:] if "%d" in written and "%m" in written]
        ambiguous = f"read as {column.dates[0]}, and {others[0]} would fit too" if others else ""
        feature = Feature(date=column.dates[0], missing=missing)
        return ColumnReport(column.name, feature, "; ".join(filter(None, [note, ambiguous])))
    return _report_text(column, note)


def _why_useless(column: _Column) -> str:
    """Why nothing can be learned from a column, or an empty text."""
    present = column.rows - column.missing
    if not present:
        return "empty"
    if column.distinct == 1 and not column.missing:
        return f"constant: always '{next(iter(column.counts))}'"
    if column.is_number and column.is_whole and column.is_one_a_row and present >= 10:
        is_sequence = column.high - column.low + 1 == present
        if is_sequence or ID_NAME.search(column.name):
            return "identifier-like: another whole number in every row"
    return ""


def _report_text(column: _Column, note: str) -> ColumnReport:
    present = column.rows - column.missing
    if column.counts is None:
        return ColumnReport(column.name, None, f"free text or identifier-like: {column.distinct_text} different values")
    least = max(3, present // 1000)
    frequent = [value for value, rows in column.counts.most_common(MOST_CATEGORIES) if rows >= least]
    covered = sum(column.counts[value] for value in frequent)
    if covered < LEAST_COVERED * present:
        return ColumnReport(column.name, None, f"free text or identifier-like: {column.distinct_text} different values")
    rare = f"{_count(column.distinct - len(frequent), 'rare value')} taken as other" if covered < present else ""
    feature = Feature(categories=sorted(frequent, key=_in_order), missing=column.missing > 0, other=True)
    return ColumnReport(column.name, feature, "; ".join(filter(None, [note, rare])))


def _leaks(
    sample: pd.DataFrame, features: dict[str, Feature], target: str, labels: list[str], decimal: str
) -> list[str]:
    """Columns that alone predict the target nearly perfectly: they may have been written down after it."""
    kind = Feature(categories=labels) if labels else Feature()
    wanted = as_numbers(sample, {target: kind}, decimal)[:, 0]
    known = np.isfinite(wanted)
    numbers, wanted = as_numbers(sample[known], features, decimal), wanted[known]
    found = []
    for name, column in zip(features, numbers.T, strict=True):
        if not features[name].used:
            continue
        score = _score_alone(column[:, None], wanted, is_class=bool(labels))
        if score >= LEAK:
            measure = "balanced accuracy" if labels else "R²"
            found.append(
                f"'{name}' alone predicts '{target}' ({measure} {score:.3f}): is it known before '{target}' is? "
                "If not, it leaks; take it out of the features"
            )
    return found


def _score_alone(column: np.ndarray, wanted: np.ndarray, is_class: bool) -> float:
    """How well a small tree predicts the other half of the rows from one column."""
    # Sklearn takes a second to import.
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.model_selection import train_test_split
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if is_class:
        codes, counts = np.unique(wanted, return_counts=True)
        frequent = np.isin(wanted, codes[counts >= 4])
        column, wanted = column[frequent], wanted[frequent]
    if len(np.unique(wanted)) < 2:
        return 0.0
    stratify = wanted if is_class else None
    halves = train_test_split(column, wanted, test_size=0.5, random_state=0, stratify=stratify)
    tree = (DecisionTreeClassifier if is_class else DecisionTreeRegressor)(max_leaf_nodes=64, random_state=0)
    predicted = tree.fit(halves[0], halves[2]).predict(halves[1])
    return float((balanced_accuracy_score if is_class else r2_score)(halves[3], predicted))


def _description(
    form: Form, decimal: str, target: str, labels: list[str], features: dict[str, Feature]
) -> dict[str, Any]:
    usual = Form()
    return {
        "task": task_of(labels),
        "format": "table",
        **({"delimiter": form.delimiter} if form.delimiter != usual.delimiter else {}),
        **({"encoding": form.encoding} if form.encoding != usual.encoding else {}),
        **({"decimal": decimal} if decimal != "." else {}),
        "target": target,
        **({"labels": labels} if labels else {}),
        "features": {
            name: feature.model_dump(exclude_defaults=True) or "numeric" for name, feature in features.items()
        },
    }
