"""Pairs of networks on test rows of which is known what is true: for tests, and for benchmarks/chances.py."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import binom

from twintrain.evaluation.equivalence import of_accuracies
from twintrain.evaluation.intervals import TIED
from twintrain.evaluation.paired_accuracy import Counts, interval, p_value
from twintrain.evaluation.sampling import Sampling
from twintrain.registry import gate

# Of some thousand outcomes all that are left out are less than 1e-4 together.
UNLIKELY = 1e-8
Outcome = tuple[int, int, int, float]


def outcomes(rows: int, discordant: float, difference: float = 0.0) -> Iterator[Outcome]:
    """Numbers of rows that only the first and only the second gets right, of all rows, and how likely they are.

    Args:
        discordant: share of rows that one of the two alone gets right.
        difference: of the first accuracy less the second.
    """
    share = (discordant + difference) / 2 / discordant
    for both in range(rows + 1):
        if (chance := binom.pmf(both, rows, discordant)) > UNLIKELY:
            for first, split in enumerate(binom.pmf(np.arange(both + 1), both, share)):
                if chance * split > UNLIKELY:
                    yield first, both - first, rows, chance * split


def chance_of(found: Iterator[Outcome], happens: Callable[[int, int, int], bool]) -> float:
    """How likely outcomes are together of which something is true."""
    return float(sum(chance for *counts, chance in found if happens(*counts)))


def differs(only_first: float, only_second: float, rows: float) -> bool:
    """Whether two are said to differ."""
    return p_value(Counts(only_first, only_second, rows)) < 0.05


def passes_the_gate(only_first: float, only_second: float, rows: float) -> bool:
    """Whether the gate takes the first for no worse than the second by more than a point."""
    counts = Counts(only_first, only_second, rows)
    found = {
        "accuracy_difference": (only_first - only_second) / rows,
        "accuracy_ci95": interval(counts),
        "mcnemar_p": p_value(counts),
        "equivalent": of_accuracies(counts, 0.01)["equivalent"],
    }
    return gate.standing(gate.lead(found), 0.01) != "worse"


def grouped_classes(
    rng: np.random.Generator, groups: int, size: int, discordant: float, worse: float = 0.0, together: bool = True
) -> tuple[np.ndarray, np.ndarray, Sampling]:
    """Whether each of two is right, bool (rows,), on rows of which those of a group are alike.

    Args:
        discordant: share of rows that one of the two alone gets right; it varies from group to group.
        worse: by how much the first one is less accurate.
        together: whether all discordant rows of a group are for the same one of the two.
    """
    shares = rng.beta(2 * discordant, 2 * (1 - discordant), groups)
    is_discordant = rng.random((groups, size)) < shares[:, None]
    for_second = rng.random((groups, 1 if together else size)) < (discordant + worse) / 2 / discordant
    first = ~(is_discordant & for_second)
    second = ~(is_discordant & ~for_second)
    return first.ravel(), second.ravel(), Sampling(groups=np.repeat(np.arange(groups), size))


def grouped_errors(rng: np.random.Generator, groups: int, size: int) -> tuple[np.ndarray, np.ndarray, Sampling]:
    """Errors of two that are equally good, and each better in some groups."""
    base, lean = rng.exponential(size=(groups, size)), rng.normal(scale=0.3, size=(groups, 1))
    first, second = base * np.exp(lean), base * np.exp(-lean)
    return first.ravel(), second.ravel(), Sampling(groups=np.repeat(np.arange(groups), size))


def _apart(rng: np.random.Generator, rows: int, tail: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.exp(tail * rng.normal(size=(2, rows)))
    return (1 + margin) * first, second


def _alike(rng: np.random.Generator, rows: int, tail: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
    shared, *own = rng.normal(size=(3, rows))
    first, second = (np.exp(tail * (0.9 * shared + np.sqrt(0.19) * single)) for single in own)
    return (1 + margin) * first, second


def _one_tailed(rng: np.random.Generator, rows: int, tail: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
    first = np.exp(tail * rng.normal(size=rows) - tail**2 / 2)
    return (1 + margin) * first, np.abs(rng.normal(size=rows)) * np.sqrt(np.pi / 2)


def _added(rng: np.random.Generator, rows: int, tail: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
    second, more = np.exp(tail * rng.normal(size=(2, rows)))
    return second + margin * more, second


Errors = Callable[[np.random.Generator, int, float, float], tuple[np.ndarray, np.ndarray]]
# Errors (rows,) with log-normal tails, the first one's mean larger by exactly the margin, and that margin.
HEAVY_TAILED: dict[str, tuple[Errors, float]] = {
    "drawn apart": (_apart, 0.3),
    "nearly alike": (_alike, 0.2),
    "one tail alone": (_one_tailed, 0.3),
    "a tail added": (_added, 0.05),
}


def outcomes_apart(rows: int, apart: float, others: float, few: float) -> Iterator[tuple[np.ndarray, float]]:
    """Numbers (rows,) that are the same in all rows but a few, and how likely they are.

    Args:
        apart: share of the rows that are `few`; all `others` are alike.
    """
    for count in range(rows + 1):
        if (chance := binom.pmf(count, rows, apart)) > UNLIKELY:
            yield np.where(np.arange(rows) < count, few, others), float(chance)


def excludes_0(ends: list[float] | None) -> bool:
    """Whether an interval says that there is a difference, by more than rounding."""
    return ends is not None and (ends[0] > TIED or ends[1] < -TIED)


def share(found: Iterator[bool]) -> float:
    """Of trials, how many are true."""
    return float(np.mean(list(found)))
