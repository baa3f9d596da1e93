"""What there is to predict in a table that nobody described: classes, or a number."""

import math
from pathlib import Path

from twintrain.data.column_summary import ColumnSummary
from twintrain.data.encoding import MISSING
from twintrain.errors import UserError

# Whole numbers of no more values than this are classes, and each of these has at least CLASS_ROWS rows.
MOST_CLASSES = 20
CLASS_ROWS = 5
IMBALANCE = 3.0


def classes_of(path: Path, column: ColumnSummary, task: str | None) -> tuple[list[str], list[str]]:
    """The classes of the target, none of a regression, and what there is to say about them.

    Raises:
        UserError: there is nothing to predict in it.
    """
    if column.missing == column.rows:
        raise UserError(f"{path}: '{column.name}' has no values, so nothing can be learned")
    if task == "regression" and not column.is_number:
        raise UserError(f"{path}: --task regression needs numbers, and '{column.name}' has {_text_in(column)}")
    few = column.distinct is not None and column.distinct <= MOST_CLASSES
    are_classes = not column.is_number or (few and (column.is_whole or column.distinct == 2))
    if task == "regression" or (task is None and not are_classes):
        if column.distinct == 1:
            raise UserError(f"{path}: '{column.name}' is always the same, so nothing can be learned")
        return [], _without_number(column)
    labels = _frequent(path, column)
    return labels, [*_class_notes(column, labels, task), *_without_value(column)]


def _text_in(column: ColumnSummary) -> str:
    units = column.several_units
    return f"several units: {', '.join(units[:3])}" if len(units) > 1 else "text"


def _frequent(path: Path, column: ColumnSummary) -> list[str]:
    """The values that have rows enough to be learned, in their order."""
    labels = sorted((label for label, rows in (column.values or {}).items() if rows >= CLASS_ROWS), key=in_order)
    if len(labels) < 2:
        # Perhaps a class is called None.
        missing = (
            f", and {count_text(column.missing, 'row')} of no value: {', '.join(MISSING[1:])}" if column.missing else ""
        )
        raise UserError(
            f"{path}: expected at least two classes of {CLASS_ROWS} rows in '{column.name}', got "
            f"{len(labels)} among {column.distinct_text} different values{missing}"
        )
    return labels


def _class_notes(column: ColumnSummary, labels: list[str], task: str | None) -> list[str]:
    counts, notes = column.values or {}, []
    if spelled := column.spelling_text:
        notes.append(f"'{column.name}': {spelled}")
    if column.is_number and len(labels) > 2 and task is None:
        notes.append(
            f"the {len(labels)} numbers in '{column.name}' are taken for classes without order; --task regression "
            "predicts a number"
        )
    if rare := [label for label in counts if label not in labels]:
        rows = sum(counts[label] for label in rare)
        shown = ", ".join(f"'{label}'" for label in rare[:5]) + (" …" if len(rare) > 5 else "")
        notes.append(
            f"{count_text(len(rare), 'class')} of fewer than {CLASS_ROWS} rows left out ({shown}): "
            f"{count_text(rows, 'row')} set aside"
        )
    most, least = max(labels, key=counts.get), min(labels, key=counts.get)
    if counts[most] > IMBALANCE * counts[least]:
        notes.append(
            f"the classes are imbalanced: '{most}' has {counts[most]:,} rows, '{least}' {counts[least]:,}; "
            "train.loss.class_weights: balanced weighs them"
        )
    return notes


def _without_value(column: ColumnSummary) -> list[str]:
    return [f"{count_text(column.missing, 'row')} without '{column.name}', set aside"] if column.missing else []


def _without_number(column: ColumnSummary) -> list[str]:
    odd = f"{count_text(column.odd_rows, 'row')} with no number in '{column.name}', set aside: {column.odd_text}"
    return [*([odd] if column.odd else []), *_without_value(column)]


def count_text(number: int, word: str) -> str:
    """A number of something: 1 row, 2 rows, 3 classes."""
    plural = word if number == 1 else f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number:,} {plural}"


def in_order(label: str) -> tuple[float, str]:
    """Numbers by size, then text."""
    try:
        return float(label), label
    except ValueError:
        return math.inf, label
