"""Dynamic scaling of the loss in PyTorch, by the rule of `training/loss_scale.py`."""

import numpy as np
import torch

from twintrain.training import loss_scale


class LossScale:
    """A scale that follows the gradients of a training.

    Args:
        is_on: whether anything is scaled, and any step may be skipped.
        statistics: what a forward pass changes, which a skipped step must put back.

    Attributes:
        skipped: the number of steps.
        kept: the statistics after the last step that was not skipped.
    """

    def __init__(self, is_on: bool, statistics: list[torch.Tensor]) -> None:
        self.is_on = is_on
        self.statistics = statistics if is_on else []
        self.kept = [array.clone() for array in self.statistics]
        self.scale, self.good, self.skipped = loss_scale.FIRST, 0, 0

    def scaled(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss whose gradients are to be taken."""
        return loss * self.scale if self.is_on else loss

    def unscaled(self, gradients: list[torch.Tensor]) -> list[torch.Tensor]:
        """The gradients of the loss, from those of the scaled one."""
        return [gradient / self.scale for gradient in gradients] if self.is_on else gradients

    def keep_statistics(self) -> None:
        """Takes the statistics for those that a skipped step must put back."""
        _copy(self.statistics, self.kept)

    def follow(self, is_finite: bool) -> None:
        """Moves the scale after a step, and puts back the statistics if it was skipped."""
        if is_finite:
            self.keep_statistics()
        else:
            _copy(self.kept, self.statistics)
        self.scale, self.good = loss_scale.next_scale(self.scale, self.good, is_finite)
        self.skipped += not is_finite

    def metrics(self) -> dict[str, float]:
        """What is watched of it."""
        return {"loss_scale": self.scale, "skipped_steps": float(self.skipped)} if self.is_on else {}

    def state(self) -> dict[str, np.ndarray]:
        """Returns what must be kept to go on."""
        kept = {"scale": self.scale, "good": self.good, "skipped": self.skipped} if self.is_on else {}
        return {name: np.array(value) for name, value in kept.items()}

    def load_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        if self.is_on:
            self.scale, self.good, self.skipped = (arrays[name].item() for name in ("scale", "good", "skipped"))


def are_finite(gradients: list[torch.Tensor]) -> bool:
    """Whether all numbers are."""
    return bool(torch.stack([torch.isfinite(gradient).all() for gradient in gradients]).all())


def _copy(arrays: list[torch.Tensor], to: list[torch.Tensor]) -> None:
    for array, other in zip(arrays, to, strict=True):
        other.copy_(array)
