"""Arrays of matched weights side by side, in one layout: gradients, weights after steps, what they change by."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from twintrain.recordings.comparing.matching import Matching
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.comparing.training.trained import Trained
from twintrain.recordings.comparing.weights import comparable, in_shape_of
from twintrain.recordings.contents import Call

Arrays = Mapping[str, np.ndarray]
STATISTICS = ("moving_mean", "moving_variance")


class Place(NamedTuple):
    """Which array it is: of which layer, and what it is to it.

    Attributes:
        name: of the reference's layer.
        other_name: of the other's.
        role: what the array is to both.
    """

    name: str
    other_name: str
    role: str

    @property
    def is_statistic(self) -> bool:
        """Whether it is gathered from what comes in, not trained."""
        return self.role in STATISTICS


class Pairs:
    """The matched weights of two sides."""

    def __init__(self, reference: Side, other: Side, matching: Matching) -> None:
        self.calls = [(reference.calls[ours], other.calls[theirs]) for ours, theirs in matching.pairs]
        self._axes = tuple(
            {weight.name: weight.axes for weight in side.recording.weights} for side in (reference, other)
        )

    def arrays(
        self, reference: Arrays, other: Arrays, are_gradients: bool = False
    ) -> Iterator[tuple[Place, np.ndarray, np.ndarray]]:
        """Both arrays of each place, in the reference's shape, where both sides have one that fits.

        Args:
            reference: arrays by the names of its weights, laid out as these.
            other: the same of the other.
            are_gradients: whether they are gradients by the weights.
        """
        seen = set()
        for calls in self.calls:
            ours, theirs = (
                self._of_call(at, calls, arrays, are_gradients) for at, arrays in enumerate((reference, other))
            )
            for role in ours:
                place = Place(calls[0].name, calls[1].name, role)
                if role in theirs and place not in seen:
                    seen.add(place)
                    turned = in_shape_of(ours[role], theirs[role])
                    if turned.shape == ours[role].shape:
                        yield place, ours[role], turned

    def one_sided(self, sides: tuple[Trained, Trained]) -> Iterator[tuple[Place, bool]]:
        """Places of weights that one side alone trains, the other having no gradient, and whether it is the reference.

        None where a side has no gradients at all: then they were not recorded.
        """
        found: dict[Place, bool] = {}
        if not all(side.gradients for side in sides):
            return
        for calls in self.calls:
            for role in calls[0].weights:
                if role in calls[1].weights and role not in STATISTICS:
                    names = [call.weights[role] for call in calls]
                    has = [name in side.gradients for name, side in zip(names, sides, strict=True)]
                    if has[0] != has[1] and sides[has[1]].learns(names[has[1]]):
                        found[Place(calls[0].name, calls[1].name, role)] = has[0]
        yield from found.items()

    def names(self) -> dict[str, str]:
        """Names of the reference's weights by those of the other's, of the same role in matched calls."""
        found = {}
        for ours, theirs in self.calls:
            for role, name in theirs.weights.items():
                counterparts = [each for each in _like(role) if each in ours.weights]
                if counterparts:
                    found[name] = ours.weights[counterparts[0]]
        return found

    def _of_call(self, at: int, calls: tuple[Call, Call], arrays: Arrays, are_gradients: bool) -> dict[str, np.ndarray]:
        call = calls[at]
        held = {
            role: (arrays[name], call.axes_of(role, self._axes[at].get(name, "")))
            for role, name in call.weights.items()
            if name in arrays
        }
        op = call.op if calls[0].op == calls[1].op else None
        return comparable(op, call.options, held, are_gradients)


def _like(role: str) -> tuple[str, ...]:
    """Roles that may stand for one: of what one side alone has in parts, or twice."""
    kind = role.rpartition("_")[2]
    return role, role.replace("recurrent_bias", "bias"), f"qkv_{kind}", f"query_{kind}"
