"""Why two optimizers part: the reference's is tried on the other's gradients, with one difference after another."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.training.differences import cause_of, needed
from twintrain.recordings.comparing.training.effects import Steps, in_effect
from twintrain.recordings.comparing.training.pairs import Pairs
from twintrain.recordings.comparing.training.penalties import Penalties
from twintrain.recordings.comparing.training.rule_differences import FORMS, differing, finding, taken
from twintrain.recordings.comparing.training.trained import DECOUPLED, Trained
from twintrain.recordings.comparing.training.update_rules import RULES, UpdateRule

# What a rule is off by on either side, the other's may be off by this many times.
NOISES = 4


@dataclass(frozen=True)
class Update:
    """The first steps of the other, by the reference's rule.

    Attributes:
        error: how far that is from what the other has; None where either rule is not known.
        bound: up to which both do the same.
        is_rounded: whether either has constants in float32.
        rule: of the reference, in effect.
        cause: why they part; None where they do not, or it is not known.
        quiet: names of options that differ and change nothing in these steps.
    """

    error: float | None = None
    bound: float = 0.0
    is_rounded: bool = False
    rule: UpdateRule | None = None
    cause: Cause | None = None
    quiet: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether both rules do the same, as far as it is known."""
        return self.error is not None and self.error <= self.bound


def compare_updates(sides: tuple[Trained, Trained], pairs: Pairs, penalties: Penalties) -> Update:
    """Compares the first steps of both sides, each on gradients of its own.

    Args:
        penalties: what times a weight is part of its gradient, by the names of each side's weights.
    """
    steps = [Steps.of(side) for side in sides]
    rules = [in_effect(side, each) for side, each in zip(sides, steps, strict=True)]
    if rules[0] is None or rules[1] is None:
        return Update(rule=rules[0])
    counterparts = pairs.names()
    ours = _renamed(replace(rules[0], penalty=penalties[0]), counterparts)
    theirs = replace(rules[1], penalty=penalties[1])
    # Left as they are, without a gradient on the one side and with one on the other: both do not train them.
    alone = {name for name in theirs.frozen if counterparts.get(name) not in sides[0].gradients}
    ours = replace(ours, frozen=(ours.frozen & sides[1].gradients.keys()) | alone)
    given = steps[1].without(penalties[1])
    noise = max(each.left(rule) for each, rule in zip(steps, rules, strict=True) if rule)

    def left(some: Collection[str]) -> float:
        return given.left(taken(ours, theirs, some))

    names = differing(ours, theirs)
    bound = max(given.bound, NOISES * noise)
    before = left(())
    update = Update(before, bound, noise > given.bound, rules[0])
    if update.is_same:
        is_rounded = update.is_rounded or given.left(ours) > given.bound
        return replace(update, is_rounded=is_rounded, quiet=tuple(name for name in names if name not in FORMS))
    needs = needed(names, left, bound)
    if needs is None:
        return update
    findings = [finding((sides[0].title, sides[1].title), name, (ours, theirs), given.weights) for name in needs]
    counted = f" of the first {'steps' if len(given.gradients) > 1 else 'step'}"
    return replace(update, cause=cause_of("the optimizers differ", findings, before, left(needs), counted))


def other_kinds(sides: tuple[Trained, Trained], error: float) -> Cause | None:
    """Two optimizers that are not one, where what one of them computes is not known; None of any others.

    Args:
        error: by how much they part.
    """
    rules = [side.fit.optimizer for side in sides]
    if rules[0] is None or rules[1] is None:
        return None
    ops = [DECOUPLED.get(rule.op or "", rule.op) for rule in rules if rule]
    if all(op in RULES for op in ops) or (ops[0] or rules[0].kind) == (ops[1] or rules[1].kind):
        return None
    saying = f"{sides[0].title} has {rules[0].kind}, {sides[1].title} {rules[1].kind}"
    sentence = f"the optimizers differ: {saying}; weights part by {error:.1e}, and not both could be tried"
    return Cause(sentence, saying, "another optimizer", *["the optimizers differ"] * 2, error, np.nan)


def _renamed(rule: UpdateRule, names: Mapping[str, str]) -> UpdateRule:
    """The rule of the reference by the names of the other's weights."""
    fields = {
        field: {name: getattr(rule, field)[own] for name, own in names.items() if own in getattr(rule, field)}
        for field in ("penalty", "decay", "decoupled")
    }
    return replace(rule, **fields, frozen=frozenset(name for name, own in names.items() if own in rule.frozen))
