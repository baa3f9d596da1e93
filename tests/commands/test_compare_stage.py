"""The stage compare on made-up predictions: what its two files hold, for each kind of task."""

import json
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from compared_project import write_project
from report_cases import measured_costs

from pipelines.compare import compare
from twintrain import tracking
from twintrain.evaluation import intervals
from twintrain.evaluation.comparison import rows_digest
from twintrain.evaluation.decision import CHEAPER
from twintrain.evaluation.overlap import intersection_over_union
from twintrain.report import statements
from twintrain.report.samples import png
from twintrain.report.scoreboard import scoreboard
from twintrain.system import project as places

ROWS = 300


class Recorder:
    """Takes what is logged."""

    def __init__(self):
        self.metrics, self.artifacts, self.tags, self.note = {}, [], {}, ""

    def log_metrics(self, metrics):
        self.metrics |= metrics

    def set_note(self, markdown):
        self.note = markdown

    def log_artifacts(self, *paths):
        self.artifacts += [path.name for path in paths]


@pytest.fixture
def run_compare(project, monkeypatch):
    """Runs the stage; returns metrics.json, details.json and what was logged."""
    recorder = Recorder()

    @contextmanager
    def stage_run(name, tags, settings):
        recorder.tags = tags
        yield recorder

    monkeypatch.setattr(tracking, "stage_run", stage_run)
    monkeypatch.setattr(intervals, "SAMPLES", 200)

    def run(*arguments, **options):
        write_project(*arguments, **options)
        compare()
        written = (json.loads((places.RESULTS / f"{name}.json").read_text("utf-8")) for name in ("metrics", "details"))
        return *written, recorder

    return run


INDEX = np.random.default_rng(9).permutation(2 * ROWS)[:ROWS]
COLUMNS = ["buying", "maint", "doors", "persons", "lug_boot", "safety"]


def car(*sharpness):
    """Predictions of networks for cars, a baseline without probabilities, all rows, and their labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=2 * ROWS)
    names = ("torch", "keras", "keras-jax")
    found = {}
    for name, sharp in zip(names, sharpness, strict=False):
        probability = rng.dirichlet(np.ones(4), ROWS) + sharp * np.eye(4)[labels[INDEX]]
        found[name] = {"probability": probability / probability.sum(axis=1, keepdims=True)}
    found["baseline"] = {"class": rng.integers(4, size=ROWS)}
    for stored in found.values():
        stored |= {"index": INDEX, "label": labels[INDEX]}
    table = pd.DataFrame({name: rng.choice(["low", "high"], 2 * ROWS) for name in [*COLUMNS, "class"]})
    return found, table, labels


def test_classes_of_a_table(run_compare):
    predictions, table, labels = car(0.2, 2.0)
    metrics, details, logged = run_compare("car", predictions, table, labels)
    comparison = metrics["comparison"]
    assert (comparison["winner"], logged.tags["winner"]) == ("keras", "keras")
    assert comparison["reason"].startswith("Keras is better: ")
    assert comparison["test_digest"] == rows_digest(INDEX, labels[INDEX])
    assert comparison["accuracy_difference"] == logged.metrics["accuracy_difference"] < 0
    assert metrics["keras"]["brier"] < metrics["torch"]["brier"]
    assert 0 < metrics["torch"]["ece"] < 1
    assert "ece" not in metrics["baseline"]
    assert {"details.json", "report.html", "summary.md"} <= set(logged.artifacts)
    assert json.loads(places.SCORES.read_text("utf-8")) == scoreboard(metrics)
    assert logged.note == (places.RESULTS / "summary.md").read_text("utf-8")
    assert "**Winner: Keras. Keras is better: " in logged.note
    for name in ("torch", "keras"):
        confusion = np.array(details[name]["confusion"])
        rows = np.bincount(labels[INDEX], minlength=4)
        assert confusion.sum(axis=1).tolist() == rows.tolist() == [found["rows"] for found in details[name]["classes"]]
        assert [found["label"] for found in details[name]["classes"]] == ["unacc", "acc", "good", "vgood"]
        accuracy = np.trace(confusion) / ROWS
        recall = np.array([found["recall"] for found in details[name]["classes"]])
        assert (recall * rows).sum() / ROWS == pytest.approx(accuracy)
        assert sum(found["rows"] for found in details[name]["calibration"]) == ROWS
    by = {(found["by"], found["value"]) for found in details["slices"]}
    assert by == {
        *(("label", name) for name in ("unacc", "acc", "good", "vgood")),
        *((name, value) for name in COLUMNS for value in ("low", "high")),
    }


def test_slices_and_rows_are_those_of_the_test_rows(run_compare):
    predictions, table, labels = car(0.2, 2.0)
    _, details, _ = run_compare("car", predictions, table, labels)
    right = {name: predictions[name]["probability"].argmax(axis=1) == labels[INDEX] for name in ("torch", "keras")}
    found = next(row for row in details["slices"] if (row["by"], row["value"]) == ("safety", "low"))
    inside = (table["safety"] == "low").to_numpy()[INDEX]
    assert (found["rows"], found["first"]) == (inside.sum(), pytest.approx(right["torch"][inside].mean()))
    assert found["second"] == pytest.approx(right["keras"][inside].mean())
    assert len(details["disagreements"]) == 24
    for row in details["disagreements"]:
        place = int(np.flatnonzero(row["row"] == INDEX)[0])
        assert row["columns"] == table.loc[row["row"], COLUMNS].to_dict()
        assert row["first"] != row["second"]
        assert row["first_probability"] == predictions["torch"]["probability"][place].max()


def test_tie_goes_to_the_cheaper_one(run_compare):
    predictions, table, labels = car(1.0)
    predictions["keras"] = predictions["torch"]
    costs = measured_costs(torch=1.0, keras=CHEAPER)
    metrics, details, _ = run_compare("car", predictions, table, labels, costs=costs)
    assert metrics["comparison"]["winner"] == "keras"
    assert metrics["keras"].items() >= costs["keras"].items()
    assert metrics["comparison"]["equivalent_within"] < 0.01
    assert metrics["comparison"]["kappa"] == 1.0
    assert details["disagreements"] == []


def test_what_was_measured_beside_other_work_decides_nothing_and_the_table_says_so(run_compare):
    predictions, table, labels = car(1.0)
    predictions["keras"] = predictions["torch"]
    costs = measured_costs(torch=64.2, keras=1.0, load=1.9)
    metrics, _, recorder = run_compare("car", predictions, table, labels, costs=costs)
    assert metrics["comparison"]["winner"] == "torch"
    why = "cost decides nothing, since other work kept 1.9 of 2 CPUs busy meanwhile, so the first one is taken, PyTorch"
    assert metrics["comparison"]["reason"].endswith(f"; {why}.")
    assert "make run measures them anew" in statements.note(metrics)
    assert "make run measures them anew" in recorder.note
    assert "make run" not in statements.note({**metrics, "torch": measured_costs(torch=1.0, keras=1.0)["torch"]})


def test_times_of_predictions_are_logged_to_the_training_without_what_the_machine_did(run_compare, monkeypatch):
    added = {}
    monkeypatch.setattr(tracking, "add_to_run", lambda run, ref, figures, paths, model: added.update({ref: figures}))
    predictions, table, labels = car(0.5, 0.5)
    run_compare("car", predictions, table, labels, costs=measured_costs(torch=1.0, keras=0.5))
    assert list(added.values()) == [{"latency_1_ms": 0.5, "inference_threads": 2}]


def test_a_margin_of_ones_own_decides_what_counts_as_equal(run_compare):
    predictions, table, labels = car(0.6, 0.8)
    wide, _, _ = run_compare("car", predictions, table, labels, compare={"margin": 0.5})
    assert (wide["comparison"]["margin"], wide["comparison"]["equivalent"]) == (0.5, True)
    assert wide["comparison"]["reason"].startswith("A tie, equivalent within 50.0 points")


def test_best_of_three_wins(run_compare):
    predictions, table, labels = car(0.1, 0.3, 2.0)
    metrics, _, _ = run_compare("car", predictions, table, labels)
    assert metrics["comparison"]["winner"] == "keras-jax"
    assert metrics["comparison"]["reason"].startswith("Keras on JAX is better: ")
    assert " more accurate than Keras, " in metrics["comparison"]["reason"]
    assert metrics["further_comparisons"]["keras-jax"]["winner"] == "keras-jax"
    assert " more accurate than PyTorch, " in metrics["further_comparisons"]["keras-jax"]["reason"]


def test_copies_of_training_rows_are_told_beside_the_scores(run_compare):
    found = {"test_rows": ROWS, "same": 3, "other_target": 0}
    metrics, _, recorder = run_compare("car", *car(0.2, 2.0), duplicates=found)
    assert metrics["duplicates"] == found
    assert f"3 of {ROWS} test rows" in statements.note(metrics)
    assert f"3 of {ROWS} test rows" in recorder.note
    assert "test rows" not in statements.note({**metrics, "duplicates": {}})


def test_one_framework_alone_has_details_and_wins(run_compare):
    predictions, table, labels = car(0.5)
    metrics, details, _ = run_compare("car", predictions, table, labels)
    assert metrics["comparison"] == {
        "margin": 0.01,
        "winner": "torch",
        "reason": "PyTorch was trained alone.",
        "test_digest": rows_digest(INDEX, labels[INDEX]),
    }
    assert len(details["torch"]["classes"]) == 4
    assert (details["slices"], details["disagreements"]) == ([], [])


def test_rows_that_were_trained_on_are_no_sample(run_compare):
    predictions, table, labels = car(0.2, 2.0)
    metrics, details, _ = run_compare("car", predictions, table, labels, split={"method": "same"})
    assert metrics["comparison"].keys().isdisjoint({"accuracy_ci95", "mcnemar_p", "auc_ci95", "equivalence_p"})
    assert metrics["comparison"]["reason"].endswith("on all the rows that there are.")
    assert {row["p"] for row in details["slices"]} == {None}


def test_seeds_stand_beside_the_difference(run_compare):
    predictions, table, labels = car(0.2, 2.0)
    trainings = {
        name: {"seeds": [{"seed": seed, "run_id": "r", "eval_acc": value + seed / 100} for seed in (0, 1, 2)]}
        for name, value in (("torch", 0.5), ("keras", 0.5))
    }
    trainings["keras"]["seeds"][0]["eval_acc"] = 0.45
    metrics, _, logged = run_compare("car", predictions, table, labels, entries=trainings)
    seeds = metrics["comparison"]["seeds"]
    assert (seeds["count"], seeds["mean_difference"]) == (3, pytest.approx(0.05 / 3))
    assert metrics["comparison"]["reason"].startswith("A tie, a difference of no more than the seeds explain")
    assert "seeds" not in logged.metrics


def test_images_are_sliced_by_what_they_look_like(run_compare):
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=ROWS)
    images = rng.integers(0, 256, (ROWS, 28, 28, 1)).astype(np.uint8)
    stored = [
        {"index": np.arange(ROWS), "label": labels, "probability": rng.dirichlet(np.ones(10), ROWS)} for _ in range(3)
    ]
    metrics, details, _ = run_compare(
        "mnist5k", dict(zip(("torch", "keras", "baseline"), stored, strict=True)), images, labels
    )
    assert {row["by"] for row in details["slices"]} == {"label", "brightness", "contrast"}
    assert [row["rows"] for row in details["slices"] if row["by"] == "contrast"] == [75] * 4
    assert details["disagreements"][0]["columns"] is None
    assert metrics["baseline"]["brier"] > 0


PATIENTS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def patients():
    rng = np.random.default_rng(0)
    labels = rng.normal(150, 50, (2 * ROWS, 1)).astype(np.float32)
    table = pd.DataFrame(rng.normal(size=(2 * ROWS, 10)), columns=PATIENTS).assign(progression=labels[:, 0])
    table.loc[:300, "bmi"] = np.nan
    found = {
        name: {"index": INDEX, "label": labels[INDEX], "prediction": labels[INDEX] + rng.normal(0, scale, (ROWS, 1))}
        for name, scale in (("torch", 30), ("keras", 45), ("baseline", 60))
    }
    return found, table, labels


def test_numbers_of_a_table(run_compare):
    predictions, table, labels = patients()
    metrics, details, _ = run_compare("diabetes_progression", predictions, table, labels)
    comparison = metrics["comparison"]
    assert (comparison["winner"], comparison["equivalent"]) == ("torch", False)
    assert comparison["reason"].startswith("PyTorch is better: it errs by ")
    assert comparison.keys() >= {"mae_ci95", "equivalent_within", "equivalence_p", "test_digest", "margin"}
    assert (details["torch"], details["keras"]) == ({}, {})
    assert {row["by"] for row in details["slices"]} == {"progression", *PATIENTS}
    assert "missing" in {row["value"] for row in details["slices"] if row["by"] == "bmi"}
    gaps = [abs(row["first"] - row["second"]) for row in details["disagreements"]]
    assert gaps == sorted(gaps, reverse=True)
    largest = details["disagreements"][0]
    assert largest["label"] == pytest.approx(float(labels[largest["row"], 0]))
    assert largest["columns"].keys() == set(PATIENTS)


def test_rounding_is_neither_listed_nor_significant(run_compare):
    predictions, table, labels = patients()
    predictions["keras"] = {**predictions["torch"], "prediction": predictions["torch"]["prediction"] + 1e-5}
    metrics, details, _ = run_compare("diabetes_progression", predictions, table, labels)
    assert metrics["comparison"]["reason"].startswith("A tie, equivalent within 1.0 % of the error")
    assert {(row["difference"], row["p"]) for row in details["slices"]} == {(0.0, 1.0)}
    assert details["disagreements"] == []


def test_the_digest_is_of_the_labels_as_they_were_ingested(run_compare):
    predictions, table, labels = patients()
    first, _, _ = run_compare("diabetes_progression", predictions, table, labels)
    for stored in predictions.values():
        stored["label"] = stored["label"].astype(np.float64) + 1e-9
    second, _, _ = run_compare("diabetes_progression", predictions, table, labels)
    assert first["comparison"]["test_digest"] == second["comparison"]["test_digest"]


def test_a_reconstruction_has_one_error_a_row(run_compare):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (ROWS, 28, 28, 1)).astype(np.uint8)
    inputs = images.reshape(ROWS, -1) / 255
    predictions = {
        name: {"index": np.arange(ROWS), "label": inputs, "prediction": inputs + rng.normal(0, scale, inputs.shape)}
        for name, scale in (("torch", 0.1), ("keras", 0.12), ("baseline", 0.3))
    }
    metrics, details, _ = run_compare(
        "mnist5k", predictions, images, rng.integers(10, size=ROWS), preprocess={"target": "input"}
    )
    assert metrics["comparison"]["winner"] == "torch"
    assert {row["by"] for row in details["slices"]} == {"brightness", "contrast"}
    errors = [np.abs(predictions[name]["prediction"] - inputs).mean(axis=1) for name in ("torch", "keras")]
    largest = details["disagreements"][0]
    assert largest["label"] is None
    assert (largest["first"], largest["second"]) == tuple(float(found[largest["row"]]) for found in errors)
    assert details["torch"] == {}


def test_masks_are_compared_by_their_overlap(run_compare):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * ROWS, 28, 28, 1)).astype(np.uint8)
    masks = images.reshape(len(images), -1) > 150
    truth = masks[INDEX]
    predictions = {
        name: {"index": INDEX, "label": truth, "mask": np.where(rng.random(truth.shape) < wrong, ~truth, truth) * 0.9}
        for name, wrong in (("torch", 0.1), ("keras", 0.11), ("baseline", 0.3))
    }
    entries = {name: {"iou": 0.7, "dice": 0.8} for name in ("torch", "keras")}
    metrics, details, _ = run_compare("noisy_digits", predictions, images, masks, entries)
    assert metrics["comparison"]["winner"] == "torch"
    assert metrics["comparison"]["reason"].startswith("PyTorch is better: its masks have 0.0")
    assert metrics["comparison"]["iou_difference"] > metrics["comparison"]["iou_ci95"][0] > 0
    assert metrics["baseline"]["comparisons"]["keras"]["iou_difference"] > 0
    assert {row["by"] for row in details["slices"]} == {"brightness", "contrast"}
    largest = details["disagreements"][0]
    place = INDEX.tolist().index(largest["row"])
    overlaps = [
        intersection_over_union(predictions[name]["mask"][place : place + 1] > 0.5, truth[place : place + 1])
        for name in ("torch", "keras")
    ]
    assert (largest["first"], largest["second"]) == tuple(float(found[0]) for found in overlaps)
    page = places.REPORT.read_text("utf-8")
    for name, mask in (("truth", truth[place]), ("Keras", predictions["keras"]["mask"][place])):
        picture = f'{png(mask.reshape(28, 28, 1))}" alt="mask of test row {largest["row"]}: {name}"'
        assert picture in page
    assert f"row {largest['row']}, IoU</span>" in page
    assert scoreboard(metrics)["difference"] == metrics["comparison"]["iou_difference"]
