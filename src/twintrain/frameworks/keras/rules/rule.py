"""What the update rules in Keras have in common.

w weight, g gradient, η learning rate, t step from 1; a product or quotient of arrays is number by number. Constants
become tensors of the weight's precision at once: on TensorFlow `ops.cast` would take a Python float through float32
first, and every float64 result would carry that error. What depends on t is computed in float64, because 1 − β₂ᵗ
loses four digits in float32, and rounded to the weight's precision at the end.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops


class TwinOptimizer(keras.optimizers.Optimizer):
    """An update rule that keeps some arrays and numbers for each weight."""

    def __init__(self, learning_rate: float, **options: Any) -> None:
        super().__init__(learning_rate=learning_rate)
        self.first_learning_rate = learning_rate
        self.options = options

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the arrays and numbers."""
        if not self.built:
            super().build(variables)
            self.kept = [self._made_for(variable) for variable in variables]

    def arrays(self) -> dict[str, float]:
        """Names of what is kept in each weight's shape and dtype, with the value it is filled with at first."""
        return {}

    def numbers(self) -> dict[str, float]:
        """Names of what is kept as one float32 number, with its first value: what PyTorch keeps so, it rounds so."""
        return {}

    def _made_for(self, variable: keras.Variable) -> dict[str, keras.Variable]:
        arrays = {
            name: self.add_variable_from_reference(variable, name, initializer=filled(value))
            for name, value in self.arrays().items()
        }
        numbers = {
            name: self.add_variable((), initializer=filled(value), dtype="float32", name=name)
            for name, value in self.numbers().items()
        }
        return arrays | numbers

    def kept_for(self, variable: keras.Variable) -> dict[str, keras.Variable]:
        """The arrays and numbers of one weight."""
        return self.kept[self._get_variable_index(variable)]

    def constant(self, name: str, dtype: str) -> KerasTensor:
        """An option as a scalar."""
        return ops.convert_to_tensor(self.options[name], dtype)

    def step(self) -> KerasTensor:
        """The number of this step, t, as a wide scalar."""
        return wide(self.iterations) + wide(1.0)

    def correction(self, name: str) -> KerasTensor:
        """The bias correction 1 − βᵗ as a wide scalar; by expm1, which keeps the digits in float32 too."""
        beta = self.options[name]
        return -ops.expm1(self.step() * wide(math.log(beta) if beta else -math.inf))


def approach(average: keras.Variable, share: float, value: KerasTensor) -> None:
    """Moves an average: a ← a + (1 − share) (x − a)."""
    average.assign_add((value - average) * ops.convert_to_tensor(1 - share, average.dtype))


def decay(average: keras.Variable, share: float, value: KerasTensor) -> None:
    """The same in the form that PyTorch has for squares: a ← share a + (1 − share) x."""
    kept = average * ops.convert_to_tensor(share, average.dtype)
    average.assign(kept + value * ops.convert_to_tensor(1 - share, average.dtype))


def wide(value: float | KerasTensor | keras.Variable) -> KerasTensor:
    """A scalar in float64; on JAX without `jax_enable_x64`, which has none, in float32."""
    if isinstance(value, float):
        return ops.convert_to_tensor(np.array(value, np.float64))
    return ops.cast(value, keras.backend.standardize_dtype(wide(0.0).dtype))


def larger(first: KerasTensor, second: KerasTensor) -> KerasTensor:
    """The larger of each pair; on PyTorch, `ops.maximum` gives float32, whatever comes in."""
    first, second = ops.convert_to_tensor(first), ops.convert_to_tensor(second)
    return ops.where(first > second, first, second)


def filled(value: float) -> keras.initializers.Initializer:
    """An initializer that fills arrays with one value."""

    def fill(shape: tuple[int, ...], dtype: str) -> KerasTensor:
        return ops.convert_to_tensor(np.full(shape, value, dtype))

    return fill
