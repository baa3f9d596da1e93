"""What a column of a table that nobody described is taken for, and why."""

import re
from collections import Counter
from dataclasses import dataclass

from twintrain.data.dates import others_that_fit
from twintrain.data.feature import Feature
from twintrain.data.own.class_counts import count_text, in_order
from twintrain.data.own.column_summary import ColumnSummary
from twintrain.data.own.found import LEFT_OUT
from twintrain.errors import UserError

# The most frequent categories have a place of their own, if they are not rare; `other` is there for the rest.
MOST_CATEGORIES = 50
# A column of text is left out if its places would hold less than this share of the rows.
LEAST_COVERED = 0.5
# Of so many texts nothing is cut off, unless they are longer than a network reads in seconds.
WHOLE_TEXTS, LONGEST_TEXT = 0.95, 200
ID_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|no|nr|number)$|^unnamed: \d+$|[a-z]I[Dd]$", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnReport:
    """What is said of one column: what it is taken for (None: left out), and why or what else there is to know."""

    name: str
    feature: Feature | None
    note: str = ""


def printed(report: ColumnReport) -> tuple[str, str, str]:
    """The column's line of what is printed: its name, what it is taken for, the note."""
    feature = report.feature
    if feature is None:
        return report.name, LEFT_OUT, report.note
    kind = {
        "number": f"number in {feature.unit}" if feature.unit else "number",
        "categories": f"{len(feature.categories or ())} categories",
        "date": f"date ({feature.date})",
        "text": f"text, {feature.text.length} words of it" if feature.text else "",
    }[feature.kind]
    return report.name, kind if feature.used else f"{kind}, not given to the network", report.note


def report_column(column: ColumnSummary, group: str | None, time: str | None) -> ColumnReport:
    """What a column is taken for.

    Args:
        group, time: the columns that tell groups of rows apart, and put them in order.
    """
    if column.name == group:
        return ColumnReport(column.name, None, "tells groups of rows apart")
    if column.name == time:
        return _report_time(column)
    if useless := _why_useless(column):
        return ColumnReport(column.name, None, useless)
    return _report_kind(column)


def with_texts_alone(reports: list[ColumnReport]) -> list[ColumnReport]:
    """Leaves texts out where other columns are left to predict from: a network reads one text and nothing else."""
    used = [report for report in reports if report.feature and report.feature.used]
    texts = [report for report in used if report.feature.text]
    kept = max(texts, key=lambda report: report.feature.text.length, default=None) if len(texts) == len(used) else None
    beside = "another one" if kept else "other columns"
    return [
        ColumnReport(report.name, None, f"text beside {beside}; a network reads one alone (docs/your-data.md#texts)")
        if report in texts and report is not kept
        else report
        for report in reports
    ]


def _report_time(column: ColumnSummary) -> ColumnReport:
    report = _report_kind(column)
    if report.feature is None or report.feature.categories or column.missing or column.odd:
        odd = f", got {column.odd_text}" if column.odd else ""
        raise UserError(f"split.time: expected numbers or dates without missing ones in '{column.name}'{odd}")
    feature = report.feature.model_copy(update={"used": False, "min": None})
    return ColumnReport(column.name, feature, "puts the rows in order")


def _report_kind(column: ColumnSummary) -> ColumnReport:
    absent = {"missing": column.missing + column.odd_rows > 0, "missing_marks": list(column.odd)}
    if forms := column.date_forms:
        others = others_that_fit(forms[0], forms[1:])
        ambiguous = f"read as {forms[0]}, and {others[0]} would fit too" if others else ""
        beyond = f"reaches {column.last_year}: two-digit years up to 68 are 20…" if column.last_year else ""
        return ColumnReport(column.name, Feature(date=forms[0], **absent), _notes(column, "date", ambiguous, beyond))
    if column.is_number:
        lowest = {"min": 0.0} if column.low >= 0 else {}
        feature = Feature(unit=column.unit, **absent, **lowest)
        return ColumnReport(column.name, feature, _notes(column, "number", column.without_unit_text))
    return _report_text(column)


def _notes(column: ColumnSummary, kind: str, *more: str) -> str:
    missing = f"{column.missing:,} missing" if column.missing else ""
    odd = f"no {kind}, taken as missing: {column.odd_text}" if column.odd else ""
    return "; ".join(filter(None, [missing, odd, *more]))


def _why_useless(column: ColumnSummary) -> str:
    """Why nothing can be learned from a column, or an empty text."""
    if not column.present:
        return "empty"
    if column.distinct == 1 and not column.missing:
        return f"constant: always '{next(iter(column.values))}'"
    if column.is_number and not column.date_forms and column.is_whole and column.is_one_a_row and column.present >= 10:
        is_sequence = column.high - column.low + 1 == column.present
        if is_sequence or ID_NAME.search(column.name):
            return "identifier-like: another whole number in every row"
    return ""


def _report_text(column: ColumnSummary) -> ColumnReport:
    least = max(3, column.present // 1000)
    counts = column.values or Counter()
    frequent = [value for value, rows in counts.most_common(MOST_CATEGORIES) if rows >= least]
    covered = sum(counts[value] for value in frequent)
    if covered < LEAST_COVERED * column.present and column.is_text:
        length = min(column.words_of(WHOLE_TEXTS), LONGEST_TEXT)
        # NA, which other columns have for no value, is a word.
        feature = Feature(text={"length": length}, missing=column.missing > 0)
        return ColumnReport(column.name, feature, _notes(column, "text", f"up to {column.words_of(1):,} words"))
    if covered < LEAST_COVERED * column.present:
        return ColumnReport(column.name, None, _why_left_out(column))
    rare = ""
    if covered < column.present:
        rare = f"{count_text(column.distinct - len(frequent), 'rare value')} taken as other"
    feature = Feature(categories=sorted(frequent, key=in_order), missing=column.missing > 0, other=True)
    return ColumnReport(column.name, feature, _notes(column, "category", column.spelling_text, rare))


def _why_left_out(column: ColumnSummary) -> str:
    units = column.several_units
    if len(units) > 1:
        return f"numbers in several units: {', '.join(units[:3])}{' …' if len(units) > 3 else ''}"
    return f"free text or identifier-like: {column.distinct_text} different values"
