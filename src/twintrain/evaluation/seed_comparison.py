"""The spread between trainings that differ in their seed alone, beside the difference between frameworks."""

from typing import Any

import numpy as np
from scipy.stats import t

from twintrain.evaluation import equivalence

CONFIDENCE = 0.95


def compare_seeds(
    first: list[dict[str, Any]], second: list[dict[str, Any]], score: str, margin: float
) -> dict[str, float | int | bool | list[float]] | None:
    """Compares a score of two frameworks over the seeds that both were trained with, paired by seed.

    Pairs share initial weights, batches and dropout masks (in `mode: aligned`), so that the spread that a seed brings
    to both is in neither the interval nor the test.

    Args:
        first, second: `seed` and scores of each training.
        score: `eval_acc`, or an error such as `mae`.
        margin: of accuracies a difference, of errors a share of the smaller mean.

    Returns:
        count: number of seeds.
        mean_difference: first less second; ci95: its t interval, with count − 1 degrees of freedom.
        equivalence_p: TOST by t tests.
        first_mean, first_std, second_mean, second_std: over the seeds, the deviations with n − 1.
        None with less than two seeds in common.
    """
    scores = [{training["seed"]: training[score] for training in trainings} for trainings in (first, second)]
    common = [seed for seed in scores[0] if seed in scores[1]]
    if len(common) < 2:
        return None
    ours, theirs = (np.array([found[seed] for seed in common]) for found in scores)
    difference = ours - theirs
    unit = 1.0 if score == "eval_acc" else float(max(min(ours.mean(), theirs.mean()), np.finfo(np.float64).tiny))
    return {
        "count": len(common),
        "mean_difference": float(difference.mean()),
        "ci95": t_interval(difference),
        "equivalence_p": equivalence.of_means(difference, margin, unit)["equivalence_p"],
        "first_mean": float(ours.mean()),
        "first_std": float(ours.std(ddof=1)),
        "second_mean": float(theirs.mean()),
        "second_std": float(theirs.std(ddof=1)),
    }


def t_interval(difference: np.ndarray) -> list[float]:
    """95 % interval of the mean of differences (seeds,), Student's."""
    half = t.ppf((1 + CONFIDENCE) / 2, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference))
    return [float(difference.mean() - half), float(difference.mean() + half)]
