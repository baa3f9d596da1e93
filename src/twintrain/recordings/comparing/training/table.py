"""What was found of two trainings as lines of text."""

import numpy as np

from twintrain.recordings.comparing.causes import named_pair
from twintrain.recordings.comparing.rows import DIFFERENT, SAME
from twintrain.recordings.comparing.training.comparison import Training
from twintrain.recordings.comparing.training.rows import GRADIENT, LOSSES, STATISTIC, WEIGHT, TrainingRow

HEADINGS = ("training", "worst in", "error", "at most", "× itself", "")
MARKS = {"same": "", "rounding": "≈ float32", "different": "✗"}
LISTED = 3


def training_table(found: Training) -> list[str]:
    """A line a quantity: of gradients and weights the worst arrays alone."""
    rows = [HEADINGS, *training_cells(found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADINGS))]
    return ["  ".join(_aligned(row, widths)).rstrip() for row in rows]


def training_cells(found: Training) -> list[tuple[str, ...]]:
    """What stands in the table's columns, a row a quantity and step; where those part first, of several arrays."""
    kinds: dict[tuple[str, int], list[TrainingRow]] = {}
    for row in found.rows:
        kinds.setdefault((row.quantity, row.step), []).append(row)
    cells: list[tuple[str, ...]] = []
    most = LISTED
    for of_kind in kinds.values():
        ranked = sorted(of_kind, key=lambda row: (row.verdict == SAME, -row.excess))
        parting = [row for row in ranked if row.verdict == DIFFERENT]
        counted = f" ({len(parting)} of {len(of_kind)} differ)" if parting and of_kind[0].name else ""
        for row in parting[:most] or ranked[:1]:
            cells.append(_cells(row, counted))
            counted = ""
        most = 1 if parting else most
    return cells


def _cells(row: TrainingRow, counted: str) -> tuple[str, ...]:
    what = row.quantity
    if row.quantity in (WEIGHT, STATISTIC):
        what = f"{row.quantity}s after {row.step} {'step' if row.step == 1 else 'steps'}"
    elif row.quantity == GRADIENT:
        what = "gradients"
    place = f"{named_pair(row.name, row.other_name)} {row.role.replace('_', ' ')}" if row.name else row.role
    if row.quantity == LOSSES:
        place = f"before step {row.step + 1}"
    ratio = f"{row.ratio:.2g}" if row.ratio is not None else ""
    limit = _number(row.tolerance) if np.isfinite(row.tolerance) else "any"
    return what + counted, place, _number(row.error), limit, ratio, MARKS[row.verdict]


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    return [
        cell.rjust(width) if 2 <= at <= 4 else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _number(value: float) -> str:
    return f"{value:.1e}" if np.isfinite(value) else "no number"
