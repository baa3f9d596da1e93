"""The comparison as a table on the terminal and as one self-contained page."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twintrain.evaluation.comparison import verdict
from twintrain.frameworks import TITLES

# key of results/metrics.json, heading, format
ROWS = (
    ("eval_acc", "test accuracy", "{:.4f}"),
    ("auc_score", "test AUC", "{:.4f}"),
    ("test_loss", "test loss", "{:.4g}"),
    ("parameters", "parameters", "{:,}"),
    ("epochs_run", "epochs", "{}"),
    ("best_epoch", "best epoch", "{}"),
    ("train_seconds", "training, s", "{:.2f}"),
    ("samples_per_second", "samples / s", "{:,.0f}"),
    ("device", "device", "{}"),
    ("version", "version", "{}"),
)
SAME_ROWS = "train = val = test: these are scores on the rows that were trained on"
DROPOUT = "Each framework draws its own dropout masks: a difference may be theirs alone, so try several train.seed"


def frameworks_of(metrics: dict[str, Any]) -> list[str]:
    """Names of the frameworks in results/metrics.json, in the order of the runs."""
    return [name for name in metrics if name in TITLES]


def headline(metrics: dict[str, Any]) -> str:
    """What was compared: `cnn on mnist5k, aligned`."""
    return f"{metrics['model']} on {metrics['dataset']}, {metrics['mode']}"


def note(metrics: dict[str, Any]) -> str:
    """What must be known to read the figures; empty where there is nothing."""
    lines = [SAME_ROWS] if metrics["split"] == "same" else []
    if metrics["mixed"]:
        lines.append(f"Different devices or precisions, as compare.allow_mixed allows: {metrics['mixed']}")
    if any(metrics[name].get("dropout") for name in frameworks_of(metrics)):
        lines.append(DROPOUT)
    return ". ".join(lines)


def conclusion(metrics: dict[str, Any]) -> str:
    """What came out, in one sentence; empty with one framework alone."""
    first, *others = frameworks_of(metrics)
    comparisons = {others[0]: metrics["comparison"], **metrics["further_comparisons"]} if others else {}
    return " ".join(verdict(found, TITLES[first], TITLES[name]) for name, found in comparisons.items())


def cells(metrics: dict[str, Any]) -> list[list[str]]:
    """The table's rows: heading, then one text a framework; `–` where there is no figure."""
    found = [metrics[name] for name in frameworks_of(metrics)]
    return [
        [heading, *(form.format(column[key]) if key in column else "–" for column in found)]
        for key, heading, form in ROWS
    ]


def print_comparison(metrics: dict[str, Any]) -> None:
    """Prints the table and what came out."""
    table = Table(title=escape(headline(metrics)), title_justify="left")
    table.add_column("")
    for name in frameworks_of(metrics):
        table.add_column(TITLES[name], justify="right")
    for row in cells(metrics):
        table.add_row(*map(escape, row))
    lines = filter(None, [metrics["verification"]["text"], note(metrics), conclusion(metrics)])
    Console().print(table, *map(escape, lines), sep="\n", soft_wrap=True)


def html_page(metrics: dict[str, Any], pictures: dict[str, Path]) -> str:
    """The page: verdict, table, pictures by caption; nothing in it is fetched from elsewhere."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    embedded = {caption: base64.b64encode(path.read_bytes()).decode() for caption, path in pictures.items()}
    return templates.get_template("report.html.jinja").render(
        headline=headline(metrics),
        conclusion=conclusion(metrics),
        verification=metrics["verification"],
        note=note(metrics),
        titles=[TITLES[name] for name in frameworks_of(metrics)],
        rows=cells(metrics),
        comparison=metrics["comparison"],
        pictures=embedded,
    )
