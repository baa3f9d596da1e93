"""Test scores: of classes from probabilities (rows, classes) and labels (rows,), of numbers and masks from these."""

import numpy as np

from twintrain.evaluation.classification import area_under_curve, confusion_matrix
from twintrain.evaluation.overlap import dice_coefficient, overlaps
from twintrain.evaluation.running import Mean, runs


def area_under_roc(probability: np.ndarray, labels: np.ndarray) -> float | None:
    """Area under the ROC curve; for several classes the plain mean of each class against the rest.

    Returns:
        None where some class is absent from the labels, since its curve does not exist.
    """
    classes = probability.shape[1]
    if np.count_nonzero(np.bincount(labels)) < classes:
        return None
    against_the_rest = [1] if classes == 2 else range(classes)
    return float(np.mean([area_under_curve(labels == code, probability[:, code]) for code in against_the_rest]))


def score(probability: np.ndarray, labels: np.ndarray, test_loss: float | None) -> dict[str, float]:
    """All test scores: `eval_acc`, `auc_score`, `test_loss` (if there is one), and those of `score_classes`."""
    rest = score_classes(probability, labels, probability.shape[1])
    found = {
        "eval_acc": rest.pop("eval_acc"),
        "auc_score": area_under_roc(probability, labels),
        "test_loss": test_loss,
        **rest,
    }
    return {name: value for name, value in found.items() if value is not None}


def score_classes(predicted: np.ndarray, labels: np.ndarray, classes: int) -> dict[str, float]:
    """Test scores of predicted classes: `eval_acc`, and the means of what `score_each_class` finds.

    Args:
        predicted, labels: as `confusion_matrix` takes them.
    """
    confusion = confusion_matrix(labels, predicted, classes)
    each = score_each_class(confusion)
    means = {f"{name}_macro": float(values.mean()) for name, values in each.items() if name != "rows"}
    return {"eval_acc": float(np.trace(confusion) / len(labels)), **means}


def score_each_class(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (classes,) of each class against the rest: `precision`, `recall`, `specificity`, `f1`, and its `rows`.

    Specificity is TN / (TN + FP). What is a share of no rows at all is 0.

    Args:
        confusion: (classes, classes), as `confusion_matrix` gives it.
    """
    right, rows, given = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return {
        "precision": right / np.maximum(given, 1),
        "recall": right / np.maximum(rows, 1),
        "specificity": _specificity(confusion),
        "f1": 2 * right / np.maximum(rows + given, 1),
        "rows": rows,
    }


def regression_score(prediction: np.ndarray, labels: np.ndarray, test_loss: float) -> dict[str, float]:
    """Test scores of predicted numbers (rows, outputs): `rmse`, `mae` in their own unit, `r2`, `test_loss`.

    The squares and absolute errors are averaged over rows and outputs. R² is that of all numbers together, 1 less the
    sum of squared errors over that of deviations from each output's mean; it is absent where these do not vary.
    """
    squares, absolutes, deviations = Mean(), Mean(), Mean()
    means, varies = labels.mean(axis=0, dtype=np.float64), False
    for run in runs(labels):
        errors = prediction[run].astype(np.float64) - labels[run]
        squares.add(np.square(errors))
        absolutes.add(np.abs(errors))
        deviations.add(np.square(labels[run] - means))
        varies = varies or bool((labels[run] != labels[0]).any())
    found = {"rmse": float(np.sqrt(squares.value)), "mae": absolutes.value, "test_loss": test_loss}
    return found | ({"r2": 1 - squares.total / deviations.total} if varies else {})


def mask_score(mask: np.ndarray, labels: np.ndarray, test_loss: float | None) -> dict[str, float]:
    """Test scores of masks: the means over the rows of `iou` and `dice`, and `test_loss`, if there is one.

    Args:
        mask, labels: as `overlap.overlaps` takes them.
    """
    found = overlaps(mask, labels)
    means = {"iou": float(found.mean()), "dice": float(dice_coefficient(found).mean())}
    return means if test_loss is None else {**means, "test_loss": test_loss}


def _specificity(confusion: np.ndarray) -> np.ndarray:
    """Specificity of each class from a confusion matrix with true labels in rows."""
    false_positive = confusion.sum(axis=0) - np.diag(confusion)
    negatives = confusion.sum() - confusion.sum(axis=1)
    return (negatives - false_positive) / np.maximum(negatives, 1)
