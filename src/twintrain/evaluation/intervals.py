"""95 % intervals of paired differences, from the chance in drawing the test rows.

The paired bootstrap (Efron and Tibshirani 1993, chapter 13): test rows are drawn anew with replacement, the same ones
for both networks, and the interval goes from the 2.5th to the 97.5th percentile of what comes out.

Beyond `RESAMPLED_ROWS` rows the differences are normal, and the interval is 1.96 standard errors on either side: from
one pass over the rows, and the same each time. A bootstrap in one pass exists (Poisson weights of mean 1: Chamandy et
al. 2012, Estimating uncertainty for massive data streams), but it adds up every row SAMPLES times, needs an area from
sorted rows each time, and its ends are off by 1.5 % of the width in the mean, the noise of SAMPLES draws: √(p (1 − p) /
SAMPLES) over the normal density at p = 0.025. The two agree within that (tests/evaluation/test_intervals.py).

Rows that were drawn in groups pull the difference together: the standard error is that of whole groups, and the factor
Student's (of areas: Obuchowski 1997). The bootstrap of so few draws as there are groups would be too short.

Of differences that are nearly all the same there is no interval, however many they are: that n rows differ by as much
tells nothing of a share of up to 3 / n that may differ by anything (the rule of three; Bahadur and Savage 1956). The
bootstrap would give no width where no such row was drawn, and too little where it was a few.
"""

from collections.abc import Iterator

import numpy as np
import scipy

from twintrain.evaluation.classification import area_under_curve, share_below
from twintrain.evaluation.running import evenly, runs
from twintrain.evaluation.sampling import ROWS, Sampling

SAMPLES = 2000
RESAMPLED_ROWS = 10_000
# Resamples at a time: their counts stay in the processor's cache.
BLOCK = 50
PERCENTILES = (2.5, 97.5)
# Of fewer draws that differ from all others the bootstrap's interval is too short (docs/comparison.md, chances alike).
FEWEST_APART = 5
# Differences of errors in float64 are the same up to so much of the largest; those of trained networks never are.
TIED = 1e-9


def apart(difference: np.ndarray, sampling: Sampling = ROWS) -> int:
    """How many draws hold a row whose difference (rows,) is not the middle one."""
    # Where nearly all are the same, the middle one of an even sample is that one too.
    middle = np.median(difference[evenly(len(difference))])
    least = TIED * max(difference.max(), -difference.min())
    if sampling.groups is None:
        return sum(int(np.count_nonzero(np.abs(difference[run] - middle) > least)) for run in runs(difference))
    return int(np.count_nonzero(sampling.total(np.abs(difference - middle) > least)))


def are_alike(difference: np.ndarray, sampling: Sampling = ROWS) -> bool:
    """Whether so few draws are `apart` that they tell nothing of how far apart others may be."""
    few = apart(difference, sampling)
    return few < FEWEST_APART and 2 * few < sampling.count(len(difference))


def mean_interval(difference: np.ndarray, sampling: Sampling = ROWS) -> list[float] | None:
    """Interval of the mean of differences (rows,); None of a single draw, and where they are alike."""
    if sampling.count(len(difference)) < 2 or are_alike(difference, sampling):
        return None
    if not _is_resampled(len(difference), sampling):
        return _student_interval(float(difference.mean()), difference - difference.mean(), sampling)
    return bootstrap_interval(difference)


def bootstrap_interval(difference: np.ndarray) -> list[float]:
    """That of the mean of differences (rows,) that were drawn by themselves, whatever they are like."""
    rows = len(difference)
    return _percentiles(np.concatenate([difference @ drawn / rows for drawn in resamples(rows)]))


def area_interval(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, sampling: Sampling = ROWS
) -> list[float] | None:
    """Interval of the area under the ROC curve of the first less that of the second.

    The area is that of `scores.area_under_roc`: of several classes, the mean of each against the rest.

    Args:
        first, second: probabilities (rows, classes).
        labels: int64 (rows,).

    Returns:
        None where a class is absent, from the labels or from half of what is drawn: then there is no area.
    """
    classes = range(1, 2) if first.shape[1] == 2 else range(first.shape[1])
    if np.count_nonzero(np.bincount(labels)) < first.shape[1]:
        return None
    if not _is_resampled(len(labels), sampling):
        (area, influence), (other, others) = (_area_and_influence(found, labels, classes) for found in (first, second))
        influence -= others
        return _student_interval(area - other, influence, sampling)
    orders = [[_Order(found[:, code], labels == code) for code in classes] for found in (first, second)]
    areas = np.concatenate(
        [
            np.mean([order.areas(drawn) for order in orders[0]], axis=0)
            - np.mean([order.areas(drawn) for order in orders[1]], axis=0)
            for drawn in resamples(len(labels))
        ]
    )
    areas = areas[~np.isnan(areas)]
    return _percentiles(areas) if len(areas) >= SAMPLES / 2 else None


