"""The difference between two frameworks on the same test rows, with what chance alone would do."""

from typing import Any

import numpy as np
from scipy.stats import binomtest

from twintrain.errors import UserError
from twintrain.frameworks import TITLES

BOOTSTRAP_SAMPLES = 2000


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


def compare_predictions(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, rows_are_a_sample: bool = True
) -> dict[str, Any]:
    """Compares two sets of probabilities (rows, classes) for the same rows.

    Interval and test speak of the two trained networks and of the chance in drawing the test rows; they know nothing
    of the chance in training (dropout, seeds). Without a sample (train = val = test) they are left out.

    Returns:
        accuracy_difference: accuracy of the first less that of the second.
        accuracy_ci95: 95 % interval of that difference by the paired bootstrap (percentiles; the same rows are drawn
            for both), Efron and Tibshirani 1993, chapter 13.
        mcnemar_p: exact McNemar test: the chance of a split at least this uneven of the rows that only one of the two
            gets right, were both equally good (McNemar 1947).
        agreement: share of rows with the same predicted class.
        only_first_right, only_second_right: numbers of rows.
        largest_probability_difference: over all rows and classes.
    """
    first_classes, second_classes = first.argmax(axis=1), second.argmax(axis=1)
    first_right, second_right = first_classes == labels, second_classes == labels
    difference = first_right.astype(np.float64) - second_right
    only_first, only_second = int((difference > 0).sum()), int((difference < 0).sum())
    discordant = only_first + only_second
    inference = {
        "accuracy_ci95": _paired_bootstrap(difference),
        "mcnemar_p": float(binomtest(only_first, discordant).pvalue) if discordant else 1.0,
    }
    return {
        "accuracy_difference": float(difference.mean()),
        **(inference if rows_are_a_sample else {}),
        "agreement": float((first_classes == second_classes).mean()),
        "only_first_right": only_first,
        "only_second_right": only_second,
        "largest_probability_difference": float(np.abs(first - second).max()),
    }


def verdict(comparison: dict[str, Any], first: str, second: str) -> str:
    """One sentence: which trained network is better, and whether the choice of the test rows explains it."""
    difference = comparison["accuracy_difference"]
    agreement = f"they agree on {comparison['agreement']:.1%} of the test rows"
    if difference == 0:
        return f"{first} and {second} are equally accurate; {agreement}."
    better = f"{first if difference > 0 else second} is {100 * abs(difference):.2f} points more accurate"
    if "mcnemar_p" not in comparison:
        return f"{better}; {agreement}."
    p = comparison["mcnemar_p"]
    chance = f"{'more' if p < 0.05 else 'no more'} than the choice of test rows explains (McNemar p = {p:.3g})"
    return f"{better}, {chance}; {agreement}."


def _paired_bootstrap(difference: np.ndarray) -> list[float]:
    rng = np.random.default_rng(0)
    # The mean of resampled rows depends only on how often each value (−1, 0, 1) is drawn.
    values, counts = np.unique(difference, return_counts=True)
    draws = rng.multinomial(len(difference), counts / counts.sum(), size=BOOTSTRAP_SAMPLES)
    low, high = np.percentile(draws @ values / len(difference), [2.5, 97.5])
    return [float(low), float(high)]
