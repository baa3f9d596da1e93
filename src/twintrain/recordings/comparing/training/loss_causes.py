"""Why two losses part: what each side computes of its own predictions and targets, and in what that differs."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.training.differences import Finding, cause_of, is_same, needed, option_finding
from twintrain.recordings.comparing.training.losses import LOSSES, LossRule
from twintrain.recordings.comparing.training.trained import Trained

# How near a computed loss must be to the recorded one to be it.
REPRODUCED = {"float64": 1e-9, "float32": 1e-5}
SMOOTHINGS = (0.1, 0.05, 0.2)
REDUCTIONS = {
    "mean": "the mean",
    "sum": "the sum",
    "sum of row means": "the sum over the rows of each one's mean",
    "batchmean": "the mean over the rows of each one's sum",
    "weighted mean": "the mean weighted by the classes",
}
# What a loss has whose recording does not say.
DEFAULTS = {"label_smoothing": 0.0, "reduction": "mean", "from_logits": True, "positive_weight": 1.0, "delta": 1.0}
# How a framework lays its arrays out is no difference.
LAYOUT = {"axis"}


def loss_cause(sides: tuple[Trained, Trained]) -> Cause | None:
    """Tries the differences between both losses on the other's predictions and targets.

    Returns:
        None where the reference's loss gives what the other has, or either is of several outputs or not known.
    """
    ours, theirs = (in_effect(side) for side in sides)
    if ours is None or theirs is None:
        return None
    names = [name for name in _names(ours, theirs) if not is_same(_option(ours, name), _option(theirs, name))]

    def left(some: Collection[str]) -> float:
        return _error(_taken(ours, theirs, some), sides[1])

    bound = REPRODUCED[sides[0].pass_]
    before = left(())
    if before <= bound or _has_another_head(sides, names):
        return None
    found = needed(names, left, bound)
    if found is None:
        return None
    findings = [_finding(sides, name, (ours, theirs)) for name in found]
    return cause_of("the losses differ", findings, before, left(found))


def in_effect(side: Trained) -> LossRule | None:
    """The loss that gives what the side has recorded: as it says itself, or another; None where none is known."""
    if len(side.predictions) != 1 or len(side.targets) != 1:
        return None
    bound = REPRODUCED[side.pass_]
    return next((rule for rule in _guesses(side) if _error(rule, side) <= bound), None)


def _guesses(side: Trained) -> Iterator[LossRule]:
    recorded = side.loss_rule()
    rules = [recorded] if recorded else []
    rules += [LossRule(op, rules[0].options if rules else {}) for op in LOSSES if not rules or op != rules[0].op]
    for rule in rules:
        yield rule
        for broadcast in (True, False):
            for reduction in REDUCTIONS:
                yield rule.with_options(broadcast=broadcast, reduction=reduction)
        for given in (True, False):
            yield rule.with_options(from_logits=given)
        for smoothing in (0.0, *SMOOTHINGS):
            yield rule.with_options(label_smoothing=smoothing)
        yield rule.with_options(class_weights=None)


def _error(rule: LossRule, side: Trained) -> float:
    found = rule.value(side.predictions[0], side.targets[0])
    if found is None:
        return np.inf
    return abs(found - side.data_loss) / (abs(side.data_loss) or 1.0)


def _names(ours: LossRule, theirs: LossRule) -> list[str]:
    return ["op", *(name for name in dict.fromkeys((*ours.options, *theirs.options)) if name not in LAYOUT)]


def _option(rule: LossRule, name: str) -> Any:
    return rule.op if name == "op" else rule.options.get(name, DEFAULTS.get(name))


def _taken(ours: LossRule, theirs: LossRule, names: Collection[str]) -> LossRule:
    """The reference's loss with some options of the other, whose layout it has."""
    taken = {name: _option(theirs, name) for name in names if name != "op"}
    layout = {name: theirs.options[name] for name in LAYOUT if name in theirs.options}
    return LossRule(theirs.op if "op" in names else ours.op, {**ours.options, **layout, **taken})


def _has_another_head(sides: tuple[Trained, Trained], names: Collection[str]) -> bool:
    """Whether one network ends in a softmax and the other's loss has it instead."""
    return "from_logits" in names and _are_probabilities(sides[0]) != _are_probabilities(sides[1])


def _are_probabilities(side: Trained) -> bool:
    prediction = side.predictions[0]
    return bool((prediction >= 0).all() and (prediction <= 1).all())


def _finding(sides: tuple[Trained, Trained], name: str, rules: tuple[LossRule, LossRule]) -> Finding:
    special = SPECIAL.get(name)
    titles = sides[0].title, sides[1].title
    values = _option(rules[0], name), _option(rules[1], name)
    return special(sides, titles, values) if special else option_finding(titles, name.replace("_", " "), *values)


def _of_op(_: object, titles: tuple[str, str], values: tuple[Any, Any]) -> Finding:
    return Finding("another loss", f"{titles[1]} computes {values[1]}, {titles[0]} {values[0]}", "with the same loss")


def _of_broadcast(sides: tuple[Trained, Trained], titles: tuple[str, str], values: tuple[Any, Any]) -> Finding:
    at = 0 if values[0] else 1
    shapes = f"{_shape(sides[at].predictions[0])} against targets {_shape(sides[at].targets[0])}"
    saying = f"{titles[at]} takes predictions {shapes}, each against all"
    return Finding("broadcast in the loss", saying, "each against its own")


def _of_reduction(_: object, titles: tuple[str, str], values: tuple[Any, Any]) -> Finding:
    words = [REDUCTIONS.get(value, value) for value in values]
    return Finding("reduction", f"{titles[1]} takes {words[1]}, {titles[0]} {words[0]}", "reduced alike")


def _of_logits(sides: tuple[Trained, Trained], titles: tuple[str, str], values: tuple[Any, Any]) -> Finding:
    at = 0 if values[0] is True else 1
    if _are_probabilities(sides[at]):
        saying = f"{titles[at]} takes probabilities for logits, and applies softmax to them once more"
        return Finding("softmax twice", saying, "applied once")
    return Finding("from_logits", f"{titles[1 - at]} takes logits for probabilities", "taken alike")


SPECIAL: Mapping[str, Callable[..., Finding]] = {
    "op": _of_op,
    "broadcast": _of_broadcast,
    "reduction": _of_reduction,
    "from_logits": _of_logits,
}


def _shape(array: np.ndarray) -> str:
    return f"({', '.join(['N', *map(str, array.shape[1:])])}{',' if array.ndim == 1 else ''})"
