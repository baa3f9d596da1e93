"""Recurrent layers with two biases that are only ever added: both are trained, and their sum moves twice as far."""

from collections.abc import Iterator

import numpy as np

from twintrain.recordings.comparing.causes import Cause, named_pair
from twintrain.recordings.comparing.training.differences import Finding, cause_of
from twintrain.recordings.comparing.training.pairs import Pairs, Place
from twintrain.recordings.comparing.training.trained import Trained

SECOND = "recurrent_bias"
EXPLAINED = {"float64": 1e-6, "float32": 1e-3}


def second_bias_causes(sides: tuple[Trained, Trained], pairs: Pairs) -> Iterator[Cause]:
    """A cause for each layer of which one side has two biases and the other one, if the first step shows it."""
    moved = [{name: after - side.weights(0)[name] for name, after in side.weights(1).items()} for side in sides]
    changes: dict[Place, tuple[np.ndarray, np.ndarray]] = {
        place: (ours, theirs) for place, ours, theirs in pairs.arrays(*moved)
    }
    for calls in pairs.calls:
        has_two = [SECOND in call.weights for call in calls]
        found = changes.get(Place(calls[0].name, calls[1].name, "bias"))
        if has_two[0] == has_two[1] or found is None:
            continue
        two, one = found if has_two[0] else found[::-1]
        largest = float(np.abs(two).max()) or 1.0
        before, left = (float(np.abs(two - factor * one).max()) / largest for factor in (1, 2))
        if left <= EXPLAINED[sides[0].pass_] < before:
            titles = [sides[at].title for at in ((0, 1) if has_two[0] else (1, 0))]
            saying = f"{titles[0]} trains two biases, whose sum moves twice as far as the one of {titles[1]}"
            finding = Finding("second bias", saying, "with half the step")
            yield cause_of(named_pair(calls[0].name, calls[1].name), [finding], before, left)
