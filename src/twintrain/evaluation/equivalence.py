"""Whether two networks are as good as each other within a margin: two one-sided tests (TOST; Schuirmann 1987).

That a difference is not significant says little: with few rows, none is. Equivalence is a claim of its own, and has
tests of its own: that the difference is above −margin, and that it is below +margin. Both must reject at ALPHA.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy

from twintrain.evaluation.intervals import RESAMPLED_ROWS, apart, are_alike, resamples
from twintrain.evaluation.paired_accuracy import Counts, likely_variance, tango_statistic
from twintrain.evaluation.sampling import ROWS, Sampling

ALPHA = 0.05
POWER = 0.8
# Of errors a margin may be, and is looked for up to, a million times the smaller one.
LARGEST_SHARE = 1e6


def of_accuracies(counts: Counts, margin: float) -> dict[str, float | bool]:
    """TOST of two accuracies on the same rows, by the score statistic of Tango 1998.

    It is right with few rows that only one of the two gets right, or none, where t and Wald tests call any two
    networks equal (Liu et al. 2002).

    Args:
        margin: as a share of the rows.

    Returns:
        margin: as given.
        equivalence_p: the larger of the two one-sided p values.
        equivalent: whether it is below ALPHA.
        equivalent_within: the smallest margin at which it would be; 1 where there is none.
        equivalence_needs: of such rows, how many would show it in POWER of the cases, were both equally good.
    """

    def p(tried: float) -> float:
        normal = scipy.stats.norm
        return max(normal.sf(tango_statistic(counts, -tried)), normal.cdf(tango_statistic(counts, tried)))

    found = _equivalence(p, margin, _smallest_margin(p))
    each = (counts.only_first + counts.only_second) / 2
    at_margin = likely_variance(Counts(each, each, counts.rows), margin)
    return {**found, "equivalence_needs": needed(2 * each / counts.rows, margin, at_margin)}


def of_errors(
    first: np.ndarray, second: np.ndarray, margin: float, sampling: Sampling = ROWS
) -> dict[str, float | bool]:
    """TOST of two mean errors on the same rows (rows,), within a share of the smaller one.

    That the first is larger by less than the share is that first − (1 + margin) · second has a mean below 0 (Sasabuchi
    1980, as of bioequivalence without logarithms): so the chance in what the margin is a share of counts too. Each is
    tested by Student's t and, where errors have heavy tails, by the bootstrap of t (Efron and Tibshirani 1993, section
    12.5); the larger p counts.

    Differences that are alike (`intervals.are_alike`) have no such spread, or that of a few rows. Then the rows are
    counted, as of accuracies: p is at least the chance to see so few apart, were a share of the margin apart by a whole
    error.

    Returns:
        as `of_accuracies`; equivalent_within may be above 1, and equivalence_needs are draws, if anything is known.
    """
    pair, counted = _SummedErrors(first, second, sampling), _Alike.found(first - second, sampling)

    def p(tried: float) -> float:
        # With d = first − second: d − m · second, and second − (1 + m) · first.
        return max(pair.p_below(1.0, -tried), pair.p_below(-(1 + tried), -tried), counted.p(tried) if counted else 0.0)

    found = _equivalence(p, margin, _smallest_margin(p, most=LARGEST_SHARE))
    variance = pair.relative_variance(margin)
    if variance is None:
        return found
    return {**found, "equivalence_needs": max(needed(variance, margin), counted.needed(margin) if counted else 0.0)}


class _Alike(NamedTuple):
    """Draws that are nearly all alike, and how many of them are apart."""

    apart: int
    draws: int

    @classmethod
    def found(cls, difference: np.ndarray, sampling: Sampling) -> "_Alike | None":
        if not are_alike(difference, sampling):
            return None
        return cls(apart(difference, sampling), sampling.count(len(difference)))

    def p(self, share: float) -> float:
        """The chance of no more apart, were such a share of all."""
        return float(scipy.stats.binom.cdf(self.apart, self.draws, min(share, 1.0)))

    def needed(self, share: float) -> float:
        """Draws of which these few apart would be too few for such a share (the exact limit of Poisson counts)."""
        return float(scipy.stats.chi2.isf(ALPHA, 2 * (self.apart + 1)) / 2 / share)


class _SummedErrors:
    """Difference of the errors of both, and those of the second: summed over what was drawn together, and resampled."""

    def __init__(self, first: np.ndarray, second: np.ndarray, sampling: Sampling) -> None:
        # In units of their own size, so that squares neither vanish nor overflow.
        scale = float(max(first.mean(), second.mean())) or 1.0
        pair = np.stack([sampling.total((first - second) / scale), sampling.total(second / scale)])
        self._count = pair.shape[1]
        self._mean, self._covariance = pair.mean(axis=1), np.cov(pair, ddof=0)
        self._drawn = _drawn_moments(pair) if self._count <= RESAMPLED_ROWS else None

    def relative_variance(self, margin: float) -> float | None:
        """Of a draw's d − m · second in squares of the second's mean; None where that is 0, or of a single draw."""
        if self._count < 2 or not self._mean[1]:
            return None
        by = np.array([1.0, -margin])
        return float(by @ self._covariance @ by / self._mean[1] ** 2)

    def p_below(self, *weights: float) -> float:
        """One-sided p that the weighted sum of both has a mean of 0 or more."""
        if self._count < 2:
            return 1.0
        by = np.array(weights)
        mean, deviation = by @ self._mean, np.sqrt(max(by @ self._covariance @ by, 0.0))
        if deviation <= np.finfo(np.float64).eps:  # of errors that are all the same: `_Alike` counts them
            return float(mean >= 0)
        statistic = np.sqrt(self._count - 1) * mean / deviation
        p = float(scipy.stats.t.cdf(statistic, self._count - 1))
        if self._drawn is None:
            return p
        means, covariances = self._drawn
        deviations = np.sqrt(np.maximum(np.einsum("i,ijs,j->s", by, covariances, by), np.finfo(np.float64).tiny))
        statistics = np.sqrt(self._count - 1) * (by @ means - mean) / deviations
        return max(p, float((1 + (statistics <= statistic).sum()) / (1 + len(statistics))))


def _drawn_moments(pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means (2, samples) and covariances (2, 2, samples) of resamples of a pair (2, draws)."""
    products = np.stack([pair[0] ** 2, pair[0] * pair[1], pair[1] ** 2])
    found = np.concatenate([np.vstack([pair, products]) @ drawn for drawn in resamples(pair.shape[1])], axis=1)
    first, second, *squares = found / pair.shape[1]
    a, b, c = squares[0] - first**2, squares[1] - first * second, squares[2] - second**2
    return np.stack([first, second]), np.array([[a, b], [b, c]])


