"""Scores of rows that come in several runs, against plain formulas over all of them."""

import numpy as np
import pytest
from sklearn import metrics

from twintrain.evaluation import calibration, scores
from twintrain.evaluation.classification import confusion_matrix
from twintrain.evaluation.running import RUN_ROWS, Mean, runs

ROWS = 2017


@pytest.fixture
def short_runs(monkeypatch):
    monkeypatch.setattr("twintrain.evaluation.running.RUN_ROWS", 1000)


@pytest.fixture
def classes(short_runs):
    rng = np.random.default_rng(0)
    probability = rng.dirichlet([1, 2, 3], ROWS)
    labels = np.where(rng.random(ROWS) < 0.5, probability.argmax(axis=1), rng.integers(0, 3, ROWS))
    return probability, labels


def test_runs_are_all_rows_once():
    assert list(runs(np.zeros(RUN_ROWS + 1))) == [slice(0, RUN_ROWS), slice(RUN_ROWS, RUN_ROWS + 1)]
    assert list(runs(np.zeros(7))) == [slice(0, 7)]


def test_runs_of_wide_rows_are_shorter_and_of_whole_batches(monkeypatch):
    monkeypatch.setattr("twintrain.evaluation.running.RUN_NUMBERS", 28)
    narrow, wide = np.zeros(10), np.zeros((10, 2, 2))
    assert [run.stop for run in runs(narrow, wide)] == [7, 10]
    assert [run.stop for run in runs(narrow, wide, batch=3)] == [6, 10]
    assert [run.stop for run in runs(narrow, wide, batch=8)] == [8, 10]


def test_a_mean_of_one_array_is_that_of_numpy():
    for numbers in (np.random.default_rng(0).normal(size=(999, 3)), np.arange(7) % 2 == 0):
        found = Mean()
        found.add(numbers)
        assert found.value == numbers.mean()


def test_a_mean_of_parts_is_that_of_all():
    numbers, found = np.random.default_rng(0).normal(size=1000), Mean()
    for part in np.split(numbers, [1, 400]):
        found.add(part)
    assert found.value == pytest.approx(numbers.mean(), rel=1e-13)


def test_confusion_of_probabilities_is_that_of_their_classes(classes):
    probability, labels = classes
    expected = metrics.confusion_matrix(labels, probability.argmax(axis=1))
    np.testing.assert_array_equal(confusion_matrix(labels, probability, 3), expected)
    np.testing.assert_array_equal(confusion_matrix(labels, probability.argmax(axis=1), 3), expected)


def test_scores_of_classes_are_those_of_all_rows(classes):
    probability, labels = classes
    found = scores.score(probability, labels, 0.5)
    assert found["eval_acc"] == metrics.accuracy_score(labels, probability.argmax(axis=1))
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(labels, probability.argmax(axis=1), average="macro"))
    truth = np.eye(3)[labels]
    assert calibration.brier_score(probability, labels) == pytest.approx(np.square(probability - truth).sum(1).mean())


def test_calibration_is_that_of_all_rows(classes):
    probability, labels = classes
    curve = calibration.reliability(probability, labels)
    confidence = probability.max(axis=1)
    assert sum(found["rows"] for found in curve) == ROWS
    for found in curve:
        rows = (confidence > found["low"]) & (confidence <= found["high"])
        assert found["rows"] == rows.sum()
        assert found["confidence"] == pytest.approx(confidence[rows].mean())
        assert found["accuracy"] == pytest.approx((probability[rows].argmax(axis=1) == labels[rows]).mean())


@pytest.mark.usefixtures("short_runs")
def test_scores_of_numbers_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    labels = np.cumsum(rng.normal(size=(ROWS, 2)), axis=0)  # no run is as the others
    prediction = labels + rng.normal(size=labels.shape)
    found = scores.regression_score(prediction, labels, 0.5)
    assert found["rmse"] == pytest.approx(np.sqrt(metrics.mean_squared_error(labels, prediction)))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(labels, prediction))
    deviations = np.square(labels - labels.mean(axis=0)).sum()
    assert found["r2"] == pytest.approx(1 - np.square(prediction - labels).sum() / deviations)
