"""Tests of differences in pairs, many at once, and the adjustment for their number."""

import numpy as np
import scipy

from twintrain.evaluation.intervals import TIED


def paired_t_p(means: np.ndarray, deviations: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Paired t test, two-sided, from mean and deviation (n − 1) of the differences.

    1 where all of them are the same: that tells nothing of others (`intervals.mean_interval`).
    """
    errors = deviations / np.sqrt(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = np.where(deviations <= TIED * np.abs(means), 0.0, np.abs(means) / errors)
    return 2 * scipy.stats.t.sf(statistics, count - 1)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusts p values (tests,) for their number: the chance that any one of these would be so small (Holm 1979)."""
    order = np.argsort(p)
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted
