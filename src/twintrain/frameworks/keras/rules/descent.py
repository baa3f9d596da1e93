"""Gradient descent, with momentum and with an average of the weights."""

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.rules.rule import TwinOptimizer, wide


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
        rate, decay, one = wide(learning_rate), wide(self.options["lambd"]), wide(1.0)
        step_size = ops.where(self.iterations > 0, wide(number), wide(ops.cast(rate, "float32")))
        decayed = variable * ops.cast(one - decay * step_size, dtype)
        variable.assign(decayed - gradient * ops.cast(step_size, dtype))
        slowed = ops.power(one + decay * rate * self.step(), wide(self.options["alpha"]))
        number.assign(ops.cast(rate / slowed, "float32"))
