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
from twintrain.evaluation.comparison import compare_predictions, mixture
from twintrain.frameworks import TITLES
from twintrain.training.curves import plot_curves
from twintrain.verification.seal import seal

OUTPUTS = ("metrics.json", "report.html", "loss_curves.png", "accuracy_curves.png")


def compare() -> None:
    """Runs the stage."""
    params = load_params()
    metrics = _collect(params)
    folder = project.RESULTS  # not emptied: what verify has written there stays
    folder.mkdir(exist_ok=True)
    project.write_json(folder / "metrics.json", metrics)
    pictures = _pictures(params.frameworks, folder)
    (folder / "report.html").write_text(report.html_page(metrics, pictures), encoding="utf-8")
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
    first, *others = params.frameworks
    comparisons = {name: _compare(first, name, is_sample) for name in others}
    metrics["comparison"] = comparisons.pop(others[0]) if others else {}
    metrics["further_comparisons"] = comparisons
    return metrics


def _compare(reference: str, other: str, rows_are_a_sample: bool) -> dict[str, Any]:
    first, second = (dict(np.load(project.EVALUATE / name / "predictions.npz")) for name in (reference, other))
    if not np.array_equal(first["index"], second["index"]):
        raise UserError("the frameworks were evaluated on different rows; run them again with: dvc repro --force")
    return compare_predictions(first["probability"], second["probability"], first["label"], rows_are_a_sample)


def _pictures(frameworks: list[str], folder: Path) -> dict[str, Path]:
    histories = {TITLES[name]: pd.read_csv(project.TRAIN / name / "history.csv") for name in frameworks}
    pictures = {}
    for metric in ("loss", "accuracy"):
        path = folder / f"{metric}_curves.png"
        plot_curves(histories, metric, path)
        pictures[f"{metric} over the epochs"] = path
    for title, file_name in (("confusion matrix", "confusion_matrix.png"), ("ROC", "roc.png")):
        for name in frameworks:
            pictures[f"{TITLES[name]}: {title}"] = project.EVALUATE / name / file_name
    return pictures


if __name__ == "__main__":
    run_stage(compare)
