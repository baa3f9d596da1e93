import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from twintrain.evaluation.calibration import brier_score, expected_calibration_error, reliability


def probabilities(rows, classes):
    rng = np.random.default_rng(classes)
    return rng.dirichlet(np.full(classes, 0.5), rows), rng.integers(classes, size=rows)


def test_curve_by_hand():
    # Bins of a quarter: 0.5 belongs to the one that it ends.
    probability = np.array([[0.5, 0.5], [0.4, 0.6], [0.3, 0.7], [1.0, 0.0]])
    assert reliability(probability, np.array([0, 1, 0, 0]), bins=4) == [
        {"low": 0.25, "high": 0.5, "rows": 1, "confidence": 0.5, "accuracy": 1.0},
        {"low": 0.5, "high": 0.75, "rows": 2, "confidence": pytest.approx(0.65), "accuracy": 0.5},
        {"low": 0.75, "high": 1.0, "rows": 1, "confidence": 1.0, "accuracy": 1.0},
    ]


def test_calibration_error_by_hand():
    curve = [
        {"rows": 30, "confidence": 0.6, "accuracy": 0.5},
        {"rows": 10, "confidence": 0.9, "accuracy": 1.0},
    ]
    assert expected_calibration_error(curve) == pytest.approx((30 * 0.1 + 10 * 0.1) / 40)


def test_curve_of_two_classes_is_that_of_scikit_learn():
    probability, labels = probabilities(500, 2)
    found = reliability(probability, labels)
    confidence = probability.max(axis=1)
    accuracies, confidences = calibration_curve(probability.argmax(axis=1) == labels, confidence, n_bins=15)
    assert [bin_["accuracy"] for bin_ in found] == pytest.approx(list(accuracies))
    assert [bin_["confidence"] for bin_ in found] == pytest.approx(list(confidences))
    assert sum(bin_["rows"] for bin_ in found) == 500


@pytest.mark.parametrize("rows", [1, 50, 3000])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_brier_score_is_that_of_scikit_learn(classes, rows):
    probability, labels = probabilities(rows, classes)
    names = np.arange(classes)
    given = probability[:, 1] if classes == 2 else probability
    expected = brier_score_loss(labels, given, labels=names, pos_label=1 if classes == 2 else None)
    assert brier_score(probability, labels) == pytest.approx(expected, rel=1e-12)


def test_brier_score_by_hand():
    labels = np.array([0, 1])
    assert brier_score(np.array([[0.8, 0.2], [0.4, 0.6]]), labels) == pytest.approx((0.04 + 0.16) / 2)
    several = np.array([[0.5, 0.3, 0.2], [0.1, 0.9, 0.0]])
    assert brier_score(several, labels) == pytest.approx((0.25 + 0.09 + 0.04 + 0.01 + 0.01) / 2)
