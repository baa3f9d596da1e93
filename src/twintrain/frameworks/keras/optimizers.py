"""Update rules in Keras: subclasses with PyTorch's form, and Keras's own for `native`.

w weight, g gradient, η learning rate, t step from 1. Constants become tensors of the weight's precision at once:
`ops.cast` would take a Python float through float32 first, and every float64 result would carry that error.
"""

from typing import Any

import keras
from keras import KerasTensor, ops

from twintrain.config import Optimizer


class TwinOptimizer(keras.optimizers.Optimizer):
    """An update rule that keeps some arrays of each weight's shape, all zero at first."""

    ARRAYS: tuple[str, ...] = ()

    def __init__(self, learning_rate: float, **options: Any) -> None:
        super().__init__(learning_rate=learning_rate)
        self.options = options

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the arrays."""
        if not self.built:
            super().build(variables)
            self.arrays = [
                [self.add_variable_from_reference(variable, name) for name in self.ARRAYS] for variable in variables
            ]

    def arrays_of(self, variable: keras.Variable) -> list[keras.Variable]:
        """The arrays of one weight."""
        return self.arrays[self._get_variable_index(variable)]


class SGD(TwinOptimizer):
    """v ← µ v + g; w ← w − η v, or with nesterov w ← w − η (g + µ v) (Sutskever et al. 2013)."""

    ARRAYS = ("velocity",)

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        momentum = self.options["momentum"]
        if momentum:
            (velocity,) = self.arrays_of(variable)
            factor = ops.convert_to_tensor(momentum, variable.dtype)
            moved = velocity * factor + gradient
            velocity.assign(moved)
            gradient = gradient + moved * factor if self.options["nesterov"] else moved
        variable.assign_sub(gradient * ops.cast(learning_rate, variable.dtype))


class Adam(TwinOptimizer):
    """Adam as in algorithm 1 of Kingma and Ba 2015: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε)."""

    ARRAYS = ("mean", "square")

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step; the bias corrections are float64, since 1 − β₂ᵗ loses four digits in float32."""
        mean, square = self.arrays_of(variable)
        dtype = variable.dtype
        beta_1, beta_2 = (ops.convert_to_tensor(self.options[name], "float64") for name in ("beta_1", "beta_2"))
        step = ops.cast(self.iterations + 1, "float64")
        step_size = ops.cast(ops.cast(learning_rate, "float64") / (1 - ops.power(beta_1, step)), dtype)
        root_correction = ops.cast(ops.sqrt(1 - ops.power(beta_2, step)), dtype)
        epsilon = ops.convert_to_tensor(self.options["epsilon"], dtype)
        mean.assign_add((gradient - mean) * ops.cast(1 - beta_1, dtype))
        square.assign(square * ops.cast(beta_2, dtype) + ops.square(gradient) * ops.cast(1 - beta_2, dtype))
        variable.assign_sub(step_size * mean / (ops.sqrt(square) / root_correction + epsilon))


BUILDERS = {"sgd": SGD, "adam": Adam}
NATIVE = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}


def build(settings: Optimizer, mode: str, weights: list[keras.Variable]) -> keras.optimizers.Optimizer:
    """Builds the update rule; in `native`, it is Keras's own and options left open are Keras's too."""
    builders = NATIVE if mode == "native" else BUILDERS
    optimizer = builders[settings.name](settings.learning_rate, **settings.options(mode))
    optimizer.build(weights)
    return optimizer
