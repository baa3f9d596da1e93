"""What predicted classes are against true ones: the confusion matrix, and the ROC curve of a class against the rest.

As scikit-learn has them, whose import takes longer than a whole evaluation.
"""

import numpy as np

from twintrain.evaluation.running import runs


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Number of rows (classes, classes) of each true class (down) that were given each class (across).

    Args:
        labels: whole numbers (rows,) from 0.
        predicted: such classes (rows,), or probabilities (rows, classes), of which the largest counts.
    """
    counts = np.zeros(classes**2, np.int64)
    for run in runs(labels, predicted):
        given = predicted[run] if predicted.ndim == 1 else predicted[run].argmax(axis=1)
        counts += np.bincount(labels[run].astype(np.int64) * classes + given, minlength=classes**2)
    return counts.reshape(classes, classes)


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Agreement of two columns of classes beyond chance (Cohen 1960); NaN where chance alone makes them agree."""
    counts = confusion_matrix(first, second, classes=1 + int(max(first.max(), second.max())))
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
    """Area under the ROC curve: how often a row of the class has the higher score than another one, a tie being half.

    Counted, not summed up, so that it is exact (Hanley and McNeil 1982). In memory are the scores of the others.
    """
    others, twice_won = np.sort(score[~is_class]), 0
    for run in runs(score):
        twice_won += int(_twice_below(others, score[run][is_class[run]]).sum())
    return twice_won / (2 * len(others) * (len(score) - len(others)))


def share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each value how many of the sorted ones are below it, as a share of these, a tie being half."""
    return _twice_below(ordered, values) / (2 * len(ordered))


def _twice_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
