"""Steps that are scaled by past squares of the gradient."""

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.rules.rule import TwinOptimizer, approach, decay, wide


class Adagrad(TwinOptimizer):
    """Adagrad: s ← s + g²; w ← w − η / (1 + (t − 1) lr_decay) g / (√s + ε) (Duchi et al. 2011)."""

    def arrays(self) -> dict[str, float]:
        return {"square": self.options["initial_accumulator_value"]}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        square, dtype = self.kept_for(variable)["square"], variable.dtype
        decay = wide(1.0) + wide(self.iterations) * wide(self.options["lr_decay"])
        square.assign_add(ops.square(gradient))
        step_size = ops.cast(wide(learning_rate) / decay, dtype)
        variable.assign_sub(step_size * (gradient / (ops.sqrt(square) + self.constant("epsilon", dtype))))


class Adadelta(TwinOptimizer):
    """Adadelta: s ← ρ s + (1 − ρ) g²; Δ = √(d + ε) / √(s + ε) g; d ← ρ d + (1 − ρ) Δ²; w ← w − η Δ (Zeiler 2012)."""

    def arrays(self) -> dict[str, float]:
        return {"square": 0.0, "square_change": 0.0}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """Takes one step."""
        kept, rho = self.kept_for(variable), self.options["rho"]
        epsilon = self.constant("epsilon", variable.dtype)
        decay(kept["square"], rho, ops.square(gradient))
        change = ops.sqrt(kept["square_change"] + epsilon) / ops.sqrt(kept["square"] + epsilon) * gradient
        decay(kept["square_change"], rho, ops.square(change))
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
        decay(kept["square"], rho, ops.square(gradient))
        variance = ops.convert_to_tensor(kept["square"])
        if self.options["centered"]:
            approach(kept["mean"], rho, gradient)
            variance = variance - ops.square(kept["mean"])
        change = gradient / (ops.sqrt(variance) + self.constant("epsilon", dtype))
        if self.options["momentum"]:
            change = kept["velocity"] * self.constant("momentum", dtype) + change
            kept["velocity"].assign(change)
        variable.assign_sub(change * ops.cast(learning_rate, dtype))
