"""Which trials of a study make up its budget, decided by the list of trials alone: all workers come to the same.

Every trial that a worker has begun anew has a slot, by their order; the first ones, as many as the budget says, count.
A trial that its worker did not end leaves its slot to be tried again with the same parameters: another trial, which
names the one that it stands for. Optuna gives each trial its number in one transaction, and which slot it is for never
changes, so no two workers take the same one, and what a killed worker leaves half done the next one sees.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

# Keys of what a trial remembers: the number of the trial that it stands for, and why it failed or diverged.
STANDS_FOR, REASON = "stands_for", "reason"


def slot_of(trial: "FrozenTrial") -> int:
    """The number of the trial whose slot this one is for: its own, unless it tries again."""
    return trial.user_attrs.get(STANDS_FOR, trial.number)


def slots(trials: "Iterable[FrozenTrial]", budget: int | None = None) -> list[int]:
    """The slots in their order; None: those beyond the budget too, which a worker has begun when it was just spent."""
    return sorted(trial.number for trial in trials if STANDS_FOR not in trial.user_attrs)[:budget]


def has_ended(trial: "FrozenTrial") -> bool:
    """Whether a trial came to an end of its own, good or bad; one that was interrupted did not."""
    return trial.state.is_finished() and (trial.state.name != "FAIL" or REASON in trial.user_attrs)


def is_lost(trial: "FrozenTrial") -> bool:
    """Whether nobody ends this trial any more."""
    return trial.state.is_finished() and not has_ended(trial)


def abandoned(trials: "Sequence[FrozenTrial]", budget: int) -> "list[FrozenTrial]":
    """Of each slot that nobody is at and that has no end, the last trial."""
    last = {slot_of(trial): trial for trial in trials if is_lost(trial)}
    taken = {slot_of(trial) for trial in trials if not is_lost(trial)}
    return [last[slot] for slot in slots(trials, budget) if slot not in taken]


def is_spent(trials: "Sequence[FrozenTrial]", budget: int) -> bool:
    """Whether all trials of the budget have begun."""
    return len(slots(trials)) >= budget


def is_done(trials: "Sequence[FrozenTrial]", budget: int) -> bool:
    """Whether all trials of the budget have ended."""
    ended = {slot_of(trial) for trial in trials if has_ended(trial)}
    return is_spent(trials, budget) and ended.issuperset(slots(trials, budget))


def is_needed(trial: "FrozenTrial", trials: "Sequence[FrozenTrial]", budget: int) -> bool:
    """Whether a trial that has begun is in the budget, and the first one alive in its slot."""
    slot = slot_of(trial)
    rivals = (other for other in trials if slot_of(other) == slot and other.number < trial.number)
    return slot in slots(trials, budget) and all(map(is_lost, rivals))
