"""The difference between two networks of which means over the rows are compared: errors of numbers, or IoU of masks."""

from typing import Any

import numpy as np

from twintrain.evaluation.intervals import mean_interval
from twintrain.evaluation.measures import ERROR, OVERLAP, Measure
from twintrain.evaluation.overlap import dice_coefficient, overlaps
from twintrain.evaluation.running import Mean, runs
from twintrain.evaluation.sampling import ROWS, Sampling

# Of the larger mean, what a smaller one is taken for where it is 0 and something is divided by it.
FLOAT32_EPSILON = float(np.finfo(np.float32).eps)
TINY = np.finfo(np.float64).tiny

Predictions = dict[str, np.ndarray]


def compare_numbers(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, sampling: Sampling = ROWS
) -> dict[str, Any]:
    """Compares two sets of predicted numbers (rows, outputs) for the same rows.

    Returns:
        mae_difference: mean absolute error of the first less that of the second, in the unit of the numbers.
        relative_difference: that over the smaller of the two errors.
        mae_ci95: 95 % interval of that difference; None where `mean_interval` has none, absent without a sample.
        rmse_difference: the same of the root mean squared errors.
        first_closer: share of rows where the first errs less, of those where the two differ.
        largest_prediction_difference: over all rows and outputs.
    """
    found = _compare_means(absolute_errors(first, labels), absolute_errors(second, labels), ERROR, sampling)
    first_rmse, second_rmse = (root_mean_square(found, labels) for found in (first, second))
    return {
        **found,
        "rmse_difference": first_rmse - second_rmse,
        "largest_prediction_difference": largest_difference(first, second),
    }


def compare_masks(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, sampling: Sampling = ROWS
) -> dict[str, Any]:
    """Compares two sets of masks (rows, pixels) for the same rows by the IoU of each row.

    Args:
        first, second: probabilities that a pixel is of the object, or booleans.
        labels: bool (rows, pixels).

    Returns:
        as `compare_numbers`, with iou_difference and iou_ci95 of the mean IoU, dice_difference of the mean Dice
        coefficient, and differences of probabilities.
    """
    first_overlaps, second_overlaps = overlaps(first, labels), overlaps(second, labels)
    return {
        **_compare_means(first_overlaps, second_overlaps, OVERLAP, sampling),
        "dice_difference": float((dice_coefficient(first_overlaps) - dice_coefficient(second_overlaps)).mean()),
        "largest_prediction_difference": largest_difference(first, second),
    }


def row_means(found: Predictions) -> np.ndarray | None:
    """What each row (rows,) has of what is compared by its mean: absolute error, or IoU; None of classes."""
    if "prediction" in found:
        return absolute_errors(found["prediction"], found["label"])
    return overlaps(found["mask"], found["label"]) if "mask" in found else None


def largest_difference(first: np.ndarray, second: np.ndarray) -> float:
    """The largest absolute difference of all numbers (rows, …)."""
    return max(float(np.abs(first[run] - second[run]).max()) for run in runs(first))


def absolute_errors(prediction: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The absolute error of each row (rows,), the mean over its outputs."""
    found = np.empty(len(labels))
    for run in runs(prediction):
        found[run] = np.abs(prediction[run] - labels[run]).mean(axis=1)
    return found


def root_mean_square(prediction: np.ndarray, labels: np.ndarray) -> float:
    """That of the errors (rows, outputs)."""
    squares = Mean()
    for run in runs(prediction):
        squares.add(np.square(prediction[run] - labels[run]))
    return float(np.sqrt(squares.value))


def _compare_means(first: np.ndarray, second: np.ndarray, measure: Measure, sampling: Sampling) -> dict[str, Any]:
    """Compares what two networks have of a measure on each row (rows,)."""
    difference = first - second
    differing = difference[difference != 0]
    return {
        f"{measure.key}_difference": float(difference.mean()),
        "relative_difference": float(difference.mean() / _smaller_mean(first, second)),
        **({f"{measure.key}_ci95": mean_interval(difference, sampling)} if sampling.is_sample else {}),
        **sampling.counts(len(first)),
        "first_closer": float((measure.sign * differing > 0).mean()) if len(differing) else 0.5,
    }


def _smaller_mean(first: np.ndarray, second: np.ndarray) -> float:
    smaller, larger = sorted([first.mean(), second.mean()])
    return float(max(smaller, FLOAT32_EPSILON * larger, TINY))
