"""An exponential moving average of the weights in PyTorch."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn


class Average:
    """After each step a ← a + (1 − d) (w − a), after the first one a ← w, as `torch.optim.swa_utils` has it.

    Args:
        weights: none, where nothing is averaged.
        decay: d.
    """

    def __init__(self, weights: list[nn.Parameter], decay: float) -> None:
        self.weights, self.decay = weights, decay
        self.arrays = [torch.zeros_like(weight, requires_grad=False) for weight in weights]
        self.steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Follows a step."""
        share = 1 - self.decay if self.steps else 1.0
        for average, weight in zip(self.arrays, self.weights, strict=True):
            average.add_((weight - average) * share)
        self.steps += 1

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Meanwhile the network has the averages for weights, once a step was taken."""
        before = [weight.detach().clone() for weight in self.weights]
        self._set(self.arrays if self.steps else before)
        try:
            yield
        finally:
            self._set(before)

    @torch.no_grad()
    def _set(self, arrays: list[torch.Tensor]) -> None:
        for weight, array in zip(self.weights, arrays, strict=True):
            weight.copy_(array)

    def state(self) -> dict[str, np.ndarray]:
        """Returns a copy of the averages, and how many steps they followed."""
        arrays = {str(index): array.cpu().numpy().copy() for index, array in enumerate(self.arrays)}
        return {**arrays, "steps": np.array(self.steps)}

    def load_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        self.steps = int(arrays["steps"])
        for index, average in enumerate(self.arrays):
            average.copy_(torch.from_numpy(arrays[str(index)]))
