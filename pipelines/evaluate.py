"""Scores the saved network on the test rows.

python -m pipelines.evaluate FRAMEWORK    reads build/train/FRAMEWORK, writes build/evaluate/FRAMEWORK; run it as
                                          `dvc repro evaluate@FRAMEWORK`
"""

from pathlib import Path
from typing import Any

import numpy as np

from twintrain import tracking
from twintrain.command_line.commands import run_framework_stage
from twintrain.data.parts import Part
from twintrain.data.prepare.scaling import output_scaler, unscale
from twintrain.data.schema import Schema
from twintrain.evaluation import metrics
from twintrain.evaluation.scores import regression_score, score
from twintrain.frameworks import framework_module
from twintrain.frameworks.threads import inference_threads
from twintrain.report import prediction_charts
from twintrain.settings.params import Params, load_params
from twintrain.system import project
from twintrain.training.seeds import seed_folders, spread


def evaluate(framework: str) -> None:
    """Runs the stage for one framework: every seed's network predicts, and that of the first is reported on."""
    params = load_params()
    test = Part.load(project.SPLIT / "test", params.train.dtype)
    saving = framework_module(framework, "saving")
    saving.set_threads(inference_threads(params.train.threads))
    first, *further = seeds = params.train.seeds or [params.train.seed]
    sources = seed_folders(project.TRAIN / framework, seeds)
    folders = seed_folders(project.fresh_folder(project.EVALUATE / framework), seeds)
    trained = {seed: _trained(sources[seed]) for seed in seeds}
    scores = {seed: _evaluate(framework, sources[seed], trained[seed], folders[seed], test, params) for seed in seeds}
    found = {**scores[first], "file_bytes": (sources[first] / saving.FILE_NAME).stat().st_size}
    if further:
        found |= _over_seeds(scores, trained)
    project.write_json(folders[first] / "metrics.json", found)
    _track(framework, params, test, trained, scores, found)


def _track(
    framework: str,
    params: Params,
    test: Part,
    trained: dict[int, dict[str, Any]],
    scores: dict[int, dict[str, float]],
    found: dict[str, Any],
) -> None:
    """Logs the stage's run, and adds to those of the trainings: to the first what was found, to others their scores."""
    first, *further = trained
    folder = project.EVALUATE / framework
    pictures = sorted(folder.glob("*.png"))
    figures = {name: value for name, value in found.items() if isinstance(value, int | float)}
    tags = {"stage": "evaluate", "framework": framework, "dataset": params.dataset, "model": params.model_name}
    with tracking.stage_run(f"evaluate@{framework}", tags, params.tracking) as run:
        run.log_dataset(test.features, test.labels, params.dataset, "test")
        run.log_metrics(figures)
        run.log_artifacts(folder / "metrics.json", *pictures)
        trainings = {seed: tracking.Ref(found["run_id"], found.get("journal")) for seed, found in trained.items()}
        run.refer("train_run_id", trainings[first])
        tracking.add_to_run(run, trainings[first], figures, pictures, trained[first]["model_id"])
        for seed in further:
            tracking.add_to_run(run, trainings[seed], scores[seed], [], trained[seed]["model_id"])


def _trained(source: Path) -> dict[str, Any]:
    """What the training of one seed has left on record."""
    run = project.read_json(source / "run.json", needs=("run_id", "model_id"))
    return {**run, **project.read_json(source / "training.json")}


def _evaluate(
    framework: str, source: Path, trained: dict[str, Any], folder: Path, test: Part, params: Params
) -> dict[str, float]:
    """Writes the predictions, scores and pictures of the network of one seed; returns its scores."""
    schema = Schema.load(project.SPLIT)
    outputs = _predict(framework, source, test.features, params.evaluate.batch_size)
    logits = metrics.logits_of(outputs) if trained.get("head") else outputs
    predictions = _predictions(logits, test, schema)
    # Balanced weights of the classes are those of the training rows.
    trained_loss = params.train.loss.model_copy(update={"class_weights": trained.get("class_weights")})
    scores = _scores(predictions, metrics.loss(logits, test.labels, trained_loss))
    folder.mkdir(exist_ok=True)
    np.savez(folder / "predictions.npz", index=test.index, **predictions)
    project.write_json(folder / "metrics.json", scores)
    _plot(predictions, test, schema, folder)
    name = framework if folder.name == framework else f"{framework} {folder.name}"
    print(f"evaluate: {name} " + ", ".join(f"{key} {value:.4f}" for key, value in scores.items()))
    return scores


def _over_seeds(scores: dict[int, dict[str, float]], trained: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The scores of each seed, with the run of its training, and their spread."""
    each = [{"seed": seed, "run_id": trained[seed]["run_id"], **found} for seed, found in scores.items()]
    return {"seeds": each, **spread(list(scores.values()))}


def _predictions(logits: np.ndarray, test: Part, schema: Schema) -> dict[str, np.ndarray]:
    """`label` with `probability` (rows, classes), or with `prediction` (rows, outputs), both in the data's own unit."""
    if schema.labels:
        return {"label": test.labels, "probability": metrics.probabilities(logits)}
    scaler = output_scaler(project.read_json(project.SPLIT / "scaler.json"), schema.task)
    return {"label": unscale(test.labels, scaler), "prediction": unscale(logits, scaler)}


def _scores(predictions: dict[str, np.ndarray], test_loss: float) -> dict[str, float]:
    if "probability" in predictions:
        return score(predictions["probability"], predictions["label"], test_loss)
    return regression_score(predictions["prediction"], predictions["label"], test_loss)


def _plot(predictions: dict[str, np.ndarray], test: Part, schema: Schema, folder: Path) -> None:
    labels = predictions["label"]
    if schema.labels:
        probability = predictions["probability"]
        classes = probability.argmax(axis=1)
        prediction_charts.plot_confusion(labels, classes, schema.labels, folder / "confusion_matrix.png")
        prediction_charts.plot_roc(labels, probability, schema.labels, folder / "roc.png")
        return
    prediction = predictions["prediction"]
    prediction_charts.plot_predictions(labels, prediction, folder / "predicted_and_true.png")
    prediction_charts.plot_residuals(labels, prediction, folder / "errors.png")
    if schema.is_image and schema.task == "reconstruction":
        images = prediction.reshape(test.features.shape)
        prediction_charts.plot_reconstructions(test.features, images, folder / "reconstructions.png")


def _predict(framework: str, source: Path, features: np.ndarray, batch_size: int) -> np.ndarray:
    """What the saved network gives: logits, or what its head makes of them."""
    saving = framework_module(framework, "saving")
    predict = saving.load(source / saving.FILE_NAME)
    starts = range(0, len(features), batch_size)
    return np.concatenate([predict(features[start : start + batch_size]) for start in starts])


if __name__ == "__main__":
    run_framework_stage(evaluate)
