"""Tests of differences in pairs, many at once, and the adjustment for their number."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, t


def mcnemar_p(only_first: ArrayLike, only_second: ArrayLike) -> np.ndarray:
    """Exact McNemar test (McNemar 1947), two-sided.

    Args:
        only_first, only_second: numbers of rows that only one of the two gets right.

    Returns:
        the chance of a split at least this uneven, were both equally good; 1 where there are no such rows.
    """
    fewer, both = np.minimum(only_first, only_second), np.add(only_first, only_second)
    return np.minimum(1.0, 2 * binom.cdf(fewer, both, 0.5))


def paired_t_p(means: np.ndarray, deviations: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Paired t test, two-sided, from mean and deviation (n − 1) of the differences; 1 where all of them are 0."""
    errors = deviations / np.sqrt(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = np.where(means == 0, 0.0, np.abs(means) / errors)
    return 2 * t.sf(statistics, rows - 1)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusts p values (tests,) for their number: the chance that any one of these would be so small (Holm 1979)."""
    order = np.argsort(p)
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted
