"""What raw files that nobody described seem to hold."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Found:
    """What was found, for the description to be written and for the user to look at.

    Attributes:
        description: what conf/datasets/NAME.yaml says, without where the data comes from.
        rows: number of rows.
        lines: what there is, what it is taken for, and what else there is to know of it.
        warnings: what the user should look at.
        smallest_class: its number of rows; None of a regression.
        bad_rows: number of rows that have to be set aside.
        has_test: whether some rows come as test rows.
        assumed: how the file seems to be written, where that is not the usual way, and the option that says otherwise.
    """

    description: dict[str, Any]
    rows: int
    lines: list[tuple[str, str, str]]
    warnings: list[str]
    smallest_class: int | None
    bad_rows: int = 0
    has_test: bool = False
    assumed: list[str] = field(default_factory=list)


LEFT_OUT = "left out"


def task_of(labels: list[str]) -> str:
    """The task of predicting one of these labels, or a number where there are none."""
    return "multiclass" if len(labels) > 2 else "binary" if labels else "regression"


def shown(labels: list[str]) -> str:
    """The first classes, to be printed."""
    return f"classes: {', '.join(labels[:10])}{' …' if len(labels) > 10 else ''}" if labels else "a number"
