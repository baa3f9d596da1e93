"""Fits scikit-learn models to the training rows, and scores them on the test rows as the networks are scored.

python -m pipelines.baseline    reads build/split, writes build/baseline; no validation row is used
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.parts import Part
from twintrain.data.prepare.matrix import countable
from twintrain.data.prepare.scaling import output_scaler, unscale
from twintrain.data.schema import Schema
from twintrain.evaluation import metrics
from twintrain.evaluation.running import Mean, runs
from twintrain.evaluation.scores import mask_score, regression_score, score, score_classes
from twintrain.evaluation.stored_predictions import FILE_NAME as PREDICTIONS
from twintrain.evaluation.stored_predictions import load_predictions, store_predictions
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
    train, test = (_countable(Part.load(project.SPLIT / name, "float64"), schema) for name in ("train", "test"))
    check_loss(params.train.loss, schema)
    params = with_class_weights(params, train.labels, schema)
    names = params.baseline.names_for(schema.task)
    fitted = {name: baselines.fit(name, params.baseline, schema, train, scalers["target"]) for name in names}
    folder = project.fresh_folder(project.BASELINE)
    scores = {}
    for name, found in fitted.items():
        # Of all models but the first, THE baseline, the scores are kept alone.
        with contextlib.ExitStack() as kept:
            place = folder if name == names[0] else Path(kept.enter_context(TemporaryDirectory(dir=folder)))
            if schema.labels:
                scores[name] = _classes(found.model, test, schema, params, place)
            elif schema.task == "segmentation":
                scores[name] = _masks(found.model, test, place)
            else:
                scores[name] = _numbers(found.model, test, output_scaler(scalers, schema.task), params, place)
        end = "" if found.converged else " (not converged)"
        print(f"baseline: {name} " + ", ".join(f"{key} {value:.4f}" for key, value in scores[name].items()) + end)
    summaries = {name: {**scores[name], **fitted[name].facts()} for name in names}
    project.write_json(folder / "metrics.json", {"name": names[0], **summaries.pop(names[0]), "others": summaries})
    _track(params, fitted, scores, train, folder)


def _countable(part: Part, schema: Schema) -> Part:
    return replace(part, features=countable(part.features, schema))


def _classes(model: Any, test: Part, schema: Schema, params: Params, folder: Path) -> dict[str, float]:
    """Writes `probability` (rows, classes), or `class` (rows,) of a model without any; returns the scores."""
    loss, cuts, classes = Mean(), list(runs(test.features, batch=baselines.BLOCK_ROWS)), len(schema.labels)
    # A cross entropy is infinite, and then no figure, where the model held a true class for impossible.
    can_be_infinite, is_infinite = "cross_entropy" in params.train.loss.name_for(schema.task), False

    def predicted() -> Iterator[np.ndarray]:
        nonlocal is_infinite
        for run in cuts:
            labels = test.labels[run]
            found, probability = baselines.predict_classes(model, test.features[run], classes)
            if probability is not None:
                is_infinite |= can_be_infinite and not probability[np.arange(len(labels)), labels].all()
                loss.add(metrics.row_losses(metrics.logits_of(probability), labels, params.train.loss))
            yield found if probability is None else probability

    name = "probability" if baselines.has_probabilities(model) else "class"
    store_predictions(folder / PREDICTIONS, test.index, (test.labels[run] for run in cuts), name, predicted())
    stored = load_predictions(folder)
    if name == "class":
        return score_classes(stored[name], stored["label"], classes)
    return score(stored[name], stored["label"], None if is_infinite else loss.value)


def _numbers(model: Any, test: Part, scaler: dict[str, Any] | None, params: Params, folder: Path) -> dict[str, float]:
    """Writes `prediction` (rows, outputs) in the data's own unit; returns the scores."""
    loss, cuts = Mean(), list(runs(test.features, batch=baselines.BLOCK_ROWS))

    def predicted() -> Iterator[np.ndarray]:
        for run in cuts:
            found = baselines.predict_numbers(model, test.features[run])
            loss.add(metrics.row_losses(found, test.labels[run], params.train.loss))
            yield unscale(found, scaler)

    labels = (unscale(test.labels[run], scaler) for run in cuts)
    store_predictions(folder / PREDICTIONS, test.index, labels, "prediction", predicted())
    stored = load_predictions(folder)
    return regression_score(stored["prediction"], stored["label"], loss.value)


def _masks(model: Any, test: Part, folder: Path) -> dict[str, float]:
    """Writes `mask` (rows, pixels); returns the scores, of which the loss is none: they are no logits."""
    cuts = list(runs(test.features, batch=baselines.BLOCK_ROWS))
    predicted = (baselines.predict_numbers(model, test.features[run]) for run in cuts)
    store_predictions(folder / PREDICTIONS, test.index, (test.labels[run] for run in cuts), "mask", predicted)
    stored = load_predictions(folder)
    return mask_score(stored["mask"], stored["label"], None)


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
