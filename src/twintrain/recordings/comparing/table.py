"""A diff as a table of text."""

from typing import TYPE_CHECKING, Any

import numpy as np

from twintrain.recordings.comparing.training.table import training_table

if TYPE_CHECKING:
    from twintrain.recordings.comparing.diff import Diff
    from twintrain.recordings.comparing.rows import Row

HEADINGS = ("", "", "", "came in", "out", "alone", "mean", "at most", "× itself", "cosine", "worst at", "")
MARKS = {"same": "", "rounding": "≈ float32", "different": "✗"}
WIDEST = 40
LISTED = 3
VERDICTS = {
    "same": "{} and {} are the same",
    "rounding": "{} and {} are the same but for rounding in float32",
    "different": "{} and {} are different",
}


def table(found: "Diff") -> str:
    """The conclusion, why, and a line a layer."""
    headings = ("", *found.titles, *HEADINGS[3:])
    rows = [headings, *(_cells(row) for row in found.layers)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(headings))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    training = ["", *training_table(found.training)] if found.training else []
    return "\n".join([*conclusion(found), "", *lines, *training, "", *alone_lines(found), *found.notes]).rstrip()


def conclusion(found: "Diff") -> list[str]:
    """What came out: the weights first, then the first place and the causes."""
    lines = []
    if found.differing_weights:
        row = max(found.differing_weights, key=lambda each: (each.verdict == "different", min(each.error, 1e300)))
        what = (
            "are the same numbers in another order" if row.verdict == "permuted" else f"differ by {number(row.error)}"
        )
        count = f"{len(found.differing_weights)} of {len(found.weights)} arrays"
        lines.append(f"the weights differ: {count}; those of {row.name}, {row.role.replace('_', ' ')}, {what}")
    lines.append(f"{VERDICTS[found.verdict].format(*found.titles)} ({found.precision})")
    if found.training and found.parts_in == found.training.parts_in:
        lines += [f"they part first in {found.parts_in}"] if found.parts_in else []
    elif found.first:
        names = " / ".join(dict.fromkeys((found.first.name, found.first.other_name)))
        lines.append(f"they part first in {names} ({found.first.op}): {number(found.first.own)} of its own")
    if (found.first or found.parts_in) and found.cause is None:
        lines.append("no known mistake explains it")
    return lines + _causes(found)


def _causes(found: "Diff") -> list[str]:
    """A sentence a finding, with the number of other layers that have it too."""
    layers: dict[str, list[Any]] = {}
    for cause in found.causes:
        layers.setdefault(cause.finding, []).append(cause)
    lines = []
    for first, *others in layers.values():
        names = ", ".join(cause.name for cause in others[:LISTED]) + (", …" if len(others) > LISTED else "")
        lines.append(first.sentence + (f"; the same in {len(others)} more: {names}" if others else ""))
    return lines


def _cells(row: "Row") -> tuple[str, ...]:
    place = f"({', '.join(map(str, row.place))})" if row.place and row.error else ""
    numbers = (row.came_in, row.error, row.alone, row.mean, row.tolerance)
    ratio = f"{row.ratio:.2g}" if row.ratio is not None else ""
    cosine = f"{row.cosine:.6f}" if row.cosine is not None else ""
    return (
        _cut(row.op),
        _cut(row.name),
        _cut(row.other_name),
        *map(number, numbers),
        ratio,
        cosine,
        place,
        MARKS[row.verdict],
    )


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    return [
        cell.ljust(width) if at < 3 or at > 9 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def alone_lines(found: "Diff") -> list[str]:
    """A line a side that has calls without counterpart."""
    return [
        f"{title} alone has {', '.join(names)}"
        for title, names in zip(found.titles, (found.reference_alone, found.other_alone), strict=True)
        if names
    ]


def number(value: Any) -> str:
    """An error in two digits."""
    if value is None:
        return ""
    return f"{value:.1e}" if np.isfinite(value) else "no number"


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"…{text[1 - WIDEST :]}"
