"""What times each weight is part of its gradient: the L2 penalty that one side counts to the loss."""

import numpy as np

from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.training.differences import Finding, cause_of
from twintrain.recordings.comparing.training.pairs import Pairs, Place
from twintrain.recordings.comparing.training.trained import Trained

Penalties = tuple[dict[str, float], dict[str, float]]
# How near the difference of two gradients must be to a multiple of the weights to be that.
IS_MULTIPLE = {"float64": 1e-9, "float32": 1e-4}
# How near a penalty must be to the difference of two losses to be that.
IS_DIFFERENCE = {"float64": 1e-9, "float32": 1e-4}


def penalties(sides: tuple[Trained, Trained], pairs: Pairs) -> Penalties | None:
    """The factors by names of weights, those of the reference and those of the other.

    Where both sides have a penalty, what both have in common counts for neither.

    Returns:
        None where the gradients do not differ by multiples of the weights.
    """
    if not any(side.penalty for side in sides):
        return {}, {}
    factors = _factors(sides, pairs)
    if factors is None:
        return None
    found: Penalties = ({}, {})
    for place, factor in factors.items():
        is_of_other = factor > 0 if all(side.penalty for side in sides) else bool(sides[1].penalty)
        for call in (calls[is_of_other] for calls in pairs.calls if calls[0].name == place.name):
            if place.role in call.weights:
                found[is_of_other][call.weights[place.role]] = factor if is_of_other else -factor
    return found


def unsaid_penalty(sides: tuple[Trained, Trained], pairs: Pairs) -> Cause | None:
    """A penalty that a loss function adds by itself: it explains both losses and gradients, or it is none."""
    factors = _factors(sides, pairs)
    gap = sides[1].data_loss - sides[0].data_loss
    if not factors or not gap:
        return None
    at = 1 if gap > 0 else 0
    weights = {place: array for place, array, _ in pairs.arrays(*(side.weights() for side in sides))}
    added = sum(factor / 2 * float(np.sum(weights[place] ** 2)) for place, factor in factors.items())
    unit = abs(sides[0].data_loss) or 1.0
    left = abs(gap - added) / unit
    if left > IS_DIFFERENCE[sides[0].pass_]:
        return None
    strengths = sorted({float(f"{abs(factor) / 2:.4g}") for factor in factors.values()})
    words = " to ".join(f"{each:g}" for each in (strengths if len(strengths) == 1 else (strengths[0], strengths[-1])))
    saying = f"{sides[at].title}'s has an L2 penalty of {words}·w² in it, {sides[1 - at].title}'s none"
    return cause_of("the losses differ", [Finding("penalty", saying, "without it")], abs(gap) / unit, left)


def _factors(sides: tuple[Trained, Trained], pairs: Pairs) -> dict[Place, float] | None:
    """What times the weights the other's gradients are above the reference's; None where they are no multiples."""
    gradients = [side.gradients for side in sides]
    weights = {place: array for place, array, _ in pairs.arrays(*(side.weights() for side in sides))}
    largest = max((float(np.abs(each).max(initial=0.0)) for each in gradients[0].values()), default=0.0)
    bound = IS_MULTIPLE[sides[0].pass_] * (largest or 1.0)
    found = {}
    for place, ours, theirs in pairs.arrays(*gradients, are_gradients=True):
        weight, difference = weights[place], theirs - ours
        power = float(np.sum(weight**2))
        factor = float(np.sum(difference * weight)) / power if power else 0.0
        if np.abs(difference - factor * weight).max(initial=0.0) > bound:
            return None
        if abs(factor) * np.abs(weight).max(initial=0.0) > bound:
            found[place] = factor
    return found
