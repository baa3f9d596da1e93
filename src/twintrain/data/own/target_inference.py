"""What there is to predict in a table that nobody described: classes, or a number."""

from pathlib import Path

from twintrain.data.own.class_counts import CLASS_ROWS, count_text, frequent, imbalance_note, rare_note
from twintrain.data.own.column_summary import ColumnSummary
from twintrain.data.prepare.encoding import MISSING
from twintrain.errors import UserError

# Whole numbers of no more values than this are classes.
MOST_CLASSES = 20


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
    labels = frequent(column.values or {})
    if len(labels) < 2:
        # Perhaps a class is called None.
        missing = (
            f", and {count_text(column.missing, 'row')} of no value: {', '.join(MISSING[1:])}" if column.missing else ""
        )
        spelled = f"; {column.spelling_text}" if column.spelling_text else ""
        raise UserError(
            f"{path}: expected at least two classes of {CLASS_ROWS} rows in '{column.name}', got "
            f"{len(labels)} among {column.distinct_text} different values{missing}{spelled}"
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
    return [*notes, *rare_note(counts), *imbalance_note(counts, labels)]


def _without_value(column: ColumnSummary) -> list[str]:
    return [f"{count_text(column.missing, 'row')} without '{column.name}', set aside"] if column.missing else []


def _without_number(column: ColumnSummary) -> list[str]:
    odd = f"{count_text(column.odd_rows, 'row')} with no number in '{column.name}', set aside: {column.odd_text}"
    return [*([odd] if column.odd else []), *_without_value(column)]
