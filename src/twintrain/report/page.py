"""The report: one page with everything in it, which fetches nothing from elsewhere."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from twintrain.evaluation import decision, digits
from twintrain.evaluation.measures import ERROR
from twintrain.report import class_tables, interactive_charts, statements
from twintrain.report.curves import TITLES as METRICS
from twintrain.report.curves import watched
from twintrain.report.figure_rows import COST_ROWS, SCORE_ROWS, row_of
from twintrain.report.html_template import CHAMPION_PLACE, render
from twintrain.report.samples import LINE_HEIGHT, LINE_WIDTH, Sample
from twintrain.report.verdict_note import run_links
from twintrain.settings.frameworks import TITLES

WRITTEN_CLASSES = 20  # a confusion matrix of more is too large to read; the page then lists the commonest confusions
LISTED = 20  # confusions, slices
# plotly.js's basic bundle (npm: plotly.js-basic-dist-min), of the version that the plotly package has in full. With
# that one, four times as large, a page had 4.9 MB.
PLOTLY = Path(__file__).with_name("plotly-basic.min.js")


@dataclass(frozen=True)
class Material:
    """What a page shows beside `results/metrics.json`.

    Attributes:
        details: the content of `results/details.json`; empty for results that have none.
        histories: of each framework by its name, a history.csv a seed, that of the evaluated network first.
        samples: of each row of the disagreements that is no table row, by its number.
        pictures: further pictures, PNG files by their captions.
        ui: address of the MLflow UI.
    """

    details: dict[str, Any] = field(default_factory=dict)
    histories: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    samples: dict[int, Sample] = field(default_factory=dict)
    pictures: dict[str, Path] = field(default_factory=dict)
    ui: str = ""


def html_page(metrics: dict[str, Any], material: Material) -> str:
    """The page of `results/metrics.json`; what older results lack is left out."""
    names = statements.frameworks_of(metrics)
    titles = [TITLES[name] for name in names]
    charts = _charts(metrics, material)
    baselines = statements.baselines(metrics)
    classes = {TITLES[name]: material.details[name] for name in names if material.details.get(name, {}).get("classes")}
    class_titles, class_rows = class_tables.by_class(classes) if classes else ([], [])
    return render(
        Path(__file__).with_name("page.html.jinja"),
        headline=statements.headline(metrics),
        verdict=statements.reason(metrics) or statements.verdicts(metrics),
        verdicts=statements.verdicts(metrics) if statements.reason(metrics) else "",
        winner=statements.winner(metrics),
        verification=metrics["verification"],
        note=statements.note(metrics),
        baseline_conclusion=statements.baseline_conclusion(metrics),
        champion=Markup(CHAMPION_PLACE),
        digits=digits,
        links=run_links(metrics, material.ui),
        numbers=_numbers(metrics),
        titles=list(statements.columns(metrics)),
        rows=statements.cells(statements.columns(metrics), SCORE_ROWS),
        costs=statements.cells(statements.columns(metrics), COST_ROWS),
        networks=titles,
        differences=statements.difference_rows(metrics["comparison"], *titles[:2]) if len(titles) > 1 else [],
        targets=_targets(metrics),
        row_score="errors" if statements.measure_in(metrics) is ERROR else statements.measure_in(metrics).noun,
        banded=_margin(metrics) is not None,
        in_points=_in_points(metrics),
        main_score=statements.measure_in(metrics).title,
        seeds=_seed_rows(metrics),
        baselines=list(baselines),
        baseline_rows=statements.cells(baselines),
        charts={name: figure.layout.height for name, figure in charts.items()},
        charts_json=Markup(interactive_charts.charts_json(charts)),
        metric=METRICS[_metric(material)] if material.histories else "",
        classes=classes,
        matrices=class_tables.matrices(classes) if classes else [],
        class_titles=class_titles,
        class_rows=class_rows,
        class_scores=list(class_tables.SCORES.values()),
        confusions=_confusions(classes),
        slices=[found for found in material.details.get("slices", []) if found["difference"]][:LISTED],
        disagreements=material.details.get("disagreements", []),
        is_equal_everywhere=len(names) > 1 and material.details.get("disagreements") == [],
        samples=material.samples,
        line_box=(LINE_WIDTH, LINE_HEIGHT),
        pictures=_pictures(material),
        compared=_compared(metrics),
        plotly_js=Markup(PLOTLY.read_text(encoding="utf-8")) if charts else "",
    )


@dataclass(frozen=True)
class Number:
    """One of the numbers of the first screen."""

    title: str
    figure: str
    note: str = ""


def _numbers(metrics: dict[str, Any]) -> list[Number]:
    """The main score of the first two networks and the baseline, and the difference of the two; of one, its loss."""
    score, difference = statements.headline_score(metrics)
    heading, form = row_of(score)
    *networks, baseline = statements.columns(metrics).items()
    shown = [(title, found) for title, found in (*networks[:2], baseline) if score in found]
    numbers = [Number(f"{heading}, {title}", form(found[score])) for title, found in shown]
    comparison = metrics["comparison"]
    if difference not in comparison:
        loss = networks[0][1].get("test_loss")
        return numbers if loss is None else [*numbers, Number("test loss", digits.measured(loss))]
    first, second = (title for title, _ in networks[:2])
    if _in_points(metrics):
        interval = [digits.points(end, signed=True) for end in comparison.get("accuracy_ci95") or []]
        note = f"95 % interval {' to '.join(interval)}" if interval else ""
        figure = f"{digits.points(comparison[difference], signed=True)} points"
    else:
        is_rounding = not decision.gain(comparison)
        note = "but for rounding" if is_rounding else ""
        figure = "0" if is_rounding else digits.difference(comparison[difference])
    return [*numbers, Number(f"{first} less {second}", figure, note)]


def _pictures(material: Material) -> dict[str, str]:
    """Each picture as base64 by its caption; what several networks have alike once, with the names of all."""
    captions: dict[bytes, list[str]] = {}
    for caption, path in material.pictures.items():
        captions.setdefault(path.read_bytes(), []).append(caption)
    return {_together(alike): base64.b64encode(picture).decode() for picture, alike in captions.items()}


def _together(captions: list[str]) -> str:
    """`PyTorch and Keras: roc` of `PyTorch: roc` and `Keras: roc`."""
    if len(captions) == 1:
        return captions[0]
    parts = [caption.split(": ", 1) for caption in captions]
    return f"{class_tables.listed([part[0] for part in parts])}: {parts[0][-1]}"


def _targets(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is told of each further target, by its name."""
    titles = [TITLES[name] for name in statements.frameworks_of(metrics)]
    return {
        target: {
            "verdict": statements.verdicts(found),
            "rows": statements.cells(
                {TITLES[name]: found[name] for name in statements.frameworks_of(found)}, SCORE_ROWS
            ),
            "differences": statements.difference_rows(found["comparison"], *titles[:2]) if len(titles) > 1 else [],
        }
        for target, found in statements.by_target(metrics).items()
    }


