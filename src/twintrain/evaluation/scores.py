"""Test scores from probabilities (rows, classes) and labels (rows,)."""

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score


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


def score(probability: np.ndarray, labels: np.ndarray, test_loss: float) -> dict[str, float]:
    """All test scores: `eval_acc`, `auc_score`, `test_loss`, and means over the classes of the rest.

    Specificity of a class is TN / (TN + FP).
    """
    classes = np.arange(probability.shape[1])
    predicted = probability.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=classes, average="macro", zero_division=0
    )
    found = {
        "eval_acc": float((predicted == labels).mean()),
        "auc_score": area_under_roc(probability, labels),
        "test_loss": test_loss,
        "precision_macro": float(precision),
        "recall_macro": float(recall),
        "specificity_macro": float(_specificity(confusion_matrix(labels, predicted, labels=classes)).mean()),
        "f1_macro": float(f1),
    }
    return {name: value for name, value in found.items() if value is not None}


def _specificity(confusion: np.ndarray) -> np.ndarray:
    """Specificity of each class from a confusion matrix with true labels in rows."""
    false_positive = confusion.sum(axis=0) - np.diag(confusion)
    negatives = confusion.sum() - confusion.sum(axis=1)
    return (negatives - false_positive) / np.maximum(negatives, 1)
