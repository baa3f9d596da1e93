"""Update rules in Keras: subclasses with PyTorch's form, and Keras's own for `native`.

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

from twintrain.config import Optimizer


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
            name: self.add_variable_from_reference(variable, name, initializer=_filled(value))
            for name, value in self.arrays().items()
        }
        numbers = {
            name: self.add_variable((), initializer=_filled(value), dtype="float32", name=name)
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
        return _wide(self.iterations) + _wide(1.0)

    def correction(self, name: str) -> KerasTensor:
        """The bias correction 1 − βᵗ as a wide scalar; by expm1, which keeps the digits in float32 too."""
        beta = self.options[name]
        return -ops.expm1(self.step() * _wide(math.log(beta) if beta else -math.inf))


class SGD(TwinOptimizer):
    """SGD: v ← µ v + g; w ← w − η v, or with nesterov w ← w − η (g + µ v) (Sutskever et al. 2013)."""

    def arrays(self) -> dict[str, float]:
        return {"velocity": 0.0} if self.options["momentum"] else {}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        if self.options["momentum"]:
            velocity = self.kept_for(variable)["velocity"]
            factor = self.constant("momentum", variable.dtype)
            moved = velocity * factor + gradient
            velocity.assign(moved)
            gradient = gradient + moved * factor if self.options["nesterov"] else moved
        variable.assign_sub(gradient * ops.cast(learning_rate, variable.dtype))


class Adagrad(TwinOptimizer):
    """Adagrad: s ← s + g²; w ← w − η / (1 + (t − 1) lr_decay) g / (√s + ε) (Duchi et al. 2011)."""

    def arrays(self) -> dict[str, float]:
        return {"square": self.options["initial_accumulator_value"]}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        square, dtype = self.kept_for(variable)["square"], variable.dtype
        decay = _wide(1.0) + _wide(self.iterations) * _wide(self.options["lr_decay"])
        square.assign_add(ops.square(gradient))
        step_size = ops.cast(_wide(learning_rate) / decay, dtype)
        variable.assign_sub(step_size * (gradient / (ops.sqrt(square) + self.constant("epsilon", dtype))))


class Adadelta(TwinOptimizer):
    """Adadelta: s ← ρ s + (1 − ρ) g²; Δ = √(d + ε) / √(s + ε) g; d ← ρ d + (1 − ρ) Δ²; w ← w − η Δ (Zeiler 2012)."""

    def arrays(self) -> dict[str, float]:
        return {"square": 0.0, "square_change": 0.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, rho = self.kept_for(variable), self.options["rho"]
        epsilon = self.constant("epsilon", variable.dtype)
        _decay(kept["square"], rho, ops.square(gradient))
        change = ops.sqrt(kept["square_change"] + epsilon) / ops.sqrt(kept["square"] + epsilon) * gradient
        _decay(kept["square_change"], rho, ops.square(change))
        variable.assign_sub(change * ops.cast(learning_rate, variable.dtype))


class RMSprop(TwinOptimizer):
    """RMSprop: s ← ρ s + (1 − ρ) g²; w ← w − η g / (√s + ε) (Hinton 2012, lecture 6e).

    Centered (Graves 2013): √(s − m²) for √s, m ← m + (1 − ρ) (g − m). With momentum: b ← µ b + g / (√s + ε);
    w ← w − η b.
    """

    def arrays(self) -> dict[str, float]:
        needed = {"square": True, "mean": self.options["centered"], "velocity": self.options["momentum"]}
        return {name: 0.0 for name, is_needed in needed.items() if is_needed}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, rho, dtype = self.kept_for(variable), self.options["rho"], variable.dtype
        _decay(kept["square"], rho, ops.square(gradient))
        variance = ops.convert_to_tensor(kept["square"])
        if self.options["centered"]:
            _approach(kept["mean"], rho, gradient)
            variance = variance - ops.square(kept["mean"])
        change = gradient / (ops.sqrt(variance) + self.constant("epsilon", dtype))
        if self.options["momentum"]:
            change = kept["velocity"] * self.constant("momentum", dtype) + change
            kept["velocity"].assign(change)
        variable.assign_sub(change * ops.cast(learning_rate, dtype))


class Adam(TwinOptimizer):
    """Adam as in algorithm 1 of Kingma and Ba 2015: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε).

    With amsgrad (Reddi et al. 2018), the largest v so far stands for v in v̂.
    """

    def arrays(self) -> dict[str, float]:
        return {"mean": 0.0, "square": 0.0, **({"largest": 0.0} if self.options["amsgrad"] else {})}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, dtype = self.kept_for(variable), variable.dtype
        _approach(kept["mean"], self.options["beta_1"], gradient)
        _decay(kept["square"], self.options["beta_2"], ops.square(gradient))
        square = kept["square"]
        if self.options["amsgrad"]:
            square = _larger(kept["largest"], kept["square"])
            kept["largest"].assign(square)
        step_size = ops.cast(_wide(learning_rate) / self.correction("beta_1"), dtype)
        root = ops.sqrt(square) / ops.cast(ops.sqrt(self.correction("beta_2")), dtype)
        variable.assign_sub(step_size * kept["mean"] / (root + self.constant("epsilon", dtype)))


class Adamax(TwinOptimizer):
    """Adam with u ← max(β₂ u, |g| + ε) for √v̂ + ε (algorithm 2 of Kingma and Ba 2015; ε is PyTorch's)."""

    def arrays(self) -> dict[str, float]:
        return {"mean": 0.0, "largest": 0.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, dtype = self.kept_for(variable), variable.dtype
        _approach(kept["mean"], self.options["beta_1"], gradient)
        size = ops.abs(gradient) + self.constant("epsilon", dtype)
        kept["largest"].assign(_larger(kept["largest"] * self.constant("beta_2", dtype), size))
        step_size = ops.cast(_wide(learning_rate) / self.correction("beta_1"), dtype)
        variable.assign_sub(step_size * (kept["mean"] / kept["largest"]))


class NAdam(TwinOptimizer):
    """Adam with m̂ = µₜ₊₁ m / (1 − µ₁…µₜ₊₁) + (1 − µₜ) g / (1 − µ₁…µₜ), µₜ = β₁ (1 − ½ 0.96^(t ψ)) (Dozat 2016).

    ψ is `momentum_decay`.
    """

    def arrays(self) -> dict[str, float]:
        return {"mean": 0.0, "square": 0.0}

    def numbers(self) -> dict[str, float]:
        return {"mu_product": 1.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, dtype = self.kept_for(variable), variable.dtype
        mu, mu_next = self._momentum(self.step()), self._momentum(self.step() + _wide(1.0))
        kept["mu_product"].assign(kept["mu_product"] * ops.cast(mu, "float32"))
        mu_product = _wide(kept["mu_product"])
        _approach(kept["mean"], self.options["beta_1"], gradient)
        _decay(kept["square"], self.options["beta_2"], ops.square(gradient))
        root = ops.sqrt(kept["square"] / ops.cast(self.correction("beta_2"), dtype)) + self.constant("epsilon", dtype)
        one, rate = _wide(1.0), _wide(learning_rate)
        of_gradient = ops.cast(rate * (one - mu) / (one - mu_product), dtype)
        of_mean = ops.cast(rate * mu_next / (one - mu_product * mu_next), dtype)
        variable.assign_sub(of_gradient * (gradient / root) + of_mean * (kept["mean"] / root))

    def _momentum(self, step: KerasTensor) -> KerasTensor:
        decayed = ops.exp(step * _wide(self.options["momentum_decay"] * math.log(0.96)))
        return _wide(self.options["beta_1"]) * (_wide(1.0) - _wide(0.5) * decayed)


class AdamW(Adam):
    """AdamW: w ← w (1 − η λ), λ the weight_decay of all weights, biases too; then Adam (Loshchilov and Hutter 2019)."""

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept_share = _wide(1.0) - _wide(learning_rate) * _wide(self.options["weight_decay"])
        variable.assign(variable * ops.cast(kept_share, variable.dtype))
        super().update_step(gradient, variable, learning_rate)


class Rprop(TwinOptimizer):
    """Rprop: w ← w − sign(g) h, h from η: times η₊ while g keeps its sign, times η₋ and no step where it turns.

    `etas` are (η₋, η₊), `step_sizes` the limits of h (Riedmiller and Braun 1993, in the form of iRprop−: Igel and
    Hüsken 2000).
    """

    def arrays(self) -> dict[str, float]:
        return {"previous": 0.0, "step_size": self.first_learning_rate}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step; h follows no learning rate but the first."""
        kept, dtype = self.kept_for(variable), variable.dtype
        eta_minus, eta_plus = (ops.convert_to_tensor(eta, dtype) for eta in self.options["etas"])
        smallest, largest = (ops.convert_to_tensor(size, dtype) for size in self.options["step_sizes"])
        trend = ops.sign(gradient * kept["previous"])
        factor = ops.where(trend > 0, eta_plus, ops.where(trend < 0, eta_minus, ops.ones_like(trend)))
        step_size = ops.clip(kept["step_size"] * factor, smallest, largest)
        gradient = ops.where(trend < 0, ops.zeros_like(gradient), gradient)
        kept["step_size"].assign(step_size)
        kept["previous"].assign(gradient)
        variable.assign_sub(ops.sign(gradient) * step_size)


class ASGD(TwinOptimizer):
    """ASGD: w ← w (1 − λ h) − h g; then h ← η / (1 + λ η t)^α in float32, h = η at first (Polyak and Juditsky 1992).

    The weights are the plain ones: PyTorch keeps the average that the rule is named for beside them, in its state
    `ax`, and does not use it; here it is not kept.
    """

    def numbers(self) -> dict[str, float]:
        return {"step_size": 0.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        number, dtype = self.kept_for(variable)["step_size"], variable.dtype
        rate, decay, one = _wide(learning_rate), _wide(self.options["lambd"]), _wide(1.0)
        step_size = ops.where(self.iterations > 0, _wide(number), _wide(ops.cast(rate, "float32")))
        decayed = variable * ops.cast(one - decay * step_size, dtype)
        variable.assign(decayed - gradient * ops.cast(step_size, dtype))
        slowed = ops.power(one + decay * rate * self.step(), _wide(self.options["alpha"]))
        number.assign(ops.cast(rate / slowed, "float32"))


BUILDERS = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamax": Adamax,
    "nadam": NAdam,
    "adamw": AdamW,
    "rprop": Rprop,
    "asgd": ASGD,
}
NATIVE = {
    "sgd": keras.optimizers.SGD,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "adamw": keras.optimizers.AdamW,
}


def build(settings: Optimizer, mode: str, weights: list[keras.Variable]) -> keras.optimizers.Optimizer:
    """Builds the update rule; in `native`, it is Keras's own and options left open are Keras's too."""
    builders = NATIVE if mode == "native" else BUILDERS
    optimizer = builders[settings.name](settings.learning_rate, **settings.options(mode))
    optimizer.build(weights)
    return optimizer


def set_learning_rate(optimizer: keras.optimizers.Optimizer, learning_rate: float | KerasTensor) -> None:
    """Sets the learning rate of the next steps; in a graph, the tensor of one."""
    optimizer.learning_rate = learning_rate


def state(optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """Returns a copy of what the update rule keeps from step to step."""
    return {str(index): np.array(ops.convert_to_numpy(variable)) for index, variable in enumerate(optimizer.variables)}


def load_state(optimizer: keras.optimizers.Optimizer, arrays: dict[str, np.ndarray]) -> None:
    """Sets what `state` returned."""
    for index, variable in enumerate(optimizer.variables):
        variable.assign(arrays[str(index)])


def _approach(average: keras.Variable, share: float, value: KerasTensor) -> None:
    """Moves an average: a ← a + (1 − share) (x − a)."""
    average.assign_add((value - average) * ops.convert_to_tensor(1 - share, average.dtype))


def _decay(average: keras.Variable, share: float, value: KerasTensor) -> None:
    """The same in the form that PyTorch has for squares: a ← share a + (1 − share) x."""
    kept = average * ops.convert_to_tensor(share, average.dtype)
    average.assign(kept + value * ops.convert_to_tensor(1 - share, average.dtype))


def _wide(value: float | KerasTensor | keras.Variable) -> KerasTensor:
    """A scalar in float64; on JAX without `jax_enable_x64`, which has none, in float32."""
    if isinstance(value, float):
        return ops.convert_to_tensor(np.array(value, np.float64))
    return ops.cast(value, keras.backend.standardize_dtype(_wide(0.0).dtype))


def _larger(first: KerasTensor, second: KerasTensor) -> KerasTensor:
    """The larger of each pair; on PyTorch, `ops.maximum` gives float32, whatever comes in."""
    first, second = ops.convert_to_tensor(first), ops.convert_to_tensor(second)
    return ops.where(first > second, first, second)


def _filled(value: float) -> keras.initializers.Initializer:
    def fill(shape: tuple[int, ...], dtype: str) -> KerasTensor:
        return ops.convert_to_tensor(np.full(shape, value, dtype))

    return fill
