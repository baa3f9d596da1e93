"""Puts the frameworks side by side: scores, the statistics of the difference, a winner, a report.

python -m pipelines.compare    reads build/train, build/evaluate, build/baseline, build/ingested,
                              build/cost.json and results/parity.json, writes results
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.chunks import blocks
from twintrain.data.dataset import Dataset
from twintrain.data.prepare.tokens import texts_counted
from twintrain.data.raw_rows import raw_rows, row_values
from twintrain.evaluation import calibration, cost, decision, details, disagreements, slices
from twintrain.evaluation.comparison import (
    compare_networks,
    compare_with_baseline,
    mixture,
    rows_digest,
)
from twintrain.evaluation.mean_comparison import Predictions
from twintrain.evaluation.measures import measure_of
from twintrain.evaluation.paired_accuracy import effective_counts
from twintrain.evaluation.running import evenly
from twintrain.evaluation.sampling import Sampling
from twintrain.evaluation.seed_comparison import compare_seeds
from twintrain.evaluation.stored_predictions import load_predictions
from twintrain.evaluation.stored_sampling import stored_sampling
from twintrain.report import curves, statements, verdict_note
from twintrain.report.page import Material, html_page
from twintrain.report.samples import rows_to_draw, samples_of
from twintrain.report.scoreboard import scoreboard
from twintrain.report.ui_links import ui_address
from twintrain.settings.frameworks import TITLES
from twintrain.settings.params import Params, load_params
from twintrain.system import project
from twintrain.system.stored import read_csv, read_model
from twintrain.training.seeds import seed_folders
from twintrain.verification.seal import seal

OUTPUTS = ("metrics.json", "details.json", "report.html", "summary.md", "loss_curves.png", "metric_curves.png")


def compare() -> None:
    """Runs the stage."""
    params = load_params()
    predictions = {name: load_predictions(project.EVALUATE / name) for name in params.frameworks}
    metrics = _metrics(params, predictions)
    shown = _details(params, predictions)
    histories = {name: _histories(project.TRAIN / name, metrics[name].get("seeds", [])) for name in predictions}
    folder = project.RESULTS  # not emptied: what the stage verify has written there stays
    folder.mkdir(exist_ok=True)
    project.write_json(project.METRICS, metrics)
    project.write_json(project.SCORES, scoreboard(metrics))
    project.write_json(folder / "details.json", shown)
    summary = verdict_note.summary(metrics, ui_address())
    project.write_text(folder / "summary.md", summary)
    project.write_text(project.REPORT, html_page(metrics, _material(metrics, shown, histories, predictions)))
    project.CHAMPION_PAGE.unlink(missing_ok=True)  # it is of the report that was here before
    tags = {"stage": "compare", "dataset": params.dataset, "model": params.model_name, "mode": params.mode}
    tags |= {"split": params.split.method, "winner": metrics["comparison"]["winner"]}
    with tracking.stage_run("compare", tags, params.tracking) as run:
        run.log_metrics(
            {name: value for name, value in metrics["comparison"].items() if isinstance(value, float | int)}
        )
        for name in predictions:
            training = metrics[name]
            tracking.add_to_run(run, tracking.Ref.of(training), cost.figures(training), [], training["model_id"])
        run.set_note(summary)
        run.log_artifacts(*sorted(folder / name for name in OUTPUTS))
    print(f"compare: {statements.conclusion(metrics)} Report: {project.REPORT}")


def _metrics(params: Params, predictions: dict[str, Predictions]) -> dict[str, Any]:
    entries = {name: _entry(name, found) for name, found in predictions.items()}
    ran_on = {name: f"{entry['device']}, {entry['dtype']}" for name, entry in entries.items()}
    mixed = mixture(ran_on, params.compare.allow_mixed)
    comparison, further = _comparisons(params, predictions, entries)
    return {
        "dataset": params.dataset,
        "model": params.model_name,
        "mode": params.mode,
        "split": params.split.method,
        **entries,
        "mixed": mixed,
        "verification": seal(project.read_json(project.PARITY, needs=("passed",))),
        "duplicates": project.read_json(project.DUPLICATES),
        "comparison": comparison,
        "further_comparisons": further,
        "baseline": _baseline(params, predictions),
    }


def _entry(framework: str, predictions: Predictions) -> dict[str, Any]:
    """The figures of one framework."""
    sources = {
        project.EVALUATE / framework / "metrics.json": (),
        project.TRAIN / framework / "training.json": ("device", "dtype"),
        project.TRAIN / framework / "run.json": ("run_id", "model_id"),
    }
    found = {k: value for path, needs in sources.items() for k, value in project.read_json(path, needs=needs).items()}
    found |= project.read_json(project.COST, needs=(framework,))[framework]
    if "targets" in found:
        found["targets"] = {
            target: scores | _calibration_scores(load_predictions(project.EVALUATE / framework, target))
            for target, scores in found["targets"].items()
        }
    return found | _calibration_scores(predictions)


def _calibration_scores(predictions: Predictions) -> dict[str, float]:
    if "probability" not in predictions:
        return {}
    probability, labels = predictions["probability"], predictions["label"]
    return {
        "ece": calibration.expected_calibration_error(calibration.reliability(probability, labels)),
        "brier": calibration.brier_score(probability, labels),
    }


def _comparisons(
    params: Params, predictions: dict[str, Predictions], entries: dict[str, dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The first framework less the second, and less each other one; the first comparison has the winner of all."""
    first, *others = params.frameworks
    index = predictions[first]["index"]
    labels = row_values(project.INGESTED, "labels", index)
    shared = {"margin": params.compare.margin, "test_digest": rows_digest(index, labels)}
    if not others:
        winner, reason = decision.alone(first)
        return {**shared, "winner": winner, "reason": reason}, {}
    found = {name: _compared(first, name, params, predictions, entries) for name in others}
    last = found[others[0]]
    for name in others[1:]:  # who won meets the next one
        champion = last["winner"]
        last = found[name] if champion == first else _compared(champion, name, params, predictions, entries)
    decided = {"winner": last["winner"], "reason": last["reason"]}
    return {**found.pop(others[0]), **shared, **decided}, found


