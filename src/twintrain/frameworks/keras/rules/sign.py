"""Steps that look at the sign of the gradient alone."""

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.rules.rule import TwinOptimizer, approach


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


class Lion(TwinOptimizer):
    """Lion: w ← w − η (sign(β₁ m + (1 − β₁) g) + λ w); m ← β₂ m + (1 − β₂) g (Chen et al. 2023, algorithm 2)."""

    def arrays(self) -> dict[str, float]:
        return {"mean": 0.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        mean, dtype = self.kept_for(variable)["mean"], variable.dtype
        rate, decay = ops.cast(learning_rate, dtype), self.constant("weight_decay", dtype)
        towards = mean + (gradient - mean) * ops.convert_to_tensor(1 - self.options["beta_1"], dtype)
        variable.assign_sub(rate * (ops.sign(towards) + decay * variable))
        approach(mean, self.options["beta_2"], gradient)
