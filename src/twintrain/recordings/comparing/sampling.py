"""What can be computed of a layer of whose inputs only samples are known: each number that comes of one number."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from twintrain.recordings.comparing.operations.activations import OPERATIONS as ACTIVATIONS
from twintrain.recordings.samples import Digest, kept, places

Shape = tuple[int, ...]
Weights = Mapping[str, tuple[np.ndarray, str]]
# Activations that take other numbers than the one that they change, or weights of any shape.
OF_MANY = {"softmax", "log_softmax", "prelu"}
BY_ELEMENT = (set(ACTIVATIONS) - OF_MANY) | {"add", "multiply", "identity", "dropout"}


class Sampling(NamedTuple):
    """How much of a layer is known.

    Attributes:
        inputs: the whole shapes of its inputs, in its own layout.
        limit: up to how many elements arrays are whole.
        has_samples: whether one of the inputs is a sample.
    """

    inputs: tuple[Shape, ...]
    limit: int
    has_samples: bool

    def kept(self, output: np.ndarray | None) -> np.ndarray | None:
        """What is known of an output that was computed."""
        return None if output is None else kept(output, self.limit)

    def weights(self, op: str | None, options: Mapping[str, Any], weights: Weights) -> Weights | None:
        """The weights with which the layer can be computed on what is known; None where it cannot."""
        if not self.has_samples:
            return weights
        if op == "batch_norm" and not options.get("training") and "moving_mean" in weights:
            return self._of_channels(options.get("axis", -1), weights)
        # Numbers that are joined must be of the same places.
        return weights if op in BY_ELEMENT and len(set(self.inputs)) == 1 else None

    def _of_channels(self, axis: int | list[int], weights: Weights) -> Weights:
        shape = self.inputs[0]
        axis = axis[0] if isinstance(axis, list) else axis
        channels = places(shape)[axis % len(shape)]
        return {role: (array[channels], axes) for role, (array, axes) in weights.items()}


def digest_gap(reference: Digest, other: Digest) -> float:
    """How far two arrays are from each other by their means, deviations and largest magnitudes; an error as others."""
    unit = reference.largest or 1.0
    gaps = [0.0 if a == b else abs(a - b) / unit for a, b in zip(reference[1:], other[1:], strict=True)]
    return max(gaps) if np.isfinite(gaps).all() else np.inf