def _metric(material: Material) -> str:
    return watched(next(iter(material.histories.values()))[0])


def _charts(metrics: dict[str, Any], material: Material) -> dict[str, Any]:
    """The figures by their ids."""
    charts = {}
    if material.histories:
        histories = {TITLES[name]: found for name, found in material.histories.items()}
        charts["loss-curves"] = interactive_charts.curves(histories, "loss")
        charts["metric-curves"] = interactive_charts.curves(histories, _metric(material))
    if rows := _difference_rows(metrics):
        charts["differences"] = interactive_charts.differences(rows, _margin(metrics), _unit(metrics))
    bins = {
        TITLES[name]: material.details[name]["calibration"]
        for name in statements.frameworks_of(metrics)
        if material.details.get(name, {}).get("calibration")
    }
    if bins:
        charts["reliability"] = interactive_charts.reliability(bins)
    return charts


def _difference_rows(metrics: dict[str, Any]) -> list[tuple[str, float, tuple[float, float]]]:
    """Each difference that has an interval: name, value and ends; accuracies in points."""
    names = statements.frameworks_of(metrics)
    if len(names) < 2:
        return []
    first, *others = (TITLES[name] for name in names)
    comparisons = dict(zip(others, [metrics["comparison"], *metrics["further_comparisons"].values()], strict=True))
    rows = []
    for other, found in comparisons.items():
        for key, scale, suffix in (("accuracy", 100, ""), ("auc", 100, ", AUC"), ("mae", 1, ""), ("iou", 1, "")):
            if any(interval := found.get(f"{key}_ci95") or []):
                low, high = (scale * end for end in interval)
                rows.append((f"{first} less {other}{suffix}", scale * found[f"{key}_difference"], (low, high)))
    if seeds := metrics["comparison"].get("seeds"):
        scale = 100 if _in_points(metrics) else 1
        low, high = (scale * end for end in seeds["ci95"])
        rows.append((f"mean of {seeds['count']} seeds", scale * seeds["mean_difference"], (low, high)))
    return rows


