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
from twintrain.evaluation.comparison import compare_predictions
from twintrain.frameworks import TITLES
from twintrain.training.curves import plot_curves


def compare() -> None:
    """Runs the stage."""
    params = load_params()
    metrics = _collect(params)
    folder = project.fresh_folder(project.RESULTS)
    project.write_json(folder / "metrics.json", metrics)
    pictures = _pictures(params.frameworks, folder)
    (folder / "report.html").write_text(report.html_page(metrics, pictures), encoding="utf-8")
    tags = {"stage": "compare", "dataset": params.dataset, "model": params.model, "mode": params.mode}
    with tracking.stage_run("compare", {**tags, "split": params.split.method}, params.tracking.experiment) as run:
        run.log_metrics(
            {name: value for name, value in metrics["comparison"].items() if isinstance(value, float | int)}
        )
        run.log_artifacts(*sorted(folder.iterdir()))
    print(f"compare: {report.conclusion(metrics)} Report: {folder / 'report.html'}")


def _collect(params: Params) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "dataset": params.dataset,
        "model": params.model,
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
    devices = {framework: metrics[framework]["device"] for framework in params.frameworks}
    if len(set(devices.values())) > 1:
        raise UserError(f"the twins ran on different devices: {devices}; expected train.device: cpu, or a GPU for both")
    is_sample = params.split.method != "same"
    metrics["comparison"] = _compare(params.frameworks, is_sample) if len(params.frameworks) > 1 else {}
    return metrics


def _compare(frameworks: list[str], rows_are_a_sample: bool) -> dict[str, Any]:
    first, second = (dict(np.load(project.EVALUATE / name / "predictions.npz")) for name in frameworks)
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
