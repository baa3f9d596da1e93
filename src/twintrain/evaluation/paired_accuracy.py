"""The difference of two accuracies on the same rows, by the score statistic of Tango 1998: its interval and its test.

Both come from one statistic, so that they never contradict each other: the interval holds the differences that the test
does not reject. Neither is certain where few rows, or none, are right for one of the two alone, as the bootstrap is,
whose interval then has no width.

Rows that were drawn in groups tell less than as many rows by themselves. How much less is the design effect, by which
all counts are divided (Rao and Scott 1992): the test of no difference is then that of Durkalski et al. 2003, whose
variance is the sum of the squared differences of whole groups.
"""

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from twintrain.evaluation.sampling import ROWS, Sampling

CONFIDENCE = 0.95
Z = 1.959963984540054  # of the normal distribution, (1 + CONFIDENCE) / 2 lie below it
# The statistic has no value at a difference of all rows.
LARGEST = 1 - 1e-12


class Counts(NamedTuple):
    """How many rows, of those drawn by themselves, would tell as much; no whole numbers where rows come in groups.

    Attributes:
        only_first, only_second: those that only one of the two gets right.
        rows: all of them.
    """

    only_first: float
    only_second: float
    rows: float


def effective_counts(first_right: np.ndarray, second_right: np.ndarray, sampling: Sampling = ROWS) -> Counts:
    """Counts of two that are right or wrong on the same rows, bool (rows,), divided by the design effect."""
    surplus = first_right.astype(np.int8) - second_right
    discordant = np.abs(surplus)
    sizes, found = sampling.total(np.ones(len(surplus), np.int8)), sampling.total(discordant)
    squares = (sampling.total(surplus) ** 2).sum()
    effect = design_effect(squares, found.sum(), np.count_nonzero(found), (sizes**2).sum(), sizes.sum())
    counts = (surplus > 0).sum(), (surplus < 0).sum(), len(surplus)
    return Counts(*(float(count / effect) for count in counts))


def design_effect(
    squares: ArrayLike, discordant: ArrayLike, groups: ArrayLike, size_squares: ArrayLike, rows: ArrayLike
) -> np.ndarray:
    """By how much the variance of a difference is larger than of as many rows drawn by themselves; at least 1.

    Of few discordant groups it is not known: it is taken for that of these and one more, as large as the mean one, that
    is discordant as a whole. So without a discordant row a group counts as one row.

    Args:
        squares: sum of the squared differences of groups, each in rows.
        discordant: rows that only one of the two gets right; groups: those with such rows.
        size_squares: sum of the squared numbers of rows of the groups; rows: all of them.
    """
    # Of a row drawn blindly, how many rows its group has in the mean.
    one_more = np.divide(size_squares, rows)
    weight = np.where(np.equal(groups, 0), 1.0, np.divide(discordant, np.maximum(groups, 1)))
    return np.maximum((squares + weight * one_more) / (discordant + weight), 1.0)


def tango_statistic(counts: Counts, difference: float) -> float:
    """The score statistic (normal) of Tango 1998, were the true difference of the two accuracies this one."""
    only_first, only_second, rows = counts
    variance = rows * likely_variance(counts, difference)
    surplus = only_first - only_second - rows * difference
    if variance <= 0:
        return float(np.sign(surplus)) * np.inf if surplus else 0.0
    return float(surplus / np.sqrt(variance))


def likely_variance(counts: Counts, difference: float) -> float:
    """Of one row's difference, were the true one this: that of the most likely shares of discordant rows (Tango 1998).

    The share of rows that only the second gets right is the larger root of 2·q² + B·q + C.
    """
    first, second = counts.only_first / counts.rows, counts.only_second / counts.rows
    b = (2 - first + second) * difference - first - second
    c = -second * difference * (1 - difference)
    share = (np.sqrt(max(b * b - 8 * c, 0.0)) - b) / 4
    return 2 * share + difference * (1 - difference)


def interval(counts: Counts) -> list[float]:
    """95 % interval of the first accuracy less the second: the differences that the statistic does not reject."""

    def end(wanted: float) -> float:
        def above(difference: float) -> float:
            return tango_statistic(counts, difference) - wanted

        # It falls as the difference grows.
        if above(-LARGEST) <= 0:
            return -1.0
        return 1.0 if above(LARGEST) >= 0 else float(scipy.optimize.brentq(above, -LARGEST, LARGEST, xtol=1e-12))

    return [end(Z), end(-Z)]


def p_value(counts: Counts) -> float:
    """Two-sided test of no difference: McNemar's of 1947, which the statistic is at 0.

    Its type I error is at most 0.053 at 20 to 1,000 rows of which 1 to 10 % are discordant, counted by
    tests/evaluation/test_paired_accuracy.py.
    The exact test, which may be as low as 0.00, contradicts the interval where it is near 0.05.
    """
    return float(mcnemar_p(counts.only_first, counts.only_second))


def mcnemar_p(only_first: ArrayLike, only_second: ArrayLike) -> np.ndarray:
    """`p_value` of many; 1 where there are no rows that only one of the two gets right."""
    surplus, discordant = np.subtract(only_first, only_second), np.add(only_first, only_second)
    return 2 * scipy.stats.norm.sf(np.abs(surplus) / np.sqrt(np.where(discordant == 0, 1.0, discordant)))


def exact_p_value(only_first: int, only_second: int) -> float:
    """The exact test of McNemar (1947), two-sided, of rows drawn by themselves: the binomial of the discordant ones.

    It never rejects too often, and with few discordant rows far too seldom, so `p_value` decides.
    """
    return (
        float(scipy.stats.binomtest(only_first, only_first + only_second).pvalue) if only_first + only_second else 1.0
    )


def resolution(rows: float) -> float:
    """Half the width of the interval of two that are right on the same rows: less these rows can tell of nothing."""
    return interval(Counts(0, 0, rows))[1]
