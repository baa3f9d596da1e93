"""What a training gives while it runs, kept as it comes: of large arrays samples alone."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from twintrain.recordings.given import cast_one
from twintrain.recordings.samples import Digest, packed
from twintrain.recordings.trace import by_key, flat

GRADIENT, NEXT_GRADIENT = "gradient", "next_gradient"


class Course:
    """The course of a training in one precision.

    Attributes:
        losses: before each step.
        penalty: the share of regularization in the first one.
        predictions: what the model gave before the first step.
        loss_dtype: in which the loss was computed.
        steps: after which weights were kept.
    """

    def __init__(self, dtype: str, limit: int | None) -> None:
        """Takes the precision of what is kept, and up to how many elements arrays are kept whole."""
        self.losses: list[float] = []
        self.penalty = 0.0
        self.predictions: list[np.ndarray] = []
        self.loss_dtype = dtype
        self.steps: list[int] = []
        self._dtype, self._limit = dtype, limit
        self._arrays: dict[str, np.ndarray] = {}
        self._digests: dict[str, Digest] = {}

    def keep_gradients(self, step: int, gradients: Iterable[tuple[str, np.ndarray]]) -> None:
        """Keeps the gradients before one of the first two steps, by the names of weights; of those that have one.

        Args:
            step: counted from one.
        """
        kinds = (GRADIENT, NEXT_GRADIENT)
        if step <= len(kinds):
            self._keep(kinds[step - 1], gradients)

    def has_gradients(self, step: int) -> bool:
        """Whether gradients before a step were kept, or none are asked for."""
        kinds = (GRADIENT, NEXT_GRADIENT)
        return step > len(kinds) or any(name.startswith(f"{kinds[step - 1]}/") for name in self._arrays)

    def keep_weights(self, step: int, weights: Iterable[tuple[str, np.ndarray]]) -> None:
        """Keeps the weights after a step, by name."""
        self.steps.append(step)
        self._keep(f"step/{step}", weights)

    def arrays(self, targets: Any, with_next: bool = True) -> dict[str, np.ndarray]:
        """All arrays of it by their names in the pass, the gradients before the second step only if they are wanted."""
        whole = {"target": flat(by_key(targets)), "prediction": self.predictions}
        found = {
            f"{kind}/{number}": cast_one(array, self._dtype)
            for kind, arrays in whole.items()
            for number, array in enumerate(arrays)
        }
        found |= {"losses": np.array(self.losses, np.float64), "penalty": np.float64(self.penalty)}
        left_out = () if with_next else (NEXT_GRADIENT,)
        return {**found, **{name: each for name, each in self._arrays.items() if not name.startswith(left_out)}}

    def digests(self) -> Mapping[str, Digest]:
        """Of the arrays of which samples are kept, by their names in the pass."""
        return self._digests

    def _keep(self, kind: str, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
        for name, array in arrays:
            named = {f"{kind}/{name}": cast_one(array, self._dtype)}
            kept, digests = packed(named, self._limit, named)
            self._arrays |= kept
            self._digests |= digests
