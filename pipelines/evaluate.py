"""Scores the saved network on the test rows.

python -m pipelines.evaluate FRAMEWORK    reads build/train/FRAMEWORK, writes build/evaluate/FRAMEWORK; run it as
                                          `dvc repro evaluate@FRAMEWORK`
"""

from pathlib import Path

import numpy as np

from twintrain import project, tracking
from twintrain.commands import run_framework_stage
from twintrain.config import load_params
from twintrain.data.parts import Part
from twintrain.data.scaling import output_scaler, unscale
from twintrain.data.schema import Schema
from twintrain.evaluation import metrics, plots
from twintrain.evaluation.scores import regression_score, score
from twintrain.frameworks import framework_module


def evaluate(framework: str) -> None:
    """Runs the stage for one framework."""
    params = load_params()
    schema = Schema.load(project.SPLIT)
    source = project.TRAIN / framework
    test = Part.load(project.SPLIT / "test", params.train.dtype)
    trained = {**project.read_json(source / "run.json"), **project.read_json(source / "training.json")}
    outputs = _predict(framework, test.features, params.evaluate.batch_size)
    logits = metrics.logits_of(outputs) if trained.get("head") else outputs
    predictions = _predictions(logits, test, schema)
    # Balanced weights of the classes are those of the training rows.
    trained_loss = params.train.loss.model_copy(update={"class_weights": trained.get("class_weights")})
    scores = _scores(predictions, metrics.loss(logits, test.labels, trained_loss))
    folder = project.fresh_folder(project.EVALUATE / framework)
    np.savez(folder / "predictions.npz", index=test.index, **predictions)
    project.write_json(folder / "metrics.json", scores)
    _plot(predictions, test, schema, folder)
    print(f"evaluate: {framework} " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
    tags = {"stage": "evaluate", "framework": framework, "dataset": params.dataset, "model": params.model_name}
    if trained["run_id"]:
        tags["train_run_id"] = trained["run_id"]
    pictures = sorted(folder.glob("*.png"))
    with tracking.stage_run(f"evaluate@{framework}", tags, params.tracking.experiment) as run:
        run.log_dataset(test.features, test.labels, params.dataset, "test")
        run.log_metrics(scores)
        run.log_artifacts(folder / "metrics.json", *pictures)
        tracking.add_to_run(run, trained["run_id"], scores, pictures, trained["model_id"])


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
        plots.plot_confusion(labels, probability.argmax(axis=1), schema.labels, folder / "confusion_matrix.png")
        plots.plot_roc(labels, probability, schema.labels, folder / "roc.png")
        return
    prediction = predictions["prediction"]
    plots.plot_predictions(labels, prediction, folder / "predicted_and_true.png")
    plots.plot_residuals(labels, prediction, folder / "errors.png")
    if schema.is_image and schema.task == "reconstruction":
        images = prediction.reshape(test.features.shape)
        plots.plot_reconstructions(test.features, images, folder / "reconstructions.png")


def _predict(framework: str, features: np.ndarray, batch_size: int) -> np.ndarray:
    """What the saved network gives: logits, or what its head makes of them."""
    saving = framework_module(framework, "saving")
    predict = saving.load(project.TRAIN / framework / saving.FILE_NAME)
    starts = range(0, len(features), batch_size)
    return np.concatenate([predict(features[start : start + batch_size]) for start in starts])


if __name__ == "__main__":
    run_framework_stage(evaluate)
