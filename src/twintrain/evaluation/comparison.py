"""The difference between two networks on the same test rows, with what chance alone would do."""

import hashlib
from math import ceil
from typing import Any

import numpy as np

from twintrain.errors import UserError
from twintrain.evaluation import equivalence, paired_accuracy
from twintrain.evaluation.classification import cohen_kappa
from twintrain.evaluation.intervals import area_interval, mean_interval
from twintrain.evaluation.mean_comparison import (
    Predictions,
    compare_masks,
    compare_numbers,
    largest_difference,
    row_means,
)
from twintrain.evaluation.running import runs
from twintrain.evaluation.sampling import ROWS, Sampling
from twintrain.evaluation.scores import area_under_roc
from twintrain.settings.frameworks import TITLES

TINY = np.finfo(np.float64).tiny


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
    digest = hashlib.sha256()
    for numbers, dtype in ((index, "<i8"), (labels, "<i8" if labels.dtype.kind in "iu" else "<f8")):
        for run in runs(numbers):
            digest.update(numbers[run].astype(dtype).tobytes())
    return digest.hexdigest()


def compare_networks(
    first: Predictions, second: Predictions, margin: float, sampling: Sampling = ROWS
) -> dict[str, Any]:
    """All that is told of two networks: `compare_with_baseline`, of probabilities `compare_probabilities`, equivalence.

    Intervals and tests speak of the two trained networks and of the chance in drawing the test rows; they know nothing
    of the chance in training (dropout, seeds). Without a sample (train = val = test) they are left out.

    Args:
        first, second: `index`, `label`, and `probability` (rows, classes), `class` (rows,) where there is none, or
            `prediction` (rows, outputs), or `mask` (rows, pixels), which is where it is above 0.5.
        margin: accuracies that differ by less count as equal; of numbers, a share of the smaller error, or IoU.
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
    if "mask" in first:
        return compare_masks(first["mask"], second["mask"], labels, sampling)
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
    found = compare_classes(most_probable(first), most_probable(second), labels, sampling)
    largest = largest_difference(first, second)
    return {**found, "largest_probability_difference": largest}


def classes_of(found: Predictions) -> np.ndarray:
    """The predicted class of each row (rows,)."""
    return found["class"] if "class" in found else most_probable(found["probability"])


def most_probable(probability: np.ndarray) -> np.ndarray:
    """The class of each row (rows,) of probabilities (rows, classes), in a byte where that will do."""
    classes = np.empty(len(probability), np.min_scalar_type(probability.shape[1] - 1))
    for run in runs(probability):
        classes[run] = probability[run].argmax(axis=1)
    return classes


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
        **sampling.counts(len(labels)),
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
    losses = cross_entropies(first, labels)
    losses -= cross_entropies(second, labels)
    found["loss_difference"] = float(losses.mean())
    return found | _with_width(loss_ci95=mean_interval(losses, sampling) if can_tell else None)


def cross_entropies(probability: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The cross entropy of each row (rows,) in nats, finite where a true class was held for impossible."""
    found = np.empty(len(labels))
    for run in runs(probability):
        chosen = np.take_along_axis(probability[run], labels[run, None], axis=1)[:, 0]
        found[run] = -np.log(np.maximum(chosen, TINY))
    return found


def _kappa(first_classes: np.ndarray, second_classes: np.ndarray) -> float:
    if (first_classes == first_classes[0]).all() and np.array_equal(first_classes, second_classes):
        return 1.0  # 0 / 0: blindly, two that know but one class agree fully too
    return cohen_kappa(first_classes, second_classes)


def _can_tell(labels: np.ndarray, sampling: Sampling) -> bool:
    """Whether means have an interval: of one group nothing follows for another."""
    return sampling.is_sample and sampling.count(len(labels)) > 1


def _with_width(**intervals: list[float] | None) -> dict[str, list[float]]:
    return {name: ends for name, ends in intervals.items() if ends and ends[0] < ends[1]}


def _equivalence(first: Predictions, second: Predictions, margin: float, sampling: Sampling) -> dict[str, float | bool]:
    """TOST; `equivalence_needs` are rows as these, however many of them tell as much as one."""
    rows, means = len(first["label"]), row_means(first)
    if means is not None:
        found, draws = equivalence.of_errors(means, row_means(second), margin, sampling), sampling.count(rows)
    else:
        right = [classes_of(found) == first["label"] for found in (first, second)]
        counts = paired_accuracy.effective_counts(*right, sampling)
        found, draws = equivalence.of_accuracies(counts, margin), counts.rows
    if "equivalence_needs" in found:
        found["equivalence_needs"] = ceil(found["equivalence_needs"] * rows / draws)
    return found
