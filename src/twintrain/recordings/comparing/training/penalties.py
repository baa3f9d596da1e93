"""What times each weight is part of its gradient: the L2 penalty that one side counts to the loss."""

import numpy as np

from twintrain.recordings.comparing.training.pairs import Pairs
from twintrain.recordings.comparing.training.trained import Trained

Penalties = tuple[dict[str, float], dict[str, float]]
# How near the difference of two gradients must be to a multiple of the weights to be that.
IS_MULTIPLE = {"float64": 1e-9, "float32": 1e-4}


def penalties(sides: tuple[Trained, Trained], pairs: Pairs) -> Penalties | None:
    """The factors by names of weights, those of the reference and those of the other.

    Where both sides have a penalty, what both have in common counts for neither.

    Returns:
        None where the gradients do not differ by multiples of the weights.
    """
    found: Penalties = ({}, {})
    if not any(side.penalty for side in sides):
        return found
    gradients = [side.gradients for side in sides]
    weights = {place: array for place, array, _ in pairs.arrays(*(side.weights() for side in sides))}
    largest = max((float(np.abs(each).max(initial=0.0)) for each in gradients[0].values()), default=0.0)
    bound = IS_MULTIPLE[sides[0].pass_] * (largest or 1.0)
    for place, ours, theirs in pairs.arrays(*gradients, are_gradients=True):
        weight, difference = weights[place], theirs - ours
        power = float(np.sum(weight**2))
        factor = float(np.sum(difference * weight)) / power if power else 0.0
        if np.abs(difference - factor * weight).max(initial=0.0) > bound:
            return None
        if abs(factor) * np.abs(weight).max(initial=0.0) <= bound:
            continue
        is_of_other = factor > 0 if all(side.penalty for side in sides) else bool(sides[1].penalty)
        for call in (calls[is_of_other] for calls in pairs.calls if calls[0].name == place.name):
            if place.role in call.weights:
                found[is_of_other][call.weights[place.role]] = factor if is_of_other else -factor
    return found
