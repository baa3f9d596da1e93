"""An exponential moving average of the weights in Keras."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
from keras import KerasTensor, ops


class Average:
    """After each step a ← a + (1 − d) (w − a), after the first one a ← w, as `torch.optim.swa_utils` has it.

    Args:
        weights: none, where nothing is averaged.
        decay: d.
    """

    def __init__(self, weights: list[keras.Variable], decay: float) -> None:
        self.weights, self.decay = weights, decay
        self.arrays = [
            keras.Variable(np.zeros(weight.shape, weight.dtype), dtype=weight.dtype, trainable=False)
            for weight in weights
        ]
        self.steps = keras.Variable(0, dtype="int32", trainable=False)

    def update(self) -> None:
        """Follows a step."""
        for average, weight in zip(self.arrays, self.weights, strict=True):
            share = ops.convert_to_tensor(np.array(1 - self.decay, average.dtype))
            share = ops.where(self.steps > 0, share, ops.ones_like(share))
            average.assign_add((weight - average) * share)
        self.steps.assign_add(1)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Meanwhile the network has the averages for weights, once a step was taken."""
        before = [ops.copy(weight.value) for weight in self.weights]
        self._set([average.value for average in self.arrays] if int(self.steps.value) else before)
        try:
            yield
        finally:
            self._set(before)

    def _set(self, arrays: list[KerasTensor]) -> None:
        for weight, array in zip(self.weights, arrays, strict=True):
            weight.assign(array)

    def state(self) -> dict[str, np.ndarray]:
        """Returns a copy of the averages, and how many steps they followed."""
        arrays = {str(index): np.array(ops.convert_to_numpy(array)) for index, array in enumerate(self.arrays)}
        return {**arrays, "steps": np.array(ops.convert_to_numpy(self.steps))}

    def load_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        self.steps.assign(int(arrays["steps"]))
        for index, average in enumerate(self.arrays):
            average.assign(arrays[str(index)])
