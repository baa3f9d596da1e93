"""The spread between trainings that differ in their seed alone, beside the difference between frameworks."""

from math import ceil
from typing import Any

import numpy as np
import scipy

from twintrain.evaluation import equivalence, paired_accuracy

CONFIDENCE = 0.95
# Two seeds have one difference of differences: whatever chance made of it, Student's interval would be of.
FEWEST_FOR_EQUIVALENCE = 3


def compare_seeds(
    first: list[dict[str, Any]], second: list[dict[str, Any]], score: str, margin: float, rows: float | None = None
) -> dict[str, float | int | bool | list[float] | None] | None:
    """Compares a score of two frameworks over the seeds that both were trained with, paired by seed.

    Pairs share initial weights, batches and dropout masks (in `mode: aligned`), so that the spread that a seed brings
    to both is in neither the interval nor the test. Accuracies are whole numbers of rows: seeds may agree by chance, so
    the interval is at least as wide as that of two that are right on the same rows.

    Args:
        first, second: `seed` and scores of each training.
        score: `eval_acc`, or an error such as `mae`.
        margin: of accuracies a difference, of errors a share of the smaller mean.
        rows: how many test rows, drawn by themselves, would tell as much, where they are a sample and the score is
            the accuracy.

    Returns:
        count: number of seeds.
        mean_difference: first less second; ci95: its t interval, with count − 1 degrees of freedom.
        equivalence_p: TOST by t tests; None of fewer than FEWEST_FOR_EQUIVALENCE seeds, which never show it.
        equivalence_needs: seeds that would show it, were both equally good; absent where these test rows never would.
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
    least = paired_accuracy.resolution(rows) if rows else 0.0
    p = equivalence.of_means(difference, margin, unit, least / paired_accuracy.Z)
    found = {} if least >= margin else {"equivalence_needs": _seeds_needed(difference, margin * unit)}
    return {
        "count": len(common),
        "mean_difference": float(difference.mean()),
        "ci95": t_interval(difference, least),
        "equivalence_p": p if len(common) >= FEWEST_FOR_EQUIVALENCE else None,
        "first_mean": float(ours.mean()),
        "first_std": float(ours.std(ddof=1)),
        "second_mean": float(theirs.mean()),
        "second_std": float(theirs.std(ddof=1)),
        **found,
    }


def _seeds_needed(difference: np.ndarray, margin: float) -> int:
    return max(ceil(equivalence.needed(float(difference.var(ddof=1)), margin)), FEWEST_FOR_EQUIVALENCE)


def t_interval(difference: np.ndarray, least: float = 0.0) -> list[float]:
    """95 % interval of the mean of differences (seeds,), Student's; to either side at least so wide."""
    half = (
        scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference))
    )
    half = max(half, least)
    return [float(difference.mean() - half), float(difference.mean() + half)]
