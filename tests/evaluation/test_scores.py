import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from twintrain.evaluation import scores

LABELS = np.array([0, 0, 1, 1, 2, 2])


def certain(predicted, classes=3):
    """Probabilities whose largest one stands at the predicted classes."""
    return np.full((len(predicted), classes), 0.1) + np.eye(classes)[predicted] * (1 - 0.1 * classes)


def test_scores_by_hand():
    found = scores.score(certain([0, 1, 1, 1, 2, 0]), LABELS, test_loss=0.5)
    assert found == {
        "eval_acc": pytest.approx(4 / 6),
        # of 8 pairs of a row of the class and one of the rest, in the right order and tied:
        # class 0: 3 and 4, class 1: 6 and 2, class 2: 4 and 4
        "auc_score": pytest.approx(((3 + 4 / 2) / 8 + (6 + 2 / 2) / 8 + (4 + 4 / 2) / 8) / 3),
        "test_loss": 0.5,
        "precision_macro": pytest.approx((1 / 2 + 2 / 3 + 1) / 3),
        "recall_macro": pytest.approx((1 / 2 + 1 + 1 / 2) / 3),
        "specificity_macro": pytest.approx((3 / 4 + 3 / 4 + 1) / 3),
        "f1_macro": pytest.approx((1 / 2 + 4 / 5 + 2 / 3) / 3),
    }


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_scores_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    probability = rng.dirichlet(np.ones(classes), 200)
    labels = rng.integers(classes, size=200)
    predicted = probability.argmax(axis=1)
    found = scores.score(probability, labels, test_loss=1.0)
    each = [roc_auc_score(labels == code, probability[:, code]) for code in range(classes)]
    assert found["auc_score"] == pytest.approx(np.mean(each))
    assert found["precision_macro"] == pytest.approx(precision_score(labels, predicted, average="macro"))
    assert found["recall_macro"] == pytest.approx(recall_score(labels, predicted, average="macro"))
    assert found["f1_macro"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    rest = [((predicted != code) & (labels != code)).sum() / (labels != code).sum() for code in range(classes)]
    assert found["specificity_macro"] == pytest.approx(np.mean(rest))
    assert all(type(value) is float for value in found.values())


def test_binary_specificity_and_sensitivity_are_those_of_medicine():
    # 8 healthy, of whom 6 are found so; 4 ill, of whom 3 are found so.
    labels = np.repeat([0, 1], [8, 4])
    predicted = np.array([0] * 6 + [1] * 2 + [1] * 3 + [0])
    found = scores.score(certain(predicted, 2), labels, test_loss=0.0)
    assert found["recall_macro"] == pytest.approx((6 / 8 + 3 / 4) / 2)
    assert found["specificity_macro"] == pytest.approx((3 / 4 + 6 / 8) / 2)


@pytest.mark.parametrize(
    ("second", "labels", "area"),
    [
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),
        ([0.1, 0.2, 0.7, 0.8], [0, 0, 1, 1], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
        ([0.5, 0.5, 0.5, 0.5], [0, 0, 1, 1], 0.5),
    ],
)
def test_binary_area_counts_the_pairs_in_the_right_order(second, labels, area):
    second = np.array(second)
    assert scores.area_under_roc(np.stack([1 - second, second], axis=1), np.array(labels)) == area


@pytest.mark.parametrize(("classes", "labels"), [(3, [0, 1, 1, 0]), (2, [1, 1, 1, 1])])
def test_absent_class_leaves_no_area(classes, labels):
    labels = np.array(labels)
    probability = certain(labels, classes)
    assert scores.area_under_roc(probability, labels) is None
    found = scores.score(probability, labels, test_loss=0.0)
    assert "auc_score" not in found
    assert found["eval_acc"] == 1.0


def test_class_that_is_never_predicted_has_precision_0():
    found = scores.score(certain([0, 0, 1, 1, 1, 1]), LABELS, test_loss=0.0)
    assert found["precision_macro"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert found["f1_macro"] == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_scores_of_predicted_numbers_are_those_of_the_formulas():
    rng = np.random.default_rng(0)
    labels = rng.normal([10, 200], [1, 30], (50, 2))
    prediction = labels + rng.normal(0, 2, labels.shape)
    found = scores.regression_score(prediction, labels, test_loss=0.25)
    errors = prediction - labels
    assert found == {
        "rmse": pytest.approx(np.sqrt((errors**2).mean()), rel=1e-12),
        "mae": pytest.approx(np.abs(errors).mean(), rel=1e-12),
        "test_loss": 0.25,
        "r2": pytest.approx(1 - (errors**2).sum() / ((labels - labels.mean(axis=0)) ** 2).sum(), rel=1e-12),
    }


def test_numbers_that_do_not_vary_have_no_r2():
    assert "r2" not in scores.regression_score(np.array([[1.0], [2.0]]), np.ones((2, 1)), test_loss=0.5)


def test_classes_alone_have_the_scores_that_need_no_probabilities():
    predicted = np.array([0, 2, 1, 1, 1, 1])
    whole = scores.score(np.eye(3)[predicted], LABELS, test_loss=None)
    alone = scores.score_classes(predicted, LABELS, 3)
    assert alone == {name: value for name, value in whole.items() if name != "auc_score"}
    assert "test_loss" not in whole
