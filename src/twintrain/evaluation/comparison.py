"""The difference between two networks on the same test rows, with what chance alone would do."""

import hashlib
from math import ceil
from typing import Any

import numpy as np

from twintrain.errors import UserError
from twintrain.evaluation import equivalence, paired_accuracy
from twintrain.evaluation.classification import cohen_kappa
from twintrain.evaluation.intervals import area_interval, mean_interval
from twintrain.evaluation.sampling import ROWS, Sampling
from twintrain.evaluation.scores import area_under_roc
from twintrain.settings.frameworks import TITLES

# Of the larger error, what a smaller one is taken for where it is 0 and something is divided by it.
FLOAT32_EPSILON = float(np.finfo(np.float32).eps)
TINY = np.finfo(np.float64).tiny

Predictions = dict[str, np.ndarray]


def mixture(ran_on: dict[str, str], is_allowed: bool) -> str:
    """What the frameworks ran on where that differs; empty where it does not.

    Args:
        ran_on: device and precision of each framework.

    Raises:
        UserError: it differs, and that is not allowed.
    """
    if len(set(ran_on.values())) == 1:
        return ""
    mixed = "; ".join(f"{TITLES[name]} on {place}" for name, place in ran_on.items())
    if not is_allowed:
        raise UserError(
            f"the twins ran on different devices or precisions: {mixed}; expected train.device: cpu, a GPU for all, "
            "or compare.allow_mixed: true"
        )
    return mixed


def rows_digest(index: np.ndarray, labels: np.ndarray) -> str:
    """The sha256 of the test rows: two comparisons with the same one are of the same rows.

    Args:
        index: int64 (rows,), row numbers in the ingested data.
        labels: of these rows as they were ingested, whatever a training makes of them.
    """
    numbers = labels.astype("<i8" if labels.dtype.kind in "iu" else "<f8")
    return hashlib.sha256(index.astype("<i8").tobytes() + numbers.tobytes()).hexdigest()


def compare_networks(
    first: Predictions, second: Predictions, margin: float, sampling: Sampling = ROWS
) -> dict[str, Any]:
    """All that is told of two networks: `compare_with_baseline`, of probabilities `compare_probabilities`, equivalence.

    Intervals and tests speak of the two trained networks and of the chance in drawing the test rows; they know nothing
    of the chance in training (dropout, seeds). Without a sample (train = val = test) they are left out.

    Args:
        first, second: `index`, `label`, and `probability` (rows, classes), `class` (rows,) where there is none, or
            `prediction` (rows, outputs).
        margin: accuracies that differ by less count as equal; of numbers, a share of the smaller error.
        sampling: what chance there is in the choice of the test rows.
    """
    found = {**compare_with_baseline(first, second, sampling), "margin": margin}
    if "probability" in first and "probability" in second:
        probabilities = first["probability"], second["probability"]
        found |= compare_probabilities(*probabilities, first["label"], sampling)
    if sampling.is_sample and len(first["label"]) > 1:
        found |= _equivalence(first, second, margin, sampling)
    return found


def compare_with_baseline(first: Predictions, second: Predictions, sampling: Sampling = ROWS) -> dict[str, Any]:
    """What can be told of any two: of numbers, of probabilities, or of a baseline without these, of `class`es.

    Raises:
        UserError: the two are of different rows.
    """
    if not np.array_equal(first["index"], second["index"]):
        raise UserError("predictions are of different rows; make them again with: dvc repro --force")
    labels = first["label"]
    if "prediction" in first:
        return compare_numbers(first["prediction"], second["prediction"], labels, sampling)
    if "probability" in first and "probability" in second:
        return compare_by_class(first["probability"], second["probability"], labels, sampling)
    return compare_classes(classes_of(first), classes_of(second), labels, sampling)


def compare_by_class(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, sampling: Sampling = ROWS
) -> dict[str, Any]:
    """Compares two sets of probabilities (rows, classes) for the same rows by their classes.

    Returns:
        as `compare_classes`, and `largest_probability_difference` over all rows and classes.
    """
    found = compare_classes(first.argmax(axis=1), second.argmax(axis=1), labels, sampling)
    return {**found, "largest_probability_difference": float(np.abs(first - second).max())}


def classes_of(found: Predictions) -> np.ndarray:
    """The predicted class of each row (rows,), the most probable one."""
    return found["class"] if "class" in found else found["probability"].argmax(axis=1)


