"""Adam and its kin: both moments of the gradient."""

import math

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.rules.rule import TwinOptimizer, approach, decay, larger, wide


class Adam(TwinOptimizer):
    """Adam as in algorithm 1 of Kingma and Ba 2015: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε).

    With amsgrad (Reddi et al. 2018), the largest v so far stands for v in v̂.
    """

    def arrays(self) -> dict[str, float]:
        return {"mean": 0.0, "square": 0.0, **({"largest": 0.0} if self.options["amsgrad"] else {})}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, dtype = self.kept_for(variable), variable.dtype
        approach(kept["mean"], self.options["beta_1"], gradient)
        decay(kept["square"], self.options["beta_2"], ops.square(gradient))
        square = kept["square"]
        if self.options["amsgrad"]:
            square = larger(kept["largest"], kept["square"])
            kept["largest"].assign(square)
        step_size = ops.cast(wide(learning_rate) / self.correction("beta_1"), dtype)
        root = ops.sqrt(square) / ops.cast(ops.sqrt(self.correction("beta_2")), dtype)
        variable.assign_sub(step_size * kept["mean"] / (root + self.constant("epsilon", dtype)))


class Adamax(TwinOptimizer):
    """Adam with u ← max(β₂ u, |g| + ε) for √v̂ + ε (algorithm 2 of Kingma and Ba 2015; ε is PyTorch's)."""

    def arrays(self) -> dict[str, float]:
        return {"mean": 0.0, "largest": 0.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, dtype = self.kept_for(variable), variable.dtype
        approach(kept["mean"], self.options["beta_1"], gradient)
        size = ops.abs(gradient) + self.constant("epsilon", dtype)
        kept["largest"].assign(larger(kept["largest"] * self.constant("beta_2", dtype), size))
        step_size = ops.cast(wide(learning_rate) / self.correction("beta_1"), dtype)
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
        mu, mu_next = self._momentum(self.step()), self._momentum(self.step() + wide(1.0))
        kept["mu_product"].assign(kept["mu_product"] * ops.cast(mu, "float32"))
        mu_product = wide(kept["mu_product"])
        approach(kept["mean"], self.options["beta_1"], gradient)
        decay(kept["square"], self.options["beta_2"], ops.square(gradient))
        root = ops.sqrt(kept["square"] / ops.cast(self.correction("beta_2"), dtype)) + self.constant("epsilon", dtype)
        one, rate = wide(1.0), wide(learning_rate)
        of_gradient = ops.cast(rate * (one - mu) / (one - mu_product), dtype)
        of_mean = ops.cast(rate * mu_next / (one - mu_product * mu_next), dtype)
        variable.assign_sub(of_gradient * (gradient / root) + of_mean * (kept["mean"] / root))

    def _momentum(self, step: KerasTensor) -> KerasTensor:
        decayed = ops.exp(step * wide(self.options["momentum_decay"] * math.log(0.96)))
        return wide(self.options["beta_1"]) * (wide(1.0) - wide(0.5) * decayed)


class AdamW(Adam):
    """AdamW: w ← w (1 − η λ), λ the weight_decay of all weights, biases too; then Adam (Loshchilov and Hutter 2019)."""

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept_share = wide(1.0) - wide(learning_rate) * wide(self.options["weight_decay"])
        variable.assign(variable * ops.cast(kept_share, variable.dtype))
        super().update_step(gradient, variable, learning_rate)


class LAMB(TwinOptimizer):
    """LAMB: r = m̂ / (√v̂ + ε) + λ w; w ← w − η |w| / |r| r, without the quotient where a norm is 0 (You et al. 2020).

    m̂ and v̂ are Adam's; the norms are of a whole array.
    """

    def arrays(self) -> dict[str, float]:
        return {"mean": 0.0, "square": 0.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, dtype = self.kept_for(variable), variable.dtype
        approach(kept["mean"], self.options["beta_1"], gradient)
        decay(kept["square"], self.options["beta_2"], ops.square(gradient))
        mean = kept["mean"] / ops.cast(self.correction("beta_1"), dtype)
        root = ops.sqrt(kept["square"] / ops.cast(self.correction("beta_2"), dtype))
        change = mean / (root + self.constant("epsilon", dtype)) + self.constant("weight_decay", dtype) * variable
        size, length = (ops.sqrt(ops.sum(ops.square(array))) for array in (variable, change))
        one = ops.ones_like(size)
        is_scaled = ops.logical_and(size > 0, length > 0)
        trust = ops.where(is_scaled, size / ops.where(length > 0, length, one), one)
        variable.assign_sub(ops.cast(learning_rate, dtype) * trust * change)
