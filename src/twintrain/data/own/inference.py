"""What a table that nobody described seems to hold: the task, the columns, and what is odd about them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from twintrain.data.chunks import Sample
from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.own.column_inference import printed, report_column, with_texts_alone
from twintrain.data.own.column_summary import ColumnSummary
from twintrain.data.own.doubts import doubts
from twintrain.data.own.found import Found, shown, task_of
from twintrain.data.own.leaks import leaks
from twintrain.data.own.target_inference import classes_of
from twintrain.data.own.wishes import Wishes
from twintrain.data.readers.form import Form, assumptions, find_form
from twintrain.data.readers.parquet import parquet_chunks
from twintrain.data.readers.table import CHUNK_ROWS
from twintrain.data.readers.text import read_chunks
from twintrain.errors import UserError, did_you_mean

SAMPLE_ROWS = 20_000


def infer_table(path: Path, wishes: Wishes) -> Found:
    """Reads a table once, in chunks, and finds out what it holds.

    Raises:
        UserError: an unreadable table, no such column, nothing to predict or nothing to predict it from.
    """
    form = _form_of(path, wishes)
    columns, sample = _gather(path, form, wishes.order)
    target = _target(path, form, wishes.target, {name: column.first for name, column in columns.items()})
    _check_names(path, target, [name for name in (wishes.group, wishes.time) if name], list(columns))
    # Nothing predicts a date: what is predicted and written as 20241231 is a number, as the reader takes it.
    predicted = columns[target] = replace(columns[target], dates=None)
    labels, notes = classes_of(path, predicted, wishes.task)
    reports = with_texts_alone(
        [report_column(column, wishes.group, wishes.time) for name, column in columns.items() if name != target]
    )
    features = {report.name: report.feature for report in reports if report.feature}
    if not any(feature.used for feature in features.values()):
        reasons = "; ".join(f"{report.name}: {report.note}" for report in reports)
        raise UserError(f"{path}: no column is left to predict '{target}' from ({reasons})")
    kind = Feature(categories=labels or None, unit=None if labels else predicted.unit)
    counts = {label: (predicted.values or {})[label] for label in labels}
    good = sum(counts.values()) if labels else predicted.present - predicted.odd_rows
    return Found(
        description=_description(form, target, kind, features),
        rows=predicted.rows,
        lines=[(target, "target", f"{shown(labels)}{f' in {kind.unit}' if kind.unit else ''}"), *map(printed, reports)],
        warnings=[
            *notes,
            *doubts(columns, target, labels, form, sample),
            *leaks(sample, features, target, kind, form.decimal),
        ],
        smallest_class=min(counts.values(), default=None),
        bad_rows=predicted.rows - good,
        assumed=[] if _is_parquet(path) else assumptions(form, wishes.form, path),
    )


def is_called(path: Path, dataset: Dataset, wanted: str) -> bool:
    """Whether the column that a described table predicts is the one that the user names, in whatever way."""
    if wanted == dataset.target:
        return True
    form = Form.of(dataset)
    first = next(_chunks(path, form, rows=1), pd.DataFrame())
    return _target(path, form, wanted, {name: first[name].iloc[0] for name in first}) == dataset.target


def _target(path: Path, form: Form, wanted: str | None, first: Mapping[str, Any]) -> str | None:
    """The name of the column to predict, where the user gives its place or, of a file without header, its first value.

    Args:
        first: of each column the first value.
    """
    if wanted is None or wanted in first:
        return wanted
    if wanted == "last":
        return list(first)[-1]
    having = [name for name, value in first.items() if value == wanted]
    if form.header or len(having) == 1:
        return wanted if form.header else having[0]
    last = len(first) - 1
    raise UserError(
        f"{path}: its first line holds data, so its columns are called 0 to {last}; expected --target {last}, or last, "
        f"got {wanted}; --header first takes that line for names"
    )


def _form_of(path: Path, wishes: Wishes) -> Form:
    if not _is_parquet(path):
        return find_form(path, wishes.form, [wishes.target] if wishes.target else [])
    for name, value in wishes.form.items():
        if name != "decimal":
            raise UserError(
                f"--{name} {value}: expected a table of text or a sheet, got {path}, which says that itself"
            )
    return Form(**wishes.form)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _chunks(path: Path, form: Form, rows: int | None = None) -> Iterator[pd.DataFrame]:
    return parquet_chunks(path) if _is_parquet(path) else read_chunks(path, None, form, rows=rows or CHUNK_ROWS)


def _gather(path: Path, form: Form, order: str | None) -> tuple[dict[str, ColumnSummary], pd.DataFrame]:
    """Reads all rows: a summary of each column, and an even sample of the rows."""
    columns: dict[str, ColumnSummary] = {}
    sample = Sample(SAMPLE_ROWS)
    for chunk in _chunks(path, form):
        for name in chunk:
            columns.setdefault(name, ColumnSummary(name, form.decimal, order)).add(chunk[name])
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


def _description(form: Form, target: str, kind: Feature, features: Mapping[str, Feature]) -> dict[str, Any]:
    labels = kind.categories or []
    return {
        "task": task_of(labels),
        "format": "table",
        **form.unusual(),
        "target": target,
        **({"unit": kind.unit} if kind.unit else {}),
        **({"labels": labels} if labels else {}),
        "features": {
            name: feature.model_dump(exclude_defaults=True) or "numeric" for name, feature in features.items()
        },
    }
