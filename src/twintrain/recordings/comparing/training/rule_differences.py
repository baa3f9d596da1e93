"""In what two optimizers differ: each difference by name, taken over, and in words."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from twintrain.recordings.comparing.training.decay import decay_finding, total
from twintrain.recordings.comparing.training.differences import Finding, is_same, listed, option_finding
from twintrain.recordings.comparing.training.update_rules import Arrays, UpdateRule, rate_at

LIMITS = {
    "clip_value": "each number of a gradient to {:.6g}",
    "clip_norm": "the norm of each array's gradient to {:.6g}",
    "global_clip_norm": "the norm of all gradients together to {:.6g}",
}
RATES = ("learning_rate", "learning_rates")
EPSILON_WORDS = {
    ("adam", "root"): "to the root of the second moment as it is",
    ("adam", "corrected root"): "to that of the corrected one",
    "root": "to the root",
    "square": "before the root is taken",
    "magnitude": "to each magnitude",
    "maximum": "to the largest magnitude",
}
DEFAULTS: dict[str, Any] = {"momentum": 0.0, "dampening": 0.0, "initial_accumulator_value": 0.0, "lr_decay": 0.0}
FLAGS = ("nesterov", "amsgrad", "centered")
# What is the framework's, and none of the user's settings.
FORMS = ("epsilon_is_added_to", "rate_in_momentum")
# The first steps, in which rates are compared.
STEPS = (1, 2)


def differing(ours: UpdateRule, theirs: UpdateRule) -> list[str]:
    """Names of what differs by more than rounding: options, or "op", "learning_rate", "clipping", "decay", "frozen"."""
    names = ["op"] if ours.op != theirs.op else _options(ours, theirs)
    if ours.op == theirs.op and not is_same(_rates(ours), _rates(theirs)):
        names.append("learning_rate")
    if any(not is_same(ours.options.get(name), theirs.options.get(name)) for name in LIMITS):
        names.append("clipping")
    if not _decay_alike(ours, theirs):
        names.append("decay")
    return [*names, "frozen"] if ours.frozen != theirs.frozen else names


def taken(ours: UpdateRule, theirs: UpdateRule, names: Collection[str]) -> UpdateRule:
    """The reference's rule with some differences taken from the other, and all that is the same but for rounding."""
    rule = theirs
    for name in (name for name in differing(ours, theirs) if name not in names):
        if name == "op":
            shared = {option: theirs.options.get(option) for option in LIMITS}
            rule = replace(rule, op=ours.op, options=ours.options).with_options(**shared)
        elif name == "learning_rate":
            rule = rule.with_options(**{option: ours.options.get(option) for option in RATES})
        elif name == "clipping":
            rule = rule.with_options(**{option: ours.options.get(option) for option in LIMITS})
        elif name == "decay":
            rule = replace(rule, penalty=ours.penalty, decay=ours.decay, decoupled=ours.decoupled)
        elif name == "frozen":
            rule = replace(rule, frozen=ours.frozen)
        else:
            rule = rule.with_options(**{name: _option(ours, name)})
    return rule


def finding(titles: tuple[str, str], name: str, rules: tuple[UpdateRule, UpdateRule], weights: Arrays) -> Finding:
    """A difference in words.

    Args:
        rules: the reference's by the names of the other's weights, and the other's.
        weights: of the other, by name.
    """
    if name == "decay":
        return decay_finding(titles, *rules, weights)
    special = SPECIAL.get(name)
    if special:
        return special(titles, rules)
    values = [_option(rule, name) for rule in rules]
    if name in FLAGS:
        at = 1 if values[1] else 0
        return Finding(name, f"{titles[at]} has {name}, {titles[1 - at]} not", f"with the same {name}")
    return option_finding(titles, name if name[-1].isdigit() else name.replace("_", " "), *values)


def _options(ours: UpdateRule, theirs: UpdateRule) -> list[str]:
    aside = {*RATES, *LIMITS, "schedule"}
    names = [name for name in dict.fromkeys((*ours.options, *theirs.options)) if name not in aside]
    return [name for name in names if not is_same(_option(ours, name), _option(theirs, name))]


