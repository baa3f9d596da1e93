"""Scores the saved network on the test rows.

python -m pipelines.evaluate FRAMEWORK    reads build/train/FRAMEWORK, writes build/evaluate/FRAMEWORK; run it as
                                          `dvc repro evaluate@FRAMEWORK`
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twintrain import tracking
from twintrain.command_line.commands import run_framework_stage
from twintrain.data.parts import Part
from twintrain.data.prepare.scaling import output_scaler, unscale
from twintrain.data.schema import Schema
from twintrain.evaluation import metrics
from twintrain.evaluation.running import Mean, runs
from twintrain.evaluation.scores import mask_score, regression_score, score
from twintrain.evaluation.stored_predictions import file_of, load_predictions, store_predictions
from twintrain.evaluation.targets import labels_of
from twintrain.frameworks import framework_module
from twintrain.frameworks.threads import inference_threads
from twintrain.report import prediction_charts
from twintrain.settings.params import Params, load_params
from twintrain.settings.sections.losses import Loss
from twintrain.settings.sections.precision import array_dtype
from twintrain.system import project
from twintrain.training.seeds import seed_folders, spread


def evaluate(framework: str) -> None:
    """Runs the stage for one framework: every seed's network predicts, and that of the first is reported on."""
    params = load_params()
    test = Part.load(project.SPLIT / "test", array_dtype(params.train.dtype))
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
    figures = _figures(found)
    tags = {"stage": "evaluate", "framework": framework, "dataset": params.dataset, "model": params.model_name}
    with tracking.stage_run(f"evaluate@{framework}", tags, params.tracking) as run:
        run.log_dataset(test.features, test.labels, params.dataset, "test")
        run.log_metrics(figures)
        run.log_artifacts(folder / "metrics.json", *pictures)
        trainings = {seed: tracking.Ref(found["run_id"], found.get("journal")) for seed, found in trained.items()}
        run.refer("train_run_id", trainings[first])
        tracking.add_to_run(run, trainings[first], figures, pictures, trained[first]["model_id"])
        for seed in further:
            tracking.add_to_run(run, trainings[seed], _figures(scores[seed]), [], trained[seed]["model_id"])


def _figures(found: dict[str, Any]) -> dict[str, float]:
    """Scores by one name each; those of further targets begin with the target's."""
    figures = {name: value for name, value in found.items() if isinstance(value, int | float)}
    of_targets = found.get("targets", {}).items()
    return figures | {f"{target}_{name}": value for target, scores in of_targets for name, value in scores.items()}


def _trained(source: Path) -> dict[str, Any]:
    """What the training of one seed has left on record."""
    run = project.read_json(source / "run.json", needs=("run_id", "model_id"))
    return {**run, **project.read_json(source / "training.json")}


def _evaluate(
    framework: str, source: Path, trained: dict[str, Any], folder: Path, test: Part, params: Params
) -> dict[str, Any]:
    """Writes the predictions, scores and pictures of the network of one seed; returns its scores.

    Those of further targets stand below `targets`, by name.
    """
    schema = Schema.load(project.SPLIT)
    # Balanced weights of the classes are those of the training rows.
    trained_loss = params.train.loss.model_copy(update={"class_weights": trained.get("class_weights")})
    folder.mkdir(exist_ok=True)
    batch_size = params.evaluate.batch_size
    cuts = list(runs(test.features, test.labels, batch=batch_size))
    logits = _logits(framework, source, test.features, cuts, batch_size, bool(trained.get("head")))
    if schema.targets:
        scores = _of_targets(cuts, list(logits), test, schema, trained_loss, folder)
    else:
        scores = _reported(cuts, logits, test, schema, trained_loss, folder)
    project.write_json(folder / "metrics.json", scores)
    name = framework if folder.name == framework else f"{framework} {folder.name}"
    print(f"evaluate: {name} " + ", ".join(f"{key} {value:.4f}" for key, value in _figures(scores).items()))
    return scores


def _of_targets(
    cuts: list[slice], logits: list[np.ndarray], test: Part, schema: Schema, trained_loss: Loss, folder: Path
) -> dict[str, Any]:
    """The same of each of several targets; returns the scores of the first, and with them those of the others."""
    scores = {}
    for name, place in schema.places_of_targets.items():
        asked = replace(test, labels=labels_of(name, test.labels, schema))
        own = (found[:, place] for found in logits)
        target = name if name in schema.further else None
        scores[name] = _reported(cuts, own, asked, schema.of_target(name), trained_loss, folder, target)
    first, *further = scores
    return {**scores[first], "targets": {name: scores[name] for name in further}}


