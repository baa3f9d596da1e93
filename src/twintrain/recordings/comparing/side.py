"""A recording as one side of a diff: its arrays of one pass, in float64, and by how much they depend on rounding."""

import functools
from collections import Counter
from collections.abc import Iterable

import numpy as np

from twintrain.recordings.archive import Recording
from twintrain.recordings.comparing.arguments import in_one_order
from twintrain.recordings.comparing.comparison import error
from twintrain.recordings.comparing.fusing import fused
from twintrain.recordings.contents import Call
from twintrain.recordings.samples import Digest, is_whole, kept

TITLES = {"torch": "PyTorch", "keras": "Keras"}
PERTURBED = "{} perturbed"
# How many arrays are kept in memory: those of a layer and its neighbours.
KEPT = 32
# Weights that differ in their last digits differ by this many units of the precision.
LAST_DIGITS = 8


class Side:
    """One recording, seen in one pass.

    Attributes:
        recording: of which it is a view.
        pass_: the pass.
        calls: in the order of execution; padding before a convolution or pool is part of that.
        channels: where most of its layers have them, "first" or "last"; None where none says so.
        title: how sentences call it.
        limit: up to how many elements arrays are whole, and of larger ones samples; None where all are.
        producers: the call that has made a tensor, by number of the tensor.
    """

    def __init__(self, recording: Recording, pass_: str, title: str, limit: int | None = None) -> None:
        """Takes up to how many elements the other side has arrays whole, so that both are samples or neither is."""
        self.recording, self.pass_, self.title = recording, pass_, title
        self.limit = common_limit(recording.limit, limit)
        self.calls = [in_one_order(recording, call) for call in fused(recording)]
        # A layer that has no word of ours tells its settings in its own.
        named = [str(call.options["data_format"]) for call in self.calls if call.options.get("data_format")]
        formats = Counter(name.removeprefix("channels_") for name in named)
        self.channels = formats.most_common(1)[0][0] if formats else None
        self.producers = {number: at for at, call in enumerate(self.calls) for number in call.outputs}
        self.tensor = functools.lru_cache(KEPT)(self._tensor)
        # Weights may be changed by far more than the last digits, so that rounding does not hide what that does.
        changed_by = recording.perturbation
        self._share = LAST_DIGITS * float(np.finfo(pass_).eps) / changed_by if changed_by else 1.0
        self._axes = {weight.name: weight.axes for weight in recording.weights}

    def tensors(self, numbers: Iterable[int]) -> list[np.ndarray]:
        """Tensors by their numbers."""
        return [self.tensor(number) for number in numbers]

    def whole(self, number: int) -> np.ndarray:
        """An input of the model, however large."""
        return _exact(self.recording.tensor(self.pass_, number))

    def shape(self, number: int) -> tuple[int, ...]:
        """The shape of a tensor, of which a sample may be all that is known."""
        return tuple(self.recording.tensors[number].shape)

    def digest(self, number: int) -> Digest | None:
        """What is known of the whole of a tensor of which only a sample is compared."""
        if self.is_whole(self.shape(number)):
            return None
        known = self.recording.digests.get(self.pass_, {}).get(f"tensor/{number}")
        return known or Digest.of(self.recording.tensor(self.pass_, number))

    def is_whole(self, shape: tuple[int, ...]) -> bool:
        """Whether arrays of a shape are compared as a whole."""
        return is_whole(shape, self.limit)

    def kept(self, array: np.ndarray) -> np.ndarray:
        """What is compared of an array that is laid out as the recording has it."""
        return kept(array, self.limit)

    def weights(self, call: Call) -> dict[str, tuple[np.ndarray, str]]:
        """Array and axes of a call's weights, by role."""
        return {
            role: (_exact(self.recording.weight(self.pass_, name)), call.axes_of(role, self._axes.get(name, "")))
            for role, name in call.weights.items()
        }

    def weight_shapes(self, call: Call) -> dict[str, tuple[int, ...]]:
        """Shapes of a call's weights, by role."""
        shapes = {weight.name: weight.shape for weight in self.recording.weights}
        return {role: tuple(shapes[name]) for role, name in call.weights.items()}

    def self_error(self, number: int) -> float:
        """By how much a tensor changes when the weights change in the last digits; 0 where that was not recorded."""
        perturbed = PERTURBED.format(self.pass_)
        if perturbed not in self.recording.passes:
            return 0.0
        found = error(self.tensor(number), _exact(self.kept(self.recording.tensor(perturbed, number))))
        return found * self._share if np.isfinite(found) else 0.0

    def _tensor(self, number: int) -> np.ndarray:
        return _exact(self.kept(self.recording.tensor(self.pass_, number)))


def common_limit(*limits: int | None) -> int | None:
    """The smallest of limits; None where there is none."""
    return min((limit for limit in limits if limit is not None), default=None)


def likely_layout(reference: Side, other: Side) -> str | None:
    """Where the other's channels go in the reference's arrays, see `turned`; None where layers do not say it."""
    if reference.channels is None or other.channels is None:
        return None
    return "same" if reference.channels == other.channels else reference.channels


def titles(reference: Recording, other: Recording) -> tuple[str, str]:
    """How sentences call two recordings: by their frameworks, unless both are of one."""
    if reference.framework == other.framework:
        return "the reference", "the other"
    return tuple(TITLES.get(each.framework, each.framework) for each in (reference, other))  # type: ignore[return-value]


def _exact(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype.kind == "f" else array