def _compared(
    first: str,
    second: str,
    params: Params,
    predictions: dict[str, Predictions],
    entries: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """One framework less another one, and which of the two wins."""
    margin = params.compare.margin
    sampling = _sampling(params, predictions[first]["index"])
    found = compare_networks(predictions[first], predictions[second], margin, sampling)
    trainings = [entries[name].get("seeds", []) for name in (first, second)]
    score = measure_of(found).score
    # Rows that both get right: what these would tell of seeds that agree on all.
    right = np.ones(len(predictions[first]["label"]), bool)
    rows = effective_counts(right, right, sampling).rows if score == "eval_acc" and sampling.is_sample else None
    if seeds := compare_seeds(*trainings, score, margin, rows):
        found["seeds"] = seeds
    if targets := entries[first].get("targets"):
        found["targets"] = {name: _of_target(name, first, second, margin, sampling) for name in targets}
    winner, reason = decision.decide(found, {name: entries[name] for name in (first, second)})
    return {**found, "winner": winner, "reason": reason}


def _of_target(target: str, first: str, second: str, margin: float, sampling: Sampling) -> dict[str, Any]:
    """The same of a further target, which decides nothing."""
    pair = (load_predictions(project.EVALUATE / name, target) for name in (first, second))
    return compare_networks(*pair, margin, sampling)


def _baseline(params: Params, predictions: dict[str, Predictions]) -> dict[str, Any]:
    baseline = load_predictions(project.BASELINE)
    return {
        **project.read_json(project.BASELINE / "metrics.json", needs=("name", "others")),
        **_calibration_scores(baseline),
        "comparisons": {
            name: compare_with_baseline(found, baseline, _sampling(params, found["index"]))
            for name, found in predictions.items()
        },
    }


def _sampling(params: Params, index: np.ndarray) -> Sampling:
    """What chance there is in the choice of the test rows."""
    return stored_sampling(index, is_sample=params.split.method != "same")


def _details(params: Params, predictions: dict[str, Predictions]) -> dict[str, Any]:
    """Of each framework its classes and calibration, of the first two their slices and disagreements."""
    dataset = read_model(project.INGESTED / "dataset.json", Dataset)
    # A network that gives back its input has no classes, whatever the data set has.
    names = dataset.labels if params.preprocess.target == "labels" else []
    found = {name: {} for name in predictions}
    if names:
        for name, stored in predictions.items():
            curve = calibration.reliability(stored["probability"], stored["label"])
            found[name] = details.of_framework(stored, names, curve)
    if len(predictions) == 1:
        return {**found, "slices": [], "disagreements": []}
    first, second = (predictions[name] for name in params.frameworks[:2])
    # Of many rows, a sample tells of slices as much as can be read.
    index, sliced = first["index"], evenly(len(first["index"]))
    groupings = _groupings(index[sliced], dataset)
    pair = details.of_pair(first, second, names, groupings, dataset.target, _sampling(params, index), sliced)
    rows = [row["row"] for row in pair["disagreements"]]
    table = raw_rows(project.INGESTED, np.array(rows))[list(dataset.features)] if dataset.features and rows else None
    for row in pair["disagreements"]:
        row["columns"] = None if table is None else disagreements.texts(table.loc[row["row"]])
    return {**found, **pair}


def _groupings(index: np.ndarray, dataset: Dataset) -> list[slices.Grouping]:
    """What rows can be sliced by: the columns of a table, or what an array is like."""
    if dataset.features:
        table = raw_rows(project.INGESTED, index)[list(dataset.features)]
        return slices.by_columns(texts_counted(table, dataset.features))
    one = raw_rows(project.INGESTED, index[:1])
    levels = pd.concat(
        [slices.levels(raw_rows(project.INGESTED, run)) for run in blocks(index, one)], ignore_index=True
    )
    return slices.by_columns(levels)


def _material(
    metrics: dict[str, Any],
    shown: dict[str, Any],
    histories: dict[str, list[pd.DataFrame]],
    predictions: dict[str, Predictions],
) -> Material:
    """What the page shows beside the metrics; draws the curves as pictures too, for MLflow."""
    frameworks = statements.frameworks_of(metrics)
    first = {TITLES[name]: found[0] for name, found in histories.items()}
    for kind, metric in (("loss", "loss"), ("metric", curves.watched(next(iter(first.values()))))):
        curves.plot_curves(first, metric, project.RESULTS / f"{kind}_curves.png")
    drawn = rows_to_draw(shown)
    samples = samples_of(raw_rows(project.INGESTED, drawn), _masks(predictions, drawn)) if len(drawn) else []
    return Material(
        details=shown,
        histories=histories,
        samples=dict(zip(drawn.tolist(), samples, strict=True)),
        pictures=_pictures(frameworks),
        ui=ui_address(),
    )


def _masks(predictions: dict[str, Predictions], drawn: np.ndarray) -> dict[str, np.ndarray]:
    """The true masks of rows by their numbers, and those that the first two networks give; none of other tasks."""
    found = {name: stored for name, stored in predictions.items() if "mask" in stored}
    if not found:
        return {}
    stored = next(iter(found.values()))
    order = np.argsort(stored["index"])
    places = order[np.searchsorted(stored["index"], drawn, sorter=order)]
    made = {TITLES[name]: each["mask"][places] for name, each in list(found.items())[:2]}
    return {"truth": stored["label"][places], **made}


def _histories(folder: Path, seeds: list[dict[str, Any]]) -> list[pd.DataFrame]:
    """The history of each seed, that of the evaluated network first."""
    folders = seed_folders(folder, [run["seed"] for run in seeds]).values() if seeds else [folder]
    return [read_csv(path / "history.csv", "epoch", "train_loss", "val_loss") for path in folders]


def _pictures(frameworks: list[str]) -> dict[str, Path]:
    """What evaluate has drawn and the page does not draw itself, by captions, those of a kind side by side."""
    names = sorted({path.name for name in frameworks for path in (project.EVALUATE / name).glob("*.png")})
    return {
        f"{TITLES[name]}: {drawn.removesuffix('.png').replace('_', ' ')}": project.EVALUATE / name / drawn
        for drawn in names
        for name in frameworks
        if not drawn.startswith("confusion_matrix")
    }


if __name__ == "__main__":
    run_stage(compare)
