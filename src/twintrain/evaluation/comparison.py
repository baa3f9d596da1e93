"""The difference between two frameworks on the same test rows, with what chance alone would do."""

from typing import Any

import numpy as np
from scipy.stats import binomtest

from twintrain.errors import UserError
from twintrain.frameworks import TITLES

BOOTSTRAP_SAMPLES = 2000
# A share of the mean absolute error that float32 sums in another order make in a training of some thousand steps.
ROUNDING = 1e-5


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
    found = compare_classes(first.argmax(axis=1), second.argmax(axis=1), labels, rows_are_a_sample)
    return {**found, "largest_probability_difference": float(np.abs(first - second).max())}


def compare_classes(
    first_classes: np.ndarray, second_classes: np.ndarray, labels: np.ndarray, rows_are_a_sample: bool = True
) -> dict[str, Any]:
    """What `compare_predictions` finds in the predicted classes (rows,) alone."""
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
    }


def compare_numbers(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, rows_are_a_sample: bool = True
) -> dict[str, Any]:
    """Compares two sets of predicted numbers (rows, outputs) for the same rows.

    Returns:
        mae_difference: mean absolute error of the first less that of the second, in the unit of the numbers.
        relative_difference: that over the smaller of the two errors; under ROUNDING nothing but the order of sums.
        mae_ci95: 95 % interval of that difference by the paired bootstrap of the rows, as in `compare_predictions`.
        rmse_difference: the same of the root mean squared errors.
        first_closer: share of rows where the first errs less, of those where the two differ.
        largest_prediction_difference: over all rows and outputs.
    """
    first_errors, second_errors = (np.abs(found - labels).mean(axis=1) for found in (first, second))
    difference = first_errors - second_errors
    first_rmse, second_rmse = (float(np.sqrt(np.square(found - labels).mean())) for found in (first, second))
    smaller = min(first_errors.mean(), second_errors.mean())
    differing = difference[difference != 0]
    return {
        "mae_difference": float(difference.mean()),
        "relative_difference": float(difference.mean() / max(smaller, np.finfo(np.float64).tiny)),
        **({"mae_ci95": _paired_bootstrap(difference)} if rows_are_a_sample else {}),
        "rmse_difference": first_rmse - second_rmse,
        "first_closer": float((differing < 0).mean()) if len(differing) else 0.5,
        "largest_prediction_difference": float(np.abs(first - second).max()),
    }


def verdict(comparison: dict[str, Any], first: str, second: str) -> str:
    """One sentence: which trained network is better, and whether the choice of the test rows explains it."""
    if "mae_difference" in comparison:
        return _verdict_on_numbers(comparison, first, second)
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


def against_baseline(comparisons: dict[str, dict[str, Any]], baseline: str) -> str:
    """One sentence: by how much networks are better than a baseline, or that they are not.

    Args:
        comparisons: what `compare_classes` or `compare_numbers` found of each network, by its title, less the baseline.
    """
    numbers = any("mae_difference" in found for found in comparisons.values())
    unit = "mean absolute error, less is better" if numbers else "points of accuracy"
    standings = "; ".join(f"{title} {_standing(found)}" for title, found in comparisons.items())
    return f"Against the baseline, {baseline}, in {unit}: {standings}."


def _standing(comparison: dict[str, Any]) -> str:
    """`+3.00 (95 % interval +1.40 to +4.60), better`."""
    numbers = "mae_difference" in comparison
    name, sign, scale, form = ("mae", -1, 1, "{:+.3g}") if numbers else ("accuracy", 1, 100, "{:+.2f}")
    difference, interval = comparison[f"{name}_difference"], comparison.get(f"{name}_ci95")
    standing = "better" if sign * difference > 0 else "worse" if difference else "equal"
    if interval is None:
        return f"{form.format(scale * difference)}, {standing}"
    low, high = interval
    if low <= 0 <= high and difference:
        standing = "no more than the choice of test rows explains"
    shown = [form.format(scale * value) for value in (difference, low, high)]
    return "{} (95 % interval {} to {}), {}".format(*shown, standing)


def _paired_bootstrap(difference: np.ndarray) -> list[float]:
    """95 % interval of the mean of differences (rows,), percentiles."""
    rng = np.random.default_rng(0)
    # The mean of resampled rows depends only on how often each value is drawn: of accuracies, −1, 0 and 1.
    values, counts = np.unique(difference, return_counts=True)
    shares = counts / counts.sum()
    means = [rng.multinomial(len(difference), shares) @ values / len(difference) for _ in range(BOOTSTRAP_SAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return [float(low), float(high)]


def _verdict_on_numbers(comparison: dict[str, Any], first: str, second: str) -> str:
    difference = comparison["mae_difference"]
    parted = f"their predictions differ by {comparison['largest_prediction_difference']:.3g} at most"
    if abs(comparison["relative_difference"]) < ROUNDING:
        return f"{first} and {second} err equally, but for rounding; {parted}."
    better = f"{first if difference < 0 else second} errs less by {abs(difference):.3g} in the mean"
    if "mae_ci95" not in comparison:
        return f"{better}; {parted}."
    low, high = comparison["mae_ci95"]
    chance = f"{'no more' if low <= 0 <= high else 'more'} than the choice of test rows explains"
    return f"{better}, {chance} (95 % interval {low:+.2g} to {high:+.2g}); {parted}."
