"""What predicted classes are against true ones: the confusion matrix, and the ROC curve of a class against the rest.

As scikit-learn has them, whose import takes longer than a whole evaluation.
"""

import numpy as np


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Number of rows (classes, classes) of each true class (down) that were given each class (across)."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Agreement of two columns of classes beyond chance (Cohen 1960); NaN where chance alone makes them agree."""
    _, both = np.unique([first, second], return_inverse=True)
    codes = both.reshape(2, -1)
    counts = confusion_matrix(*codes, classes=codes.max() + 1)
    rows = counts.sum()
    expected = counts.sum(axis=0) @ counts.sum(axis=1) / rows
    with np.errstate(invalid="ignore"):
        return float((np.trace(counts) - expected) / (rows - expected))


def roc_curve(is_class: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates as the threshold falls, from (0, 0) to (1, 1); rows of equal scores go together.

    Args:
        is_class: (rows,), with rows of the class and others.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    positive = np.cumsum(is_class[order])[ends]
    negative = 1 + ends - positive
    rates = [np.concatenate([[0], counts]) / counts[-1] for counts in (negative, positive)]
    return rates[0], rates[1]


def area_under_curve(is_class: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: how often a row of the class has the higher score, a tie being half."""
    return float(np.trapezoid(*reversed(roc_curve(is_class, score))))
