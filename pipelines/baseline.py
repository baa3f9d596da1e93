"""Fits scikit-learn models to the training rows, and scores them on the test rows as the networks are scored.

python -m pipelines.baseline    reads build/split, writes build/baseline; no validation row is used
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.parts import Part
from twintrain.data.prepare.scaling import output_scaler, unscale
from twintrain.data.schema import Schema
from twintrain.evaluation import metrics
from twintrain.evaluation.scores import regression_score, score, score_classes
from twintrain.settings.params import Params, load_params
from twintrain.system import project
from twintrain.training import baselines
from twintrain.training.losses import check_loss, with_class_weights


def baseline() -> None:
    """Runs the stage."""
    params = load_params()
    schema = Schema.load(project.SPLIT)
    scalers = project.read_json(project.SPLIT / "scaler.json")
    # In float32 a solver stops where its digits end, elsewhere with other threads; and columns that nearly add up to
    # each other have no least squares.
    train, test = (Part.load(project.SPLIT / name, "float64") for name in ("train", "test"))
    check_loss(params.train.loss, schema)
    params = with_class_weights(params, train.labels, schema)
    names = params.baseline.names_for(schema.task)
    fitted = {name: baselines.fit(name, params.baseline, schema, train, scalers["target"]) for name in names}
    predictions, scores = {}, {}
    for name, found in fitted.items():
        predictions[name], scores[name] = (
            _classes(found.model, test, schema, params)
            if schema.labels
            else _numbers(found.model, test, output_scaler(scalers, schema.task), params)
        )
        end = "" if found.converged else " (not converged)"
        print(f"baseline: {name} " + ", ".join(f"{key} {value:.4f}" for key, value in scores[name].items()) + end)
    folder = project.fresh_folder(project.BASELINE)
    np.savez(folder / "predictions.npz", index=test.index, **predictions[names[0]])
    summaries = {name: {**scores[name], **fitted[name].facts()} for name in names}
    project.write_json(folder / "metrics.json", {"name": names[0], **summaries.pop(names[0]), "others": summaries})
    _track(params, fitted, scores, train, folder)


def _classes(model: Any, test: Part, schema: Schema, params: Params) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """`label` with `probability` (rows, classes), or with `class` (rows,) of a model without any; and the scores."""
    predicted, probability = baselines.predict_classes(model, test.features, len(schema.labels))
    if probability is None:
        return {"label": test.labels, "class": predicted}, score_classes(predicted, test.labels, len(schema.labels))
    # A cross entropy is infinite, and then no figure, where the model held a true class for impossible.
    is_infinite = (
        "cross_entropy" in params.train.loss.name_for(schema.task)
        and not probability[np.arange(len(test)), test.labels].all()
    )
    loss = None if is_infinite else metrics.loss(metrics.logits_of(probability), test.labels, params.train.loss)
    return {"label": test.labels, "probability": probability}, score(probability, test.labels, loss)


def _numbers(
    model: Any, test: Part, scaler: dict[str, Any] | None, params: Params
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """`label` and `prediction` (rows, outputs) in the data's own unit, and the scores."""
    prediction = baselines.predict_numbers(model, test.features)
    loss = metrics.loss(prediction, test.labels, params.train.loss)
    found = {"label": unscale(test.labels, scaler), "prediction": unscale(prediction, scaler)}
    return found, regression_score(found["prediction"], found["label"], loss)


def _track(
    params: Params,
    fitted: dict[str, baselines.Fitted],
    scores: dict[str, dict[str, float]],
    train: Part,
    folder: Path,
) -> None:
    """One run a model; THE baseline, the first of them, goes along as a model."""
    the_baseline = next(iter(fitted))
    for name, found in fitted.items():
        tags = {"stage": "baseline", "baseline": name, "dataset": params.dataset, "split": params.split.method}
        with tracking.stage_run(f"baseline {name}", tags, params.tracking) as run:
            run.log_params({"dataset": params.dataset, **_logged_params(params, name, found)})
            run.log_dataset(train.features, train.labels, params.dataset, "train")
            run.log_metrics({**scores[name], "train_seconds": found.seconds})
            if name == the_baseline:
                run.log_artifacts(folder / "metrics.json")
                save = partial(baselines.save_mlflow_model, found.model)
                run.log_model(save, train.features[:2], 1, ["scikit-learn", "skops"])


def _logged_params(params: Params, name: str, found: baselines.Fitted) -> dict[str, Any]:
    options = getattr(params.baseline, name, None)
    return {"baseline": name, "seed": params.baseline.seed, "train_rows": found.rows, **dict(options or {})}


if __name__ == "__main__":
    run_stage(baseline)