def _option(rule: UpdateRule, name: str) -> Any:
    return rule.options.get(name, DEFAULTS.get(name))


def _rates(rule: UpdateRule) -> list[float]:
    return [rate_at(rule.options, step) for step in STEPS]


def _decay_alike(ours: UpdateRule, theirs: UpdateRule) -> bool:
    """Whether weights decay alike; with limited gradients it tells whether what they decay by is limited too."""
    pairs = [(total(ours), total(theirs)), (ours.decoupled, theirs.decoupled)]
    if any(theirs.options.get(name) is not None for name in LIMITS):
        pairs.append((ours.penalty, theirs.penalty))
    return all(is_same(a.get(name, 0.0), b.get(name, 0.0)) for a, b in pairs for name in {*a, *b})


def _of_op(titles: tuple[str, str], rules: tuple[UpdateRule, UpdateRule]) -> Finding:
    saying = f"{titles[1]} trains with {rules[1].op}, {titles[0]} with {rules[0].op}"
    return Finding("another optimizer", saying, "with the same")


def _of_clipping(titles: tuple[str, str], rules: tuple[UpdateRule, UpdateRule]) -> Finding:
    words = [_limit_words(rule) for rule in rules]
    return Finding("clipping", f"{titles[1]} limits {words[1]}, {titles[0]} {words[0]}", "limited alike")


def _of_epsilon(titles: tuple[str, str], rules: tuple[UpdateRule, UpdateRule]) -> Finding:
    values = [_option(rule, "epsilon_is_added_to") for rule in rules]
    words = [EPSILON_WORDS.get((rules[0].op, value)) or EPSILON_WORDS.get(value, str(value)) for value in values]
    return Finding(
        "where epsilon is added", f"{titles[1]} adds epsilon {words[1]}, {titles[0]} {words[0]}", "added alike"
    )


def _of_frozen(titles: tuple[str, str], rules: tuple[UpdateRule, UpdateRule]) -> Finding:
    alone = [sorted(a.frozen - b.frozen) for a, b in (rules, rules[::-1])]
    at = 1 if alone[1] else 0
    return Finding("not trained", f"{titles[at]} does not train {listed(alone[at])}, {titles[1 - at]} does", "without")


def _of_rates(titles: tuple[str, str], rules: tuple[UpdateRule, UpdateRule]) -> Finding:
    rates = [_rates(rule) for rule in rules]
    if is_same(rates[0][0], rates[0][1]) and is_same(rates[1][0], rates[1][1]):
        return option_finding(titles, "learning rate", rates[0][0], rates[1][0])
    for ahead in (1, 0):
        if is_same(rates[ahead][0], rates[1 - ahead][1]) and not is_same(rates[0][0], rates[1][0]):
            saying = (
                f"{titles[ahead]}'s schedule is one step ahead: its first learning rate is {rates[ahead][0]:.6g}, "
                f"{titles[1 - ahead]}'s {rates[1 - ahead][0]:.6g}"
            )
            return Finding("schedule one step off", saying, "with the same schedule")
    words = [" and ".join(f"{rate:.6g}" for rate in each) for each in rates]
    saying = f"{titles[1]}'s first learning rates are {words[1]}, {titles[0]}'s {words[0]}"
    return Finding("learning rate schedule", saying, "with the same schedule")


SPECIAL: Mapping[str, Callable[[tuple[str, str], tuple[UpdateRule, UpdateRule]], Finding]] = {
    "op": _of_op,
    "learning_rate": _of_rates,
    "clipping": _of_clipping,
    "epsilon_is_added_to": _of_epsilon,
    "frozen": _of_frozen,
}


def _limit_words(rule: UpdateRule) -> str:
    given = {name: rule.options.get(name) for name in LIMITS}
    words = [LIMITS[name].format(limit) for name, limit in given.items() if isinstance(limit, (int, float, np.number))]
    return " and ".join(words) or "nothing"
