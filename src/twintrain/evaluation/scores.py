"""Test scores: of classes from probabilities (rows, classes) and labels (rows,), of numbers from predictions."""

import numpy as np
from sklearn.metrics import (
    confusion_matrix,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)


def area_under_roc(probability: np.ndarray, labels: np.ndarray) -> float | None:
    """Area under the ROC curve; for several classes the plain mean of each class against the rest.

    Returns:
        None where some class is absent from the labels, since its curve does not exist.
    """
    classes = probability.shape[1]
    if len(np.unique(labels)) < classes:
        return None
    if classes == 2:
        return float(roc_auc_score(labels, probability[:, 1]))
    return float(roc_auc_score(labels, probability, multi_class="ovr", average="macro"))


def score(probability: np.ndarray, labels: np.ndarray, test_loss: float | None) -> dict[str, float]:
    """All test scores: `eval_acc`, `auc_score`, `test_loss` (if there is one), and those of `score_classes`."""
    rest = score_classes(probability.argmax(axis=1), labels, probability.shape[1])
    found = {
        "eval_acc": rest.pop("eval_acc"),
        "auc_score": area_under_roc(probability, labels),
        "test_loss": test_loss,
        **rest,
    }
    return {name: value for name, value in found.items() if value is not None}


def score_classes(predicted: np.ndarray, labels: np.ndarray, classes: int) -> dict[str, float]:
    """Test scores of predicted classes (rows,): `eval_acc`, and the means of what `score_each_class` finds."""
    each = score_each_class(predicted, labels, classes)
    means = {f"{name}_macro": float(values.mean()) for name, values in each.items() if name != "rows"}
    return {"eval_acc": float((predicted == labels).mean()), **means}


def score_each_class(predicted: np.ndarray, labels: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    """Scores (classes,) of each class against the rest: `precision`, `recall`, `specificity`, `f1`, and its `rows`.

    Specificity is TN / (TN + FP). What is a share of no rows at all is 0.
    """
    names = np.arange(classes)
    precision, recall, f1, rows = precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0)
    specificity = _specificity(confusion_matrix(labels, predicted, labels=names))
    return {"precision": precision, "recall": recall, "specificity": specificity, "f1": f1, "rows": rows}


def regression_score(prediction: np.ndarray, labels: np.ndarray, test_loss: float) -> dict[str, float]:
    """Test scores of predicted numbers (rows, outputs): `rmse`, `mae` in their own unit, `r2`, `test_loss`.

    The squares and absolute errors are averaged over rows and outputs. R² is that of all numbers together, 1 less the
    sum of squared errors over that of deviations from each output's mean; it is absent where these do not vary.
    """
    found = {
        "rmse": float(root_mean_squared_error(labels.ravel(), prediction.ravel())),
        "mae": float(mean_absolute_error(labels, prediction)),
        "test_loss": test_loss,
    }
    if np.ptp(labels, axis=0).any():
        found["r2"] = float(r2_score(labels, prediction, multioutput="variance_weighted"))
    return found


def _specificity(confusion: np.ndarray) -> np.ndarray:
    """Specificity of each class from a confusion matrix with true labels in rows."""
    false_positive = confusion.sum(axis=0) - np.diag(confusion)
    negatives = confusion.sum() - confusion.sum(axis=1)
    return (negatives - false_positive) / np.maximum(negatives, 1)
