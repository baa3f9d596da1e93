"""Puts the frameworks side by side: scores, the statistics of the difference, a report.

python -m pipelines.compare    reads build/train and build/evaluate, writes results
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twintrain import project, tracking
from twintrain.commands import run_stage
from twintrain.config import Params, load_params
from twintrain.errors import UserError
from twintrain.evaluation import report
from twintrain.evaluation.comparison import compare_classes, compare_numbers, compare_predictions, mixture
from twintrain.frameworks import TITLES
from twintrain.training import curves
from twintrain.verification.seal import seal

OUTPUTS = ("metrics.json", "report.html", "loss_curves.png", "metric_curves.png")


def compare() -> None:
    """Runs the stage."""
    params = load_params()
    metrics = _collect(params)
    folder = project.RESULTS  # not emptied: what verify has written there stays
    folder.mkdir(exist_ok=True)
    project.write_json(folder / "metrics.json", metrics)
    pictures = _pictures(params.frameworks, folder)
    project.write_text(folder / "report.html", report.html_page(metrics, pictures))
    tags = {"stage": "compare", "dataset": params.dataset, "model": params.model_name, "mode": params.mode}
    with tracking.stage_run("compare", {**tags, "split": params.split.method}, params.tracking.experiment) as run:
        run.log_metrics(
            {name: value for name, value in metrics["comparison"].items() if isinstance(value, float | int)}
        )
        run.log_artifacts(*sorted(folder / name for name in OUTPUTS))
    print(f"compare: {report.conclusion(metrics)} Report: {folder / 'report.html'}")


def _collect(params: Params) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "dataset": params.dataset,
        "model": params.model_name,
        "mode": params.mode,
        "split": params.split.method,
    }
    for framework in params.frameworks:
        sources = (
            project.EVALUATE / framework / "metrics.json",
            project.TRAIN / framework / "training.json",
            project.TRAIN / framework / "run.json",
        )
        metrics[framework] = {k: v for path in sources for k, v in project.read_json(path).items()}
    ran_on = {name: f"{metrics[name]['device']}, {metrics[name]['dtype']}" for name in params.frameworks}
    metrics["mixed"] = mixture(ran_on, params.compare.allow_mixed)
    metrics["verification"] = seal(params)
    is_sample = params.split.method != "same"
    predictions = {name: _predictions(project.EVALUATE / name) for name in params.frameworks}
    first, *others = params.frameworks
    comparisons = {name: _compare(predictions[first], predictions[name], is_sample) for name in others}
    metrics["comparison"] = comparisons.pop(others[0]) if others else {}
    metrics["further_comparisons"] = comparisons
    baseline = _predictions(project.BASELINE)
    metrics["baseline"] = {
        **project.read_json(project.BASELINE / "metrics.json"),
        "comparisons": {name: _compare(found, baseline, is_sample) for name, found in predictions.items()},
    }
    return metrics


def _predictions(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "predictions.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def _compare(first: dict[str, np.ndarray], second: dict[str, np.ndarray], rows_are_a_sample: bool) -> dict[str, Any]:
    """All that both have: numbers, probabilities, or, of a baseline without these, classes."""
    if not np.array_equal(first["index"], second["index"]):
        raise UserError("predictions are of different rows; make them again with: dvc repro --force")
    if "prediction" in first:
        return compare_numbers(first["prediction"], second["prediction"], first["label"], rows_are_a_sample)
    if "probability" in second:
        return compare_predictions(first["probability"], second["probability"], first["label"], rows_are_a_sample)
    return compare_classes(first["probability"].argmax(axis=1), second["class"], first["label"], rows_are_a_sample)


def _pictures(frameworks: list[str], folder: Path) -> dict[str, Path]:
    histories = {TITLES[name]: pd.read_csv(project.TRAIN / name / "history.csv") for name in frameworks}
    pictures = {}
    for kind, metric in (("loss", "loss"), ("metric", curves.watched(histories[TITLES[frameworks[0]]]))):
        path = folder / f"{kind}_curves.png"
        curves.plot_curves(histories, metric, path)
        pictures[f"{curves.TITLES[metric]} over the epochs"] = path
    for drawn in sorted(path.name for path in (project.EVALUATE / frameworks[0]).glob("*.png")):
        for name in frameworks:
            pictures[f"{TITLES[name]}: {drawn.removesuffix('.png').replace('_', ' ')}"] = (
                project.EVALUATE / name / drawn
            )
    return pictures


if __name__ == "__main__":
    run_stage(compare)
