"""The difference of two accuracies on the same rows, by the score statistic of Tango 1998: its interval and its test.

Both come from one statistic, so that they never contradict each other: the interval holds the differences that the test
does not reject. Neither is certain where few rows, or none, are right for one of the two alone, as the bootstrap is,
whose interval then has no width.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

CONFIDENCE = 0.95
Z = float(norm.ppf((1 + CONFIDENCE) / 2))
# The statistic has no value at a difference of all rows.
LARGEST = 1 - 1e-12


def tango_statistic(only_first: int, only_second: int, rows: int, difference: float) -> float:
    """The score statistic (normal) of Tango 1998, were the true difference of the two accuracies this one.

    Its variance is that of the most likely shares of discordant rows with this difference: the larger root of
    2n·q² + B·q + C, where q is the share of rows that only the second gets right.

    Args:
        only_first, only_second: numbers of rows that only one of the two gets right.
        rows: all of them.
    """
    b = (2 * rows - only_first + only_second) * difference - only_first - only_second
    c = -only_second * difference * (1 - difference)
    share = (np.sqrt(max(b * b - 8 * rows * c, 0.0)) - b) / (4 * rows)
    variance = rows * (2 * share + difference * (1 - difference))
    surplus = only_first - only_second - rows * difference
    if variance <= 0:
        return float(np.sign(surplus)) * np.inf if surplus else 0.0
    return float(surplus / np.sqrt(variance))


def interval(only_first: int, only_second: int, rows: int) -> list[float]:
    """95 % interval of the first accuracy less the second: the differences that the statistic does not reject."""

    def end(wanted: float) -> float:
        def above(difference: float) -> float:
            return tango_statistic(only_first, only_second, rows, difference) - wanted

        # It falls as the difference grows.
        if above(-LARGEST) <= 0:
            return -1.0
        return 1.0 if above(LARGEST) >= 0 else float(brentq(above, -LARGEST, LARGEST, xtol=1e-12))

    return [end(Z), end(-Z)]


def p_value(only_first: int, only_second: int) -> float:
    """Two-sided test of no difference: McNemar's of 1947, which the statistic is at 0.

    Its type I error is at most 0.053 at 20 to 1,000 rows of which 1 to 10 % are discordant (tests/test_paired_accuracy).
    The exact test, which may be as low as 0.00, contradicts the interval where it is near 0.05.

    Returns:
        1 where there are no rows that only one of the two gets right.
    """
    discordant = only_first + only_second
    return float(2 * norm.sf(abs(only_first - only_second) / np.sqrt(discordant))) if discordant else 1.0


def resolution(rows: int) -> float:
    """Half the width of the interval of two that are right on the same rows: less these rows can tell of nothing."""
    return interval(0, 0, rows)[1]
