"""Why gradients part although predictions and losses do not: scaled, limited, or not of all weights."""

from collections.abc import Iterator, Mapping

import numpy as np

from twintrain.recordings.comparing.causes import Cause, named_pair
from twintrain.recordings.comparing.training.differences import Finding, cause_of, listed
from twintrain.recordings.comparing.training.pairs import Pairs, Place
from twintrain.recordings.comparing.training.rule_differences import LIMITS
from twintrain.recordings.comparing.training.trained import Trained
from twintrain.recordings.comparing.training.update_rules import limited

# What is left of gradients that are explained, by the largest of all. PyTorch adds 1e-6 to a norm that it limits.
EXPLAINED = {"float64": 1e-6, "float32": 1e-5}
# Limits are numbers of so many digits.
DIGITS = 3
ByPlace = Mapping[Place, np.ndarray]


def not_trained(sides: tuple[Trained, Trained], pairs: Pairs) -> Iterator[Cause]:
    """Weights that have a gradient on one side alone."""
    places: dict[bool, list[str]] = {True: [], False: []}
    for place, is_of_reference in pairs.one_sided(sides):
        places[is_of_reference].append(f"{named_pair(place.name, place.other_name)} {place.role.replace('_', ' ')}")
    for is_of_reference, names in places.items():
        if names:
            trains, not_ = sides if is_of_reference else sides[::-1]
            saying = f"{not_.title} does not train {listed(names)}, {trains.title} does"
            sentence = f"{saying} ({len(names)} of {len(trains.gradients)} arrays)"
            yield Cause(sentence, saying, "not trained", names[0], names[0], np.inf, 0.0)


def gradient_causes(sides: tuple[Trained, Trained], pairs: Pairs) -> Iterator[Cause]:
    """How the gradients of one side come about from those of the other."""
    found = [*pairs.arrays(*(side.gradients for side in sides), are_gradients=True)]
    arrays = {place: ours for place, ours, _ in found}, {place: theirs for place, _, theirs in found}
    before = _gap(*arrays)
    bound = EXPLAINED[sides[0].pass_]
    if before <= bound:
        return
    for at in (1, 0):
        finding, left = _limited(sides[at].title, arrays[1 - at], arrays[at], bound)
        if finding:
            yield cause_of("gradients", [finding], before, left)
            return
    factor = _factor(*arrays)
    left = _gap({place: factor * each for place, each in arrays[0].items()}, arrays[1])
    if left <= bound:
        saying = f"{sides[1].title}'s are {sides[0].title}'s times {factor:.6g}, although the losses are the same"
        yield cause_of("gradients", [Finding("gradients scaled", saying, "scaled alike")], before, left)


def _limited(title: str, free: ByPlace, kept: ByPlace, bound: float) -> tuple[Finding | None, float]:
    """Whether gradients are those of the other side within a limit, which is then found in them."""
    norms = [float(np.sqrt(np.sum(each**2))) for each in kept.values()]
    limits = {
        "clip_value": max((float(np.abs(each).max(initial=0.0)) for each in kept.values()), default=0.0),
        "clip_norm": max(norms, default=0.0),
        "global_clip_norm": float(np.sqrt(np.sum(np.square(norms)))),
    }
    for name, limit in limits.items():
        within = limited(free, {name: limit})
        # Without a limit of few digits, one norm of all is as good as any factor.
        is_limit = name != "global_clip_norm" or abs(limit - float(f"{limit:.{DIGITS}g}")) <= bound * limit
        left = _gap(within, kept)
        if limit and is_limit and left <= bound:
            words = LIMITS[name].format(float(f"{limit:.{DIGITS}g}"))
            return Finding("clipping", f"{title} limits {words} before they are recorded", "limited alike"), left
    return None, np.inf


def _gap(ours: ByPlace, theirs: ByPlace) -> float:
    largest = max((float(np.abs(each).max(initial=0.0)) for each in theirs.values()), default=0.0)
    gaps = (float(np.abs(ours[place] - each).max(initial=0.0)) for place, each in theirs.items())
    return max(gaps, default=0.0) / (largest or 1.0)


def _factor(ours: ByPlace, theirs: ByPlace) -> float:
    """The factor of the line through zero and all pairs of numbers, by least squares."""
    power = sum(float(np.sum(each**2)) for each in ours.values())
    return sum(float(np.sum(ours[place] * each)) for place, each in theirs.items()) / power if power else 0.0
