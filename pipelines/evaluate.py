"""Scores the saved network on the test rows.

python -m pipelines.evaluate FRAMEWORK    reads build/train/FRAMEWORK, writes build/evaluate/FRAMEWORK; run it as
                                          `dvc repro evaluate@FRAMEWORK`
"""

import numpy as np

from twintrain import project, tracking
from twintrain.commands import run_framework_stage
from twintrain.config import load_params
from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.evaluation import metrics, plots
from twintrain.evaluation.scores import score
from twintrain.frameworks import framework_module


def evaluate(framework: str) -> None:
    """Runs the stage for one framework."""
    params = load_params()
    schema = Schema.load(project.SPLIT)
    source = project.TRAIN / framework
    test = Part.load(project.SPLIT / "test.npz", params.train.dtype)
    trained = {**project.read_json(source / "run.json"), **project.read_json(source / "training.json")}
    outputs = _predict(framework, test.features, params.evaluate.batch_size)
    logits = metrics.logits_of(outputs) if trained.get("head") else outputs
    probability = metrics.probabilities(logits)
    found = score(probability, test.labels, metrics.loss(logits, test.labels, params.train.loss))
    folder = project.fresh_folder(project.EVALUATE / framework)
    np.savez(folder / "predictions.npz", index=test.index, label=test.labels, probability=probability)
    project.write_json(folder / "metrics.json", found)
    plots.plot_confusion(test.labels, probability.argmax(axis=1), schema.labels, folder / "confusion_matrix.png")
    plots.plot_roc(test.labels, probability, schema.labels, folder / "roc.png")
    print(f"evaluate: {framework} " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    tags = {"stage": "evaluate", "framework": framework, "dataset": params.dataset, "model": params.model_name}
    if trained["run_id"]:
        tags["train_run_id"] = trained["run_id"]
    pictures = sorted(folder.glob("*.png"))
    with tracking.stage_run(f"evaluate@{framework}", tags, params.tracking.experiment) as run:
        run.log_dataset(test.features, test.labels, params.dataset, "test")
        run.log_metrics(found)
        run.log_artifacts(folder / "metrics.json", *pictures)
        tracking.add_to_run(run, trained["run_id"], found, pictures, trained["model_id"])


def _predict(framework: str, features: np.ndarray, batch_size: int) -> np.ndarray:
    """What the saved network gives: logits, or what its head makes of them."""
    saving = framework_module(framework, "saving")
    predict = saving.load(project.TRAIN / framework / saving.FILE_NAME)
    starts = range(0, len(features), batch_size)
    return np.concatenate([predict(features[start : start + batch_size]) for start in starts])


if __name__ == "__main__":
    run_framework_stage(evaluate)
