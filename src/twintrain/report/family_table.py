"""Presets of one family side by side: the last epoch and the test rows of each, as a table."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from twintrain.evaluation import digits
from twintrain.report.statements import frameworks_of
from twintrain.settings.frameworks import TITLES
from twintrain.system import project
from twintrain.system.stored import read_csv

if TYPE_CHECKING:
    import pandas as pd


# heading, column of a row, how it is written
COLUMNS = (
    ("preset", "preset", digits.plain),
    ("framework", "framework", digits.plain),
    ("epochs", "epochs", digits.plain),
    ("train loss", "train_loss", digits.share),
    ("val loss", "val_loss", digits.share),
    ("val − train", "gap", digits.share),
    ("lowest val loss", "lowest_val_loss", digits.share),
    ("in epoch", "lowest_epoch", digits.plain),
    ("test loss", "test_loss", digits.share),
    ("test accuracy", "eval_acc", digits.share),
    ("test RMSE", "rmse", digits.measured),
    ("test IoU", "iou", digits.share),
    ("gradient norm, first epoch", "first_gradient", "{:.1e}".format),
    ("last", "last_gradient", "{:.1e}".format),
)

Row = dict[str, Any]


def family_rows(preset: str, folder: Path) -> list[Row]:
    """One row a framework of what a preset has come to in a copy of the project."""
    metrics = project.read_json(folder / project.METRICS)
    histories = {
        name: read_csv(folder / project.TRAIN / name / "history.csv", "train_loss", "val_loss")
        for name in frameworks_of(metrics)
    }
    return [_row(preset, name, metrics[name], history) for name, history in histories.items()]


def _row(preset: str, framework: str, scores: dict[str, Any], history: "pd.DataFrame") -> Row:
    last, lowest = history.iloc[-1], int(history["val_loss"].argmin())
    row = {
        "preset": preset,
        "framework": TITLES[framework],
        "epochs": len(history),
        "train_loss": last["train_loss"],
        "val_loss": last["val_loss"],
        "gap": last["val_loss"] - last["train_loss"],
        "lowest_val_loss": history["val_loss"][lowest],
        "lowest_epoch": lowest + 1,
        **{
            name: scores[name]
            for name in ("test_loss", "eval_acc", "rmse", "iou", "run_id", "journal")
            if name in scores
        },
    }
    if "first_layer_gradient_norm" in history:
        norms = history["first_layer_gradient_norm"]
        row |= {"first_gradient": norms.iloc[0], "last_gradient": norms.iloc[-1]}
    return row


def cells(rows: list[Row]) -> list[list[str]]:
    """Headings and then a line for each row; columns that no row has are left out, and `–` is where one has none."""
    columns = [column for column in COLUMNS if any(column[1] in row for row in rows)]
    lines = [[text(row[key]) if key in row else "–" for _, key, text in columns] for row in rows]
    return [[heading for heading, _, _ in columns], *lines]


def markdown(rows: list[Row]) -> str:
    """The table as Markdown: numbers to the right."""
    headings, *lines = cells(rows)
    marks = ["---", "---", *["---:"] * (len(headings) - 2)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (headings, marks, *lines))


def print_table(family: str, rows: list[Row]) -> None:
    """Prints the table on the terminal."""
    headings, *lines = cells(rows)
    table = Table(title=family, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        width = max(len(line[number]) for line in lines)  # headings may be broken, figures not
        table.add_column(heading, justify="left" if number < 2 else "right", min_width=width)
    for line in lines:
        table.add_row(*line)
    Console().print(table, soft_wrap=True)


def replace_table(document: str, family: str, written: str) -> str:
    """A document with what stands between its two lines `<!-- family NAME -->` replaced; without them as it is."""
    mark = re.escape(f"<!-- family {family} -->\n")
    return re.sub(f"({mark}).*?({mark})", lambda found: f"{found[1]}{written}{found[2]}", document, flags=re.DOTALL)
