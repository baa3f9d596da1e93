"""Dynamic scaling of the loss in Keras, by the rule of `training/loss_scale.py`."""

import keras
import numpy as np
from keras import KerasTensor, ops

from twintrain.training import loss_scale


class LossScale:
    """A scale that follows the gradients of a training.

    Args:
        is_on: whether anything is scaled, and any step may be skipped.
        statistics: what a forward pass changes, which a skipped step must put back.

    Attributes:
        skipped: the number of steps.
        kept: the statistics after the last step that was not skipped; variables, since no tensor outlives the graph
            of a forward pass.
        numbers: what it keeps besides.
    """

    def __init__(self, is_on: bool, statistics: list[keras.Variable]) -> None:
        self.is_on = is_on
        self.statistics = statistics if is_on else []
        self.kept = [
            keras.Variable(ops.convert_to_numpy(variable), dtype=variable.dtype, trainable=False)
            for variable in self.statistics
        ]
        self.scale = keras.Variable(loss_scale.FIRST, dtype="float32", trainable=False, name="scale")
        self.good, self.skipped = (
            keras.Variable(0, dtype="int32", trainable=False, name=name) for name in ("good", "skipped")
        )
        self.numbers = [self.scale, self.good, self.skipped] if is_on else []

    def scaled(self, loss: KerasTensor) -> KerasTensor:
        """The loss whose gradients are to be taken."""
        return loss * self.scale.value if self.is_on else loss

    def unscaled(self, gradients: list[KerasTensor]) -> list[KerasTensor]:
        """The gradients of the loss, from those of the scaled one."""
        return [gradient / self.scale.value for gradient in gradients] if self.is_on else gradients

    def keep_statistics(self) -> None:
        """Takes the statistics for those that a skipped step must put back."""
        for kept, variable in zip(self.kept, self.statistics, strict=True):
            kept.assign(variable.value)

    def follow(self, is_finite: KerasTensor) -> None:
        """Moves the scale after a step, and puts back the statistics if it was skipped."""
        for kept, variable in zip(self.kept, self.statistics, strict=True):
            variable.assign(ops.where(is_finite, variable.value, kept.value))
        self.keep_statistics()
        scale, good = self.scale.value, self.good.value + 1
        grows = ops.equal(good, loss_scale.GROWTH_STEPS)
        larger = ops.where(grows, ops.minimum(scale * 2, loss_scale.LARGEST), scale)
        self.scale.assign(ops.where(is_finite, larger, ops.maximum(scale / 2, loss_scale.SMALLEST)))
        goes_on = ops.logical_and(is_finite, ops.logical_not(grows))
        self.good.assign(ops.where(goes_on, good, ops.zeros_like(good)))
        self.skipped.assign_add(ops.cast(ops.logical_not(is_finite), "int32"))

    def metrics(self) -> dict[str, float]:
        """What is watched of it."""
        found = {"loss_scale": self.scale, "skipped_steps": self.skipped} if self.is_on else {}
        return {name: float(ops.convert_to_numpy(variable)) for name, variable in found.items()}

    def state(self) -> dict[str, np.ndarray]:
        """Returns what must be kept to go on."""
        return {variable.name: np.array(ops.convert_to_numpy(variable)) for variable in self.numbers}

    def load_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        for variable in self.numbers:
            variable.assign(arrays[variable.name])


def are_finite(gradients: list[KerasTensor]) -> KerasTensor:
    """Whether all numbers are, a scalar."""
    return ops.all(ops.stack([ops.all(ops.isfinite(gradient)) for gradient in gradients]))