def _in_points(metrics: dict[str, Any]) -> bool:
    return not statements.measure_in(metrics).is_mean


def _unit(metrics: dict[str, Any]) -> str:
    return f"difference in {'points' if _in_points(metrics) else statements.measure_in(metrics).title}"


def _margin(metrics: dict[str, Any]) -> float | None:
    """Half the width of what counts as equal, in the unit of the chart; of means a share of the smaller one."""
    comparison = metrics["comparison"]
    margin = comparison.get("margin")
    if margin is None or _in_points(metrics):
        return margin and 100 * margin
    share = comparison.get("relative_difference")
    difference = comparison[f"{statements.measure_in(metrics).key}_difference"] if share else 0.0
    return margin * difference / share if share else None


def _seed_rows(metrics: dict[str, Any]) -> list[list[str]]:
    """Seed and main score of each framework, a row a seed, then mean and standard deviation; empty for one seed."""
    runs = [metrics[name].get("seeds", []) for name in statements.frameworks_of(metrics)]
    if min(map(len, runs)) < 2:
        return []
    score = statements.measure_in(metrics).score  # what `compare_seeds` compares
    form = statements.main_score_form(metrics)
    rows = [[str(one[0]["seed"]), *(form(found[score]) for found in one)] for one in zip(*runs, strict=True)]
    scores = [pd.Series([found[score] for found in listed]) for listed in runs]
    return [*rows, ["mean ± standard deviation", *(f"{form(found.mean())} ± {form(found.std())}" for found in scores)]]


def _confusions(classes: dict[str, dict[str, Any]]) -> list[list[str]]:
    """The commonest confusions where the matrices are too large to read: true, predicted, rows of each framework."""
    if not classes or len(next(iter(classes.values()))["classes"]) <= WRITTEN_CLASSES:
        return []
    matrices = [found["confusion"] for found in classes.values()]
    labels = [str(found["label"]) for found in next(iter(classes.values()))["classes"]]
    places = [(true, given) for true in range(len(labels)) for given in range(len(labels)) if true != given]
    places.sort(key=lambda place: -sum(matrix[place[0]][place[1]] for matrix in matrices))
    return [
        [labels[true], labels[given], *(f"{matrix[true][given]:,}" for matrix in matrices)]
        for true, given in places[:LISTED]
    ]


def _compared(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """What was compared: data, rows, seeds, devices, versions."""
    names = statements.frameworks_of(metrics)
    seeds = [str(run["seed"]) for run in metrics[names[0]].get("seeds", [])]
    facts = {
        "data set": metrics["dataset"],
        "model": metrics["model"],
        "mode": metrics["mode"],
        "split": metrics["split"],
        "test rows (sha256)": metrics["comparison"].get("test_digest", ""),
        "seeds": ", ".join(seeds),
    }
    for title, found in statements.columns(metrics).items():
        parts = [found.get(key) for key in ("version", "device", "dtype")]
        facts[title] = ", ".join(str(part) for part in parts if part)
    return [(heading, text) for heading, text in facts.items() if text]
