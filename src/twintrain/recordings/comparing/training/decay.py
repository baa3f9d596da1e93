"""In what two decays of weights differ: in kind, in strength, or in the weights that they are of."""

from collections.abc import Mapping

import numpy as np

from twintrain.recordings.comparing.training.differences import Finding, is_same, listed
from twintrain.recordings.comparing.training.update_rules import UpdateRule

Coefficients = Mapping[str, float]


def decay_finding(
    titles: tuple[str, str], ours: UpdateRule, theirs: UpdateRule, weights: Mapping[str, np.ndarray]
) -> Finding:
    """The difference in words.

    Args:
        ours: of the reference, by the names of the other's weights.
        weights: of the other, by name.
    """
    rules = (ours, theirs)
    of_gradient = [total(rule) for rule in rules]
    apart = [_positive(rule.decoupled) for rule in rules]
    for at in (0, 1):
        if apart[at] and of_gradient[1 - at] and not of_gradient[at] and not apart[1 - at]:
            saying = (
                f"{titles[at]} decays weights by {_strength(apart[at])} apart from the gradient (decoupled, as AdamW), "
                f"{titles[1 - at]} by {_strength(of_gradient[1 - at])} through it"
            )
            return Finding("decoupled weight decay", saying, "with one kind")
    for both in (of_gradient, apart):
        if both[0] and both[1] and (finding := _of_one_kind(titles, rules, both[0], both[1], weights)):
            return finding
    totals = [{**a, **b} for a, b in zip(of_gradient, apart, strict=True)]
    at = 1 if totals[1] else 0
    how = _how(rules[at], totals[at])
    if not totals[1 - at]:
        return Finding("weight decay missing", f"{titles[at]} has {how}, {titles[1 - at]} none", "with the same decay")
    return Finding(
        "weight decay",
        f"{titles[1]} has {_how(theirs, totals[1])}, {titles[0]} {_how(ours, totals[0])}",
        "with the same",
    )


def _of_one_kind(
    titles: tuple[str, str],
    rules: tuple[UpdateRule, UpdateRule],
    ours: Coefficients,
    theirs: Coefficients,
    weights: Mapping[str, np.ndarray],
) -> Finding | None:
    common = [name for name in ours if name in theirs]
    ratios = [theirs[name] / ours[name] for name in common]
    for at, alone in ((0, set(ours) - set(theirs)), (1, set(theirs) - set(ours))):
        if alone and common and all(is_same(ratio, 1.0) for ratio in ratios):
            if all(weights[name].ndim < 2 for name in alone if name in weights):
                saying = (
                    f"{titles[at]} decays biases and scales too ({len(alone)} arrays), {titles[1 - at]} kernels alone"
                )
                return Finding("decay on biases", saying, "on the same weights")
            saying = f"{titles[at]} decays more arrays: {listed(sorted(alone))}"
            return Finding("decay of other weights", saying, "on the same weights")
    how = [_how(rule, each) for rule, each in zip(rules, (ours, theirs), strict=True)]
    saying = f"{titles[1]} has {how[1]}, {titles[0]} {how[0]}"
    is_of_loss = [bool(_positive(rule.penalty)) for rule in rules]
    for factor in (2.0, 0.5) if is_of_loss[0] != is_of_loss[1] else ():
        if ratios and set(ours) == set(theirs) and all(is_same(ratio, factor) for ratio in ratios):
            return Finding("factor 2 of L2", f"{saying}: one is twice the other", "with the same decay")
    return None


def total(rule: UpdateRule) -> dict[str, float]:
    """What times a weight is part of what the optimizer is given, by name."""
    names = {*rule.penalty, *rule.decay}
    return _positive({name: rule.penalty.get(name, 0.0) + rule.decay.get(name, 0.0) for name in names})


def _positive(coefficients: Coefficients) -> dict[str, float]:
    return {name: each for name, each in coefficients.items() if each}


def _how(rule: UpdateRule, total: Coefficients) -> str:
    """A decay as a sentence has it: as a penalty of the loss, or as what the optimizer adds."""
    if _positive(rule.penalty):
        half = {name: each / 2 for name, each in _positive(rule.penalty).items()}
        return f"an L2 penalty of {_strength(half)}·w², whose gradient is {_strength(_positive(rule.penalty))}·w"
    return f"a weight decay of {_strength(total)}"


def _strength(coefficients: Coefficients) -> str:
    values = sorted({float(f"{each:.6g}") for each in coefficients.values()})
    return f"{values[0]:.6g}" if len(values) == 1 else f"{values[0]:.6g} to {values[-1]:.6g}"