def of_means(difference: np.ndarray, margin: float, unit: float = 1.0, least_error: float = 0.0) -> float:
    """The p value of TOST of the mean of paired differences (pairs,), by t tests.

    Args:
        difference: of what was measured in pairs.
        margin: in units.
        unit: what the margin is a share of, such as an error; its own chance is neglected.
        least_error: what the standard error is at least, whatever these few differences say.
    """
    mean, freedom = float(np.mean(difference)), len(difference) - 1
    error = max(float(np.std(difference, ddof=1) / np.sqrt(len(difference))), least_error)
    room = margin * unit - abs(mean)
    # Errors are no counts: differences of trainings that are all the same are of no chance, but of seeds that change
    # nothing. What the test rows tell of them is another question (`of_errors`).
    return float(scipy.stats.t.sf(room / error, freedom)) if error else float(room <= 0)


def needed(variance: float, margin: float, at_margin: float | None = None) -> float:
    """Draws of which TOST rejects in POWER of the cases, where there is no difference.

    Args:
        variance: of a draw's difference.
        at_margin: what the test takes it for, of a difference of the margin; None: the same.
    """
    deviations = np.sqrt([variance if at_margin is None else at_margin, variance])
    return float(deviations @ scipy.stats.norm.isf([ALPHA, (1 - POWER) / 2]) / margin) ** 2


def _smallest_margin(p: Callable[[float], float], most: float = 1 - 1e-12) -> float:
    """Where p falls below ALPHA, to the tenth digit; as of resamples it falls in steps, it need not be ALPHA there."""
    least = 1e-12
    if p(least) < ALPHA:
        return 0.0
    if p(most) >= ALPHA:
        return float(round(most))
    return float(scipy.optimize.brentq(lambda tried: p(tried) - ALPHA, least, most, xtol=1e-10))


def _equivalence(p: Callable[[float], float], margin: float, equivalent_within: float) -> dict[str, float | bool]:
    at_margin = float(p(margin))
    return {
        "margin": margin,
        "equivalence_p": at_margin,
        "equivalent": at_margin < ALPHA,
        "equivalent_within": float(equivalent_within),
    }