class _Order:
    """The order of scores (rows,), from which the area under the ROC curve follows for any weights of the rows.

    It is the share of pairs of a positive and a negative row in which the positive has the higher score, ties being
    half a pair (Hanley and McNeil 1982).
    """

    def __init__(self, scores: np.ndarray, is_positive: np.ndarray) -> None:
        negative = np.flatnonzero(~is_positive)
        self.positive = np.flatnonzero(is_positive)
        self.negative = negative[np.argsort(scores[negative])]
        ordered = scores[self.negative]
        self.below, self.not_above = (
            np.searchsorted(ordered, scores[self.positive], side) for side in ("left", "right")
        )

    def areas(self, drawn: np.ndarray) -> np.ndarray:
        """Areas (samples,) for rows drawn so many times (rows, samples); NaN where no row of either kind is drawn."""
        passed = np.zeros((len(self.negative) + 1, drawn.shape[1]), drawn.dtype)
        np.cumsum(drawn[self.negative], axis=0, out=passed[1:])
        weights = drawn[self.positive]
        # Twice the pairs are at most half the square of RESAMPLED_ROWS, which int32 holds.
        twice_won = np.einsum("ij,ij->j", weights, passed[self.below] + passed[self.not_above])
        pairs = weights.sum(axis=0) * passed[-1].astype(np.float64)
        return np.divide(twice_won / 2, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def _is_resampled(rows: int, sampling: Sampling) -> bool:
    return rows <= RESAMPLED_ROWS and sampling.groups is None


def resamples(rows: int) -> Iterator[np.ndarray]:
    """How often each row is drawn, int32 (rows, BLOCK) at a time, SAMPLES in all; every call draws the same."""
    generator = np.random.default_rng(0)
    for _ in range(0, SAMPLES, BLOCK):
        drawn = [np.bincount(generator.integers(rows, size=rows), minlength=rows) for _ in range(BLOCK)]
        yield np.stack(drawn, axis=1).astype(np.int32)


def _area_and_influence(probability: np.ndarray, labels: np.ndarray, classes: range) -> tuple[float, np.ndarray]:
    """The area, and how much each row (rows,) pulls it: the components of DeLong, DeLong and Clarke-Pearson 1988."""
    areas, influence = [], np.zeros(len(labels))
    for code in classes:
        is_positive = labels == code
        areas.append(area_under_curve(is_positive, probability[:, code]))
        positive, negative = (np.sort(probability[kind, code]) for kind in (is_positive, ~is_positive))
        for run in runs(labels):
            scores, is_own, pulls = probability[run, code], is_positive[run], influence[run]
            won = share_below(negative, scores[is_own]) - areas[-1]
            lost = 1 - share_below(positive, scores[~is_own]) - areas[-1]
            pulls[is_own] += won * len(labels) / len(positive) / len(classes)
            pulls[~is_own] += lost * len(labels) / len(negative) / len(classes)
    return float(np.mean(areas)), influence


def _student_interval(estimate: float, influence: np.ndarray, sampling: Sampling) -> list[float]:
    """From how much each row (rows,) pulls what was estimated, in the mean of all rows 0."""
    draws = sampling.total(influence)
    mean = draws.mean()
    squares = sum(float(np.square(draws[run] - mean).sum()) for run in runs(draws))
    error = np.sqrt(squares * len(draws) / (len(draws) - 1)) / len(influence)
    half = scipy.stats.t.ppf(PERCENTILES[1] / 100, len(draws) - 1) * error
    return [float(estimate - half), float(estimate + half)]


def _percentiles(samples: np.ndarray) -> list[float]:
    low, high = np.percentile(samples, PERCENTILES)
    return [float(low), float(high)]
