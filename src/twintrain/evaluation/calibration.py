"""Whether probabilities are what they say: of the rows predicted with 80 %, 80 % should be right."""

from typing import Any

import numpy as np

from twintrain.evaluation.running import Mean, runs

BINS = 15

Bin = dict[str, Any]


def reliability(probability: np.ndarray, labels: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The reliability curve of the most probable class: rows by their confidence, in bins of equal width.

    Args:
        probability: (rows, classes).
        labels: int64 (rows,).
        bins: from 0 to 1; each takes its upper end, as in Guo et al. 2017.

    Returns:
        of each bin that has rows: `low`, `high`, `rows`, their mean `confidence`, and their `accuracy`.
    """
    edges = np.linspace(0, 1, bins + 1)
    rows, sums = np.zeros(bins, np.int64), np.zeros((2, bins))
    for run in runs(probability):
        confidence, is_right = probability[run].max(axis=1), probability[run].argmax(axis=1) == labels[run]
        places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
        rows += np.bincount(places, minlength=bins)
        sums += [np.bincount(places, values, bins) for values in (confidence, is_right)]
    means = sums / np.maximum(rows, 1)
    return [
        {
            "low": float(edges[place]),
            "high": float(edges[place + 1]),
            "rows": int(rows[place]),
            "confidence": float(means[0][place]),
            "accuracy": float(means[1][place]),
        }
        for place in np.flatnonzero(rows)
    ]


def expected_calibration_error(curve: list[Bin]) -> float:
    """ECE (Guo et al. 2017): by how much confidence and accuracy differ in a bin, the mean over all rows."""
    gaps = [found["rows"] * abs(found["confidence"] - found["accuracy"]) for found in curve]
    return float(sum(gaps) / sum(found["rows"] for found in curve))


def brier_score(probability: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance of the probabilities (rows, classes) from the truth (Brier 1950).

    Of two classes that of the second one's probability, from 0 to 1; of several the sum over the classes, from 0 to 2.
    """
    truth, found = np.eye(probability.shape[1]), Mean()
    for run in runs(probability):
        found.add(np.square(probability[run] - truth[labels[run]]).sum(axis=1))
    return found.value / (2 if probability.shape[1] == 2 else 1)
