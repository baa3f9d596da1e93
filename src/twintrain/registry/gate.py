"""Whether a trained network may become the champion: facts in, checks with their reasons out.

Pure: what a check needs is measured elsewhere. docs/registry.md explains the rules.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

from twintrain.evaluation import decision
from twintrain.evaluation.measures import Measure, measure_of

# Made only where all else has passed: they start processes that answer rows.
COSTLY = ("champion", "smoke test")
# The one check that a user may overrule: whether a simpler model would do is theirs to weigh. What the others refuse is
# a mistake, or not known to be none.
BASELINE = "baseline"


@dataclass(frozen=True)
class Check:
    """One condition of the gate.

    Attributes:
        name: twins, baseline, test rows, rollback, champion or smoke test.
        reason: one sentence; where it has failed and the user can do something about it, what to type.
        despite: why the user goes on although it has failed; empty where nobody does.
    """

    name: str
    passed: bool
    reason: str
    despite: str = ""

    @property
    def stops(self) -> bool:
        """Whether the alias may not move for it."""
        return not self.passed and not self.despite

    @property
    def mark(self) -> str:
        return "✓" if self.passed else "!" if self.despite else "✗"

    @property
    def text(self) -> str:
        """The reason, and why it was overruled."""
        return f"{self.reason} Overruled: {self.despite}" if self.despite else self.reason


@dataclass(frozen=True)
class Lead:
    """By how much a network is better than another one on the same rows; negative: worse.

    Attributes:
        low, high: its 95 % interval; infinite where the rows tell none.
        measure: what it is of, accuracies as shares of the rows.
        is_significant: more than the choice of the test rows, or of groups of them, explains.
        is_equivalent: shown to be less than the margin, either way.
    """

    value: float
    low: float
    high: float
    measure: Measure
    is_significant: bool
    is_equivalent: bool = False

    def __str__(self) -> str:
        if not self.measure.is_mean:
            shown = (100 * self.value, 100 * self.low, 100 * self.high)
            return "{:+.2f} points of accuracy, 95 % interval {:+.2f} to {:+.2f}".format(*shown)
        # As errors, of which less is better: 0 − 0 is no −0.
        value, *ends = (0 + self.measure.sign * each for each in (self.value, self.low, self.high))
        gained = f"{self.measure.text(value, signed=True)} in the mean {self.measure.noun}"
        if self.low == -inf:
            return f"{gained}, of which these test rows tell no interval"
        low, high = (self.measure.text(end, signed=True) for end in sorted(ends))
        return f"{gained}, 95 % interval {low} to {high}"


@dataclass(frozen=True)
class Latency:
    """Median milliseconds from a raw row to its answer, of both by turns.

    Attributes:
        low, high: 95 % interval of the median ratio of two turns, the candidate's share of the champion's.
    """

    candidate: float
    champion: float
    low: float
    high: float

    @property
    def is_less(self) -> bool:
        """Whether the candidate is the cheaper one, by more than a busy machine makes of two that are alike."""
        return self.high <= decision.CHEAPER

    def __str__(self) -> str:
        shares = f"{100 * self.low:.0f} to {100 * self.high:.0f} % of it"
        return f"{self.candidate:.2f} ms a row instead of {self.champion:.2f}, {shares}"


def lead(comparison: dict[str, Any]) -> Lead | None:
    """What `evaluation.comparison` found of a network, less another one; None where nothing is known of other rows."""
    if not decision.is_tested(comparison):
        return None
    measure = measure_of(comparison)
    ends = comparison[f"{measure.key}_ci95"] or (-inf, inf)
    low, high = sorted(measure.sign * end for end in ends)  # of errors less is better
    found = decision.is_significant(comparison), comparison.get("equivalent", False)
    return Lead(measure.sign * comparison[f"{measure.key}_difference"], low, high, measure, *found)


def standing(found: Lead, margin: float) -> Literal["better", "tie", "worse"]:
    """Where a candidate stands against the champion.

    better: beyond chance, and not equivalent. tie: equivalent; or the interval lies above −margin, so that the
    candidate is no worse by more than the margin (non-inferiority; ICH E9, 1998, section 3.3.2). worse: neither, so
    that it may be worse by more than the margin, for all that these rows tell.

    Args:
        margin: in the unit of the lead.
    """
    if found.is_significant and found.value > 0 and not found.is_equivalent:
        return "better"
    return "tie" if found.is_equivalent or found.low >= -margin else "worse"


def check_twins(verification: dict[str, Any]) -> Check:
    """Passed by a comparison of verified twins alone.

    Args:
        verification: as `verification.seal.seal` gives it.
    """
    passed = verification["verified"] is True
    return Check("twins", passed, verification["text"])


def check_baseline(found: Lead | None, baseline: str) -> Check:
    """Passed by a network that is better than the baseline by more than chance.

    Args:
        found: the network's lead; None where the test rows are no sample, which is a check of another name.
    """
    if found is None:
        reason = "train = val = test: scores on rows that were trained on say nothing of new ones."
        return Check("test rows", False, reason)
    if not found.is_significant:
        return Check(BASELINE, False, f"No better than {baseline} beyond chance: {found}.")
    passed = found.value > 0
    return Check(BASELINE, passed, f"{'Better' if passed else 'Worse'} than {baseline} beyond chance: {found}.")


def overruled(check: Check, despite: str) -> Check:
    """The same check, with the user's reason to go on where it is the baseline's and has failed."""
    return check if check.passed or check.name != BASELINE else replace(check, despite=despite)


def failed_as_rolled_back(when: str) -> Check:
    """For a version that the user has taken the alias from: no command gives it back but the user's own."""
    return Check("rollback", False, f"Rolled back on {when}; make rollback puts it back in place.")


def check_champion(found: Lead, margin: float, latency: Latency | None, note: str = "") -> Check:
    """Passed by a candidate that is better beyond chance, or ties and is cheaper.

    Args:
        found: the candidate's lead over the champion.
        margin: what counts as equal, in the unit of the lead.
        latency: of both; needed for a tie alone.
        note: what must be known to read the figures.
    """
    margin_text = f"{100 * margin:.1f} points" if not found.measure.is_mean else f"{margin:.3g}"
    match standing(found, margin):
        case "better":
            return Check("champion", True, f"Better than the champion beyond chance: {found}.{note}")
        case "worse" if found.is_significant:
            return Check("champion", False, f"Worse than the champion beyond chance: {found}.{note}")
        case "worse":
            reason = f"It may be worse than the champion by more than the margin of {margin_text}: {found}.{note}"
            return Check("champion", False, reason)
    if latency is None:
        raise ValueError("a tie is decided by latency, and none was measured")
    tie = f"No worse than the champion by more than the margin of {margin_text} ({found})"
    if latency.is_less:
        return Check("champion", True, f"{tie}, and cheaper: {latency}.{note}")
    return Check("champion", False, f"{tie}, but not a tenth cheaper either: {latency}.{note}")
