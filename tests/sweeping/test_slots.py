"""Which trials make up the budget of a study: all workers come to the same, whatever they have seen."""

from datetime import datetime

import optuna
import pytest
from optuna.trial import TrialState

from twintrain.sweeping import slots


def trials(*kinds):
    """Trials in the order of their numbers: r(unning), w(aiting), c(omplete), p(runed), f(ailed) or l(ost), =SLOT."""
    states = {"r": "RUNNING", "w": "WAITING", "c": "COMPLETE", "p": "PRUNED", "f": "FAIL", "l": "FAIL"}
    found = []
    for number, kind in enumerate(kinds):
        name, _, slot = kind.partition("=")
        attributes = {"reason": "no memory"} if name == "f" else {}
        attributes |= {"stands_for": int(slot)} if slot else {}
        state = TrialState[states[name]]
        trial = optuna.create_trial(
            state=state, value=1.0 if state == TrialState.COMPLETE else None, user_attrs=attributes
        )
        trial.number, trial.datetime_start = number, datetime.now()
        found.append(trial)
    return found


def numbers(found):
    return [trial.number for trial in found]


@pytest.mark.parametrize(
    ("kinds", "budget", "is_spent", "is_done", "abandoned"),
    [
        ("", 2, False, False, []),
        ("c", 2, False, False, []),
        ("c r", 2, True, False, []),
        ("c p", 2, True, True, []),
        ("c f", 2, True, True, []),  # one that fails of itself counts
        ("c l", 2, True, False, [1]),  # one that was interrupted does not
        ("c l w=1", 2, True, False, []),
        ("c l r=1", 2, True, False, []),
        ("c l l=1", 2, True, False, [2]),  # the last one has the parameters, if it was given any
        ("c l l=1 c=1", 2, True, True, []),
        ("l c c=0", 2, True, True, []),
        ("c c l", 2, True, True, []),  # begun when the budget was just spent
        ("c c l", 3, True, False, [2]),  # and needed when it grows
        ("l l", 2, True, False, [0, 1]),
    ],
)
def test_what_is_left_to_do(kinds, budget, is_spent, is_done, abandoned):
    found = trials(*kinds.split())
    assert slots.is_spent(found, budget) == is_spent
    assert slots.is_done(found, budget) == is_done
    assert numbers(slots.abandoned(found, budget)) == abandoned


@pytest.mark.parametrize(
    ("kinds", "number", "is_needed"),
    [
        ("c r", 1, True),
        ("c r r", 2, False),  # another worker has begun the last trial before
        ("l c r=0", 2, True),
        ("l c r=0 r=0", 3, False),  # two workers have seen that it was lost
        ("l c w=0 r=0", 3, False),
        ("l c l=0 r=0", 3, True),
        ("l c c=0 r=0", 3, False),
        ("r c r=0", 2, False),
        ("c c l r=2", 3, False),
    ],
)
def test_a_trial_is_needed_if_it_is_the_first_alive_in_a_slot_of_the_budget(kinds, number, is_needed):
    found = trials(*kinds.split())
    assert slots.is_needed(found[number], found, 2) == is_needed
