"""The comparison as a table on the terminal and as one self-contained page."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twintrain.evaluation.comparison import against_baseline, verdict
from twintrain.frameworks import TITLES

# key of results/metrics.json, heading, format
ROWS = (
    ("eval_acc", "test accuracy", "{:.4f}"),
    ("auc_score", "test AUC", "{:.4f}"),
    ("rmse", "test RMSE", "{:.4g}"),
    ("mae", "test MAE", "{:.4g}"),
    ("r2", "test R²", "{:.4f}"),
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
    for name, fitted in _baselines(metrics).items():
        if fitted["train_rows"] < fitted["available_rows"]:
            shares = f"{fitted['train_rows']:,} of {fitted['available_rows']:,}"
            lines.append(f"The baseline {name} was fitted on {shares} training rows, as baseline.rows allows")
        if not fitted["converged"]:
            lines.append(f"The baseline {name} ended at its largest number of iterations, before it had converged")
    return ". ".join(lines)


def conclusion(metrics: dict[str, Any]) -> str:
    """What came out, in one sentence; empty with one framework alone."""
    first, *others = frameworks_of(metrics)
    comparisons = {others[0]: metrics["comparison"], **metrics["further_comparisons"]} if others else {}
    return " ".join(verdict(found, TITLES[first], TITLES[name]) for name, found in comparisons.items())


def baseline_conclusion(metrics: dict[str, Any]) -> str:
    """Whether the networks beat the baseline, and what others reach."""
    found = metrics["baseline"]
    comparisons = {TITLES[name]: comparison for name, comparison in found["comparisons"].items()}
    sentences = [against_baseline(comparisons, found["name"])]
    if found["others"]:
        others = ", ".join(f"{name} {_other_score(metrics, other)}" for name, other in found["others"].items())
        sentences.append(f"Others: {others}.")
    return " ".join(sentences)


def _other_score(metrics: dict[str, Any], other: dict[str, Any]) -> str:
    """Its main score, and the networks that fall short of it."""
    name, _ = headline_score(metrics)
    sign = -1 if name == "rmse" else 1
    behind = [
        TITLES[network] for network in frameworks_of(metrics) if sign * (other[name] - metrics[network][name]) > 0
    ]
    heading, form = next((heading, form) for key, heading, form in ROWS if key == name)
    better = f" (better than {' and '.join(behind)})" if behind else ""
    return f"{heading.removeprefix('test ')} {form.format(other[name])}{better}"


def _baselines(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {metrics["baseline"]["name"]: metrics["baseline"], **metrics["baseline"]["others"]}


def columns(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The figures of each framework and of the baseline, by their titles."""
    frameworks = {TITLES[name]: metrics[name] for name in frameworks_of(metrics)}
    return {**frameworks, f"{metrics['baseline']['name']} (baseline)": metrics["baseline"]}


def cells(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """The rows of a table: heading, then one text a column; `–` where one has no figure."""
    return [
        [heading, *(form.format(column[key]) if key in column else "–" for column in found.values())]
        for key, heading, form in ROWS
        if any(key in column for column in found.values())
    ]


def headline_score(metrics: dict[str, Any]) -> tuple[str, str]:
    """Names of a framework's main score, accuracy or for numbers the RMSE, and of the difference in it."""
    numbers = all("rmse" in metrics[name] for name in frameworks_of(metrics))
    return ("rmse", "rmse_difference") if numbers else ("eval_acc", "accuracy_difference")


def difference_rows(comparison: dict[str, Any], first: str, second: str) -> list[tuple[str, str]]:
    """What a comparison found, each as heading and text."""
    rows = {
        "accuracy_difference": (f"accuracy, {first} less {second}", "{:+.4f}"),
        "accuracy_ci95": ("its 95 % interval, paired bootstrap", "{0[0]:+.4f} to {0[1]:+.4f}"),
        "mcnemar_p": ("exact McNemar test, p", "{:.3g}"),
        "only_first_right": (f"only {first} right, rows", "{}"),
        "only_second_right": (f"only {second} right, rows", "{}"),
        "agreement": ("same prediction, share of rows", "{:.4f}"),
        "largest_probability_difference": ("largest difference of a probability", "{:.2g}"),
        "mae_difference": (f"mean absolute error, {first} less {second}", "{:+.4g}"),
        "mae_ci95": ("its 95 % interval, paired bootstrap", "{0[0]:+.4g} to {0[1]:+.4g}"),
        "rmse_difference": (f"RMSE, {first} less {second}", "{:+.4g}"),
        "first_closer": (f"{first} nearer, share of rows where they differ", "{:.4f}"),
        "largest_prediction_difference": ("largest difference of a prediction", "{:.2g}"),
    }
    return [(heading, form.format(comparison[name])) for name, (heading, form) in rows.items() if name in comparison]


def print_comparison(metrics: dict[str, Any]) -> None:
    """Prints the table and what came out."""
    table = Table(title=escape(headline(metrics)), title_justify="left")
    table.add_column("")
    for title in columns(metrics):
        table.add_column(escape(title), justify="right")
    for row in cells(columns(metrics)):
        table.add_row(*map(escape, row))
    lines = filter(
        None, [metrics["verification"]["text"], note(metrics), conclusion(metrics), baseline_conclusion(metrics)]
    )
    Console().print(table, *map(escape, lines), sep="\n", soft_wrap=True)


def html_page(metrics: dict[str, Any], pictures: dict[str, Path]) -> str:
    """The page: verdict, table, pictures by caption; nothing in it is fetched from elsewhere."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    titles = [TITLES[name] for name in frameworks_of(metrics)]
    baselines = _baselines(metrics)
    embedded = {caption: base64.b64encode(path.read_bytes()).decode() for caption, path in pictures.items()}
    return templates.get_template("report.html.jinja").render(
        headline=headline(metrics),
        conclusion=conclusion(metrics),
        verification=metrics["verification"],
        note=note(metrics),
        baseline_conclusion=baseline_conclusion(metrics),
        titles=list(columns(metrics)),
        rows=cells(columns(metrics)),
        baselines=list(baselines),
        baseline_rows=cells(baselines),
        differences=difference_rows(metrics["comparison"], *titles[:2]) if len(titles) > 1 else [],
        pictures=embedded,
    )