def _reported(
    cuts: list[slice],
    logits: Iterable[np.ndarray],
    test: Part,
    schema: Schema,
    trained_loss: Loss,
    folder: Path,
    target: str | None = None,
) -> dict[str, float]:
    """Writes the predictions of one target and their pictures; returns their scores."""
    test_loss = _store(cuts, logits, test, schema, trained_loss, folder / file_of(target))
    predictions = load_predictions(folder, target)
    _plot(predictions, test, schema, folder, f"_{target}" if target else "")
    return _scores(predictions, test_loss)


def _over_seeds(scores: dict[int, dict[str, float]], trained: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The scores of each seed, with the run of its training, and their spread."""
    each = [{"seed": seed, "run_id": trained[seed]["run_id"], **found} for seed, found in scores.items()]
    return {"seeds": each, **spread([_figures(found) for found in scores.values()])}


def _store(
    cuts: list[slice], logits: Iterable[np.ndarray], test: Part, schema: Schema, trained_loss: Loss, path: Path
) -> float:
    """Writes the predictions, of classes and pixels probabilities, of numbers these in their unit; returns the loss."""
    loss = Mean()
    name, meant, kept = _meaning(schema)

    def predicted() -> Iterator[np.ndarray]:
        for run, found in zip(cuts, logits, strict=True):
            loss.add(metrics.row_losses(found, test.labels[run], trained_loss))
            yield meant(found)

    store_predictions(path, test.index, (kept(test.labels[run]) for run in cuts), name, predicted())
    return loss.value


Step = Callable[[np.ndarray], np.ndarray]


def _meaning(schema: Schema) -> tuple[str, Step, Step]:
    """What predictions are called, what makes them of logits, and what labels are compared with them."""
    if schema.labels:
        return "probability", metrics.probabilities, np.asarray
    if schema.task == "segmentation":
        return "mask", metrics.mask_probabilities, np.asarray
    in_own_unit = partial(unscale, scaler=output_scaler(project.read_json(project.SPLIT / "scaler.json"), schema.task))
    return "prediction", in_own_unit, in_own_unit


def _scores(predictions: dict[str, np.ndarray], test_loss: float) -> dict[str, float]:
    if "probability" in predictions:
        return score(predictions["probability"], predictions["label"], test_loss)
    if "mask" in predictions:
        return mask_score(predictions["mask"], predictions["label"], test_loss)
    return regression_score(predictions["prediction"], predictions["label"], test_loss)


def _plot(predictions: dict[str, np.ndarray], test: Part, schema: Schema, folder: Path, ending: str) -> None:
    labels = predictions["label"]
    if schema.labels:
        probability = predictions["probability"]
        prediction_charts.plot_confusion(labels, probability, schema.labels, folder / f"confusion_matrix{ending}.png")
        prediction_charts.plot_roc(labels, probability, schema.labels, folder / f"roc{ending}.png")
        return
    if schema.task == "segmentation":
        shape = test.features.shape[:3]
        masks = labels.reshape(shape), predictions["mask"].reshape(shape)
        prediction_charts.plot_pictures([test.features, *masks], folder / "masks.png")
        return
    prediction = predictions["prediction"]
    prediction_charts.plot_predictions(labels, prediction, folder / "predicted_and_true.png")
    prediction_charts.plot_residuals(labels, prediction, folder / "errors.png")
    if schema.is_image and schema.task == "reconstruction":
        images = prediction.reshape(test.features.shape)
        prediction_charts.plot_pictures([test.features, images], folder / "reconstructions.png")


def _logits(
    framework: str, source: Path, features: np.ndarray, cuts: list[slice], batch_size: int, has_head: bool
) -> Iterator[np.ndarray]:
    """Logits of the saved network, by runs of rows.

    Args:
        has_head: whether it gives what a softmax makes of them.
    """
    saving = framework_module(framework, "saving")
    predict = saving.load(source / saving.FILE_NAME)
    for run in cuts:
        rows = features[run]
        outputs = np.concatenate([predict(rows[at : at + batch_size]) for at in range(0, len(rows), batch_size)])
        yield metrics.logits_of(outputs) if has_head else outputs


if __name__ == "__main__":
    run_framework_stage(evaluate)
