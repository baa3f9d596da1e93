import math

import numpy as np
import pytest

from twintrain.evaluation.metrics import accuracy, logits_of, loss, predicted_labels, probabilities

LOG3 = math.log(3)


def test_probabilities_of_several_classes_are_softmax():
    found = probabilities(np.array([[0, LOG3], [5, 5], [LOG3, 0]]))
    assert found == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]]), abs=1e-15)


def test_probabilities_of_a_binary_task_have_a_column_for_each_class():
    found = probabilities(np.array([[LOG3], [0], [-LOG3]]))
    assert found == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]]), abs=1e-15)


@pytest.mark.parametrize("shape", [(4, 1), (4, 3)])
def test_probabilities_are_float64_and_add_up_to_1(shape):
    logits = np.random.default_rng(0).normal(scale=20, size=shape).astype(np.float32)
    found = probabilities(logits)
    assert found.dtype == np.float64
    assert found.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-15)
    assert logits.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_of_probabilities_are_finite_and_give_them_back(dtype):
    probability = np.array([[0.25, 0.75, 0.0], [0.5, 1e-30, 0.5], [0.0, 0.0, 1.0]], dtype)
    logits = logits_of(probability)
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(probabilities(logits), probability, rtol=1e-5, atol=1e-37)
    np.testing.assert_array_equal(predicted_labels(logits[[0, 2]]), [1, 2])


def test_small_probability_of_a_binary_task_is_not_rounded_away():
    assert probabilities(np.array([[50.0]]))[0, 0] == pytest.approx(math.exp(-50), rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("logits", "labels", "value"),
    [
        ([[0, LOG3], [LOG3, 0]], [1, 1], (-math.log(0.75) - math.log(0.25)) / 2),
        ([[0, 0, 0, 0]], [2], math.log(4)),
        ([[LOG3], [-LOG3]], [1, 1], (-math.log(0.75) - math.log(0.25)) / 2),
        ([[LOG3]], [0], -math.log(0.25)),
        ([[0]], [1], math.log(2)),
        ([[1000], [-1000]], [0, 1], 1000),
        ([[1000, 0]], [1], 1000),
        ([[1000, 0]], [0], 0),
    ],
)
def test_loss_is_the_mean_cross_entropy_in_nats(logits, labels, value):
    assert loss(np.array(logits, np.float64), np.array(labels)) == pytest.approx(value, abs=1e-12)


def test_loss_of_float32_logits_is_computed_in_float64():
    # In float32 it would be 0.
    logits = np.array([[30.0]], np.float32)
    assert loss(logits, np.array([1])) == pytest.approx(math.exp(-30), rel=0.01, abs=0)


@pytest.mark.parametrize(
    ("logits", "classes"),
    [([[1, 3, 2], [0, 0, -1]], [1, 0]), ([[0.1], [-0.1], [0]], [1, 0, 0])],
)
def test_most_probable_class_and_ties_go_to_the_first(logits, classes):
    logits = np.array(logits)
    assert predicted_labels(logits).tolist() == classes
    assert predicted_labels(logits).tolist() == probabilities(logits).argmax(axis=1).tolist()


@pytest.mark.parametrize(("labels", "share"), [([1, 0, 1, 0], 1.0), ([1, 0, 0, 0], 0.75), ([0, 1, 0, 1], 0.0)])
def test_accuracy_is_the_share_of_right_rows(labels, share):
    assert accuracy(np.array([[2.0], [-1.0], [0.5], [-3.0]]), np.array(labels)) == share
    assert accuracy(np.array([[0, 2.0], [0, -1.0], [0, 0.5], [0, -3.0]]), np.array(labels)) == share
