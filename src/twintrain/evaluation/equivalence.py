"""Whether two networks are as good as each other within a margin: two one-sided tests (TOST; Schuirmann 1987).

That a difference is not significant says little: with few rows, none is. Equivalence is a claim of its own, and has
tests of its own: that the difference is above −margin, and that it is below +margin. Both must reject at ALPHA.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, t

from twintrain.evaluation.paired_accuracy import tango_statistic

ALPHA = 0.05


def of_accuracies(only_first: int, only_second: int, rows: int, margin: float) -> dict[str, float | bool]:
    """TOST of two accuracies on the same rows, by the score statistic of Tango 1998.

    It is right with few rows that only one of the two gets right, or none, where t and Wald tests call any two
    networks equal (Liu et al. 2002).

    Args:
        only_first, only_second: numbers of rows that only one of the two gets right.
        rows: all of them.
        margin: as a share of the rows.

    Returns:
        margin: as given.
        equivalence_p: the larger of the two one-sided p values.
        equivalent: whether it is below ALPHA.
        equivalent_within: the smallest margin at which it would be; 1 where there is none.
    """

    def p(tried: float) -> float:
        return max(
            norm.sf(tango_statistic(only_first, only_second, rows, -tried)),
            norm.cdf(tango_statistic(only_first, only_second, rows, tried)),
        )

    return _equivalence(p, margin, _smallest_margin(p))


def of_means(
    difference: np.ndarray, margin: float, unit: float = 1.0, least_error: float = 0.0
) -> dict[str, float | bool]:
    """TOST of the mean of paired differences (rows,), by t tests.

    Args:
        difference: of what was measured in pairs.
        margin: in units.
        unit: what the margin is a share of, such as an error; its own chance is neglected.
        least_error: what the standard error is at least, whatever these few differences say.

    Returns:
        as `of_accuracies`, `margin` and `equivalent_within` in units.
    """
    mean, freedom = float(np.mean(difference)), len(difference) - 1
    error = max(float(np.std(difference, ddof=1) / np.sqrt(len(difference))), least_error)

    def p(tried: float) -> float:
        room = tried * unit - abs(mean)
        # Differences that are all the same leave nothing to chance.
        return float(t.sf(room / error, freedom)) if error else float(room <= 0)

    return _equivalence(p, margin, (abs(mean) + t.ppf(1 - ALPHA, freedom) * error) / unit)


def _smallest_margin(p: Callable[[float], float]) -> float:
    least, most = 1e-12, 1 - 1e-12
    if p(most) >= ALPHA:
        return 1.0
    return float(brentq(lambda tried: p(tried) - ALPHA, least, most, xtol=1e-10))


def _equivalence(p: Callable[[float], float], margin: float, equivalent_within: float) -> dict[str, float | bool]:
    at_margin = float(p(margin))
    return {
        "margin": margin,
        "equivalence_p": at_margin,
        "equivalent": at_margin < ALPHA,
        "equivalent_within": float(equivalent_within),
    }