def compare_classes(
    first_classes: np.ndarray, second_classes: np.ndarray, labels: np.ndarray, sampling: Sampling = ROWS
) -> dict[str, Any]:
    """Compares two sets of predicted classes (rows,) for the same rows.

    Returns:
        accuracy_difference: accuracy of the first less that of the second.
        accuracy_ci95: 95 % interval of that difference, Tango's.
        mcnemar_p: McNemar's test: the chance of a split at least this uneven of the rows that only one of the two
            gets right, were both equally good; below 0.05 where 0 lies outside of the interval, and only there.
        agreement: share of rows with the same predicted class.
        kappa: agreement beyond what two that draw their classes blindly, as often, would have; 1 is full agreement
            (Cohen 1960).
        only_first_right, only_second_right: numbers of rows.
        groups: how many the test rows come in, if they were drawn so.
    """
    first_right, second_right = first_classes == labels, second_classes == labels
    only_first, only_second = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    inference = {}
    if sampling.is_sample:
        counts = paired_accuracy.effective_counts(first_right, second_right, sampling)
        inference = {"accuracy_ci95": paired_accuracy.interval(counts), "mcnemar_p": paired_accuracy.p_value(counts)}
    return {
        "accuracy_difference": (only_first - only_second) / len(labels),
        **inference,
        **_drawn(labels, sampling),
        "agreement": float((first_classes == second_classes).mean()),
        "kappa": _kappa(first_classes, second_classes),
        "only_first_right": only_first,
        "only_second_right": only_second,
    }


def compare_probabilities(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, sampling: Sampling = ROWS
) -> dict[str, Any]:
    """Compares what the probabilities (rows, classes) say beyond the most probable class.

    Returns:
        auc_difference, auc_ci95: of the areas under the ROC curve; absent where a class is, from the labels (or the
            interval alone, from most of the resamples).
        An interval is left out where all resamples say the same: it would read as certainty.
        loss_difference, loss_ci95: of the cross entropies in nats, whatever loss was trained; less is better. The
            interval is left out where `mean_interval` has none.
    """
    found, can_tell = {}, _can_tell(labels, sampling)
    areas = [area_under_roc(probability, labels) for probability in (first, second)]
    if None not in areas:
        found["auc_difference"] = areas[0] - areas[1]
        interval = area_interval(first, second, labels, sampling) if can_tell else None
        found |= _with_width(auc_ci95=interval)
    losses = cross_entropies(first, labels) - cross_entropies(second, labels)
    found["loss_difference"] = float(losses.mean())
    return found | _with_width(loss_ci95=mean_interval(losses, sampling) if can_tell else None)


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
    first_errors, second_errors = absolute_errors(first, labels), absolute_errors(second, labels)
    difference = first_errors - second_errors
    first_rmse, second_rmse = (float(np.sqrt(np.square(found - labels).mean())) for found in (first, second))
    differing = difference[difference != 0]
    return {
        "mae_difference": float(difference.mean()),
        "relative_difference": float(difference.mean() / _smaller_error(first_errors, second_errors)),
        **({"mae_ci95": mean_interval(difference, sampling)} if sampling.is_sample else {}),
        **_drawn(labels, sampling),
        "rmse_difference": first_rmse - second_rmse,
        "first_closer": float((differing < 0).mean()) if len(differing) else 0.5,
        "largest_prediction_difference": float(np.abs(first - second).max()),
    }


def cross_entropies(probability: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The cross entropy of each row (rows,) in nats, finite where a true class was held for impossible."""
    return -np.log(np.maximum(probability[np.arange(len(labels)), labels], TINY))


def absolute_errors(prediction: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The absolute error of each row (rows,), the mean over its outputs."""
    return np.abs(prediction - labels).mean(axis=1)


def _kappa(first_classes: np.ndarray, second_classes: np.ndarray) -> float:
    if (first_classes == first_classes[0]).all() and np.array_equal(first_classes, second_classes):
        return 1.0  # 0 / 0: blindly, two that know but one class agree fully too
    return cohen_kappa(first_classes, second_classes)


def _can_tell(labels: np.ndarray, sampling: Sampling) -> bool:
    """Whether means have an interval: of one group nothing follows for another."""
    return sampling.is_sample and sampling.draws(len(labels))[1] > 1


def _with_width(**intervals: list[float] | None) -> dict[str, list[float]]:
    return {name: ends for name, ends in intervals.items() if ends and ends[0] < ends[1]}


def _drawn(labels: np.ndarray, sampling: Sampling) -> dict[str, int]:
    groups = {} if sampling.groups is None else {"groups": sampling.draws(len(labels))[1]}
    return {"rows": len(labels), **groups}


def _equivalence(first: Predictions, second: Predictions, margin: float, sampling: Sampling) -> dict[str, float | bool]:
    """TOST; `equivalence_needs` are rows as these, however many of them tell as much as one."""
    rows = len(first["label"])
    if "prediction" in first:
        errors = [absolute_errors(predicted["prediction"], predicted["label"]) for predicted in (first, second)]
        found, draws = equivalence.of_errors(*errors, margin, sampling), sampling.draws(rows)[1]
    else:
        right = [classes_of(found) == first["label"] for found in (first, second)]
        counts = paired_accuracy.effective_counts(*right, sampling)
        found, draws = equivalence.of_accuracies(counts, margin), counts.rows
    if "equivalence_needs" in found:
        found["equivalence_needs"] = ceil(found["equivalence_needs"] * rows / draws)
    return found


def _smaller_error(first: np.ndarray, second: np.ndarray) -> float:
    smaller, larger = sorted([first.mean(), second.mean()])
    return float(max(smaller, FLOAT32_EPSILON * larger, TINY))
