"""Trainings made by hand: a small network whose gradients are computed here, trained by a rule of our own."""

from dataclasses import replace

import numpy as np
from made_recordings import Maker, perturbed

from twintrain.recordings.comparing.training.update_rules import UpdateRule
from twintrain.recordings.fit import Fit, Rule

ROWS, INPUTS, HIDDEN, OUTPUTS = 8, 4, 5, 3
RNG = np.random.default_rng(9)
X, Y = RNG.normal(size=(ROWS, INPUTS)), RNG.normal(size=(ROWS, OUTPUTS))
WEIGHTS = {
    "first.kernel": RNG.normal(size=(INPUTS, HIDDEN)) / 2,
    "first.bias": RNG.normal(size=HIDDEN) / 2,
    "second.kernel": RNG.normal(size=(HIDDEN, OUTPUTS)) / 2,
    "second.bias": RNG.normal(size=OUTPUTS) / 2,
}
SGD = {"learning_rate": 0.1}


class Training:
    """What is recorded of a training, and what it does in truth.

    Attributes:
        op, options: of the optimizer, as they are recorded; without `op` there is none.
        hidden: what the optimizer does besides, or otherwise: fields and options of `UpdateRule`.
        change: what is done to all gradients after the loss was recorded.
        penalty: what times half of their squares kernels are counted to the loss; `is_said`: whether it is recorded.
        y: the targets.
    """

    def __init__(self, op="sgd", options=None, hidden=None, change=dict, penalty=0.0, is_said=True, y=Y, steps=(1, 2)):
        self.op, self.options, self.hidden = op, options or SGD, hidden or {}
        self.change, self.penalty, self.is_said, self.y, self.steps = (
            change,
            penalty,
            is_said,
            y,
            list(steps) if op else [],
        )

    def rule(self):
        spared = self.options.get("no_decay", ())
        decay = {name: self.options.get("weight_decay", 0.0) for name in WEIGHTS if name not in spared}
        kind = "decoupled" if self.options.get("decoupled") else "decay"
        fields = {kind: decay, **{name: each for name, each in self.hidden.items() if name in vars(UpdateRule("", {}))}}
        options = {name: each for name, each in self.hidden.items() if name not in fields}
        return UpdateRule(self.op, {**self.options, **options}, **fields)

    def recorded(self, framework="torch"):
        """The recording, with kernels as the framework lays them out."""
        is_first = framework == "torch"
        maker = Maker(framework)
        x = maker.input(X)
        for name, activation in (("first", "tanh"), ("second", "")):
            kernel = WEIGHTS[f"{name}.kernel"]
            weights = {
                "kernel": (kernel.T, "OI") if is_first else (kernel, "IO"),
                "bias": (WEIGHTS[f"{name}.bias"], "C"),
            }
            x = maker.call(name, "dense", [x], {}, weights)
            x = maker.call(activation, activation, [x]) if activation else x
        recording = maker.recording(x)
        arrays = {**recording.arrays}
        for pass_ in recording.passes:
            held = {name: perturbed(recording.weight(pass_, name), pass_) for name in WEIGHTS}
            found = laid_out(self._course(laid_out(held, is_first)), is_first)
            arrays |= {f"{pass_}/{name}": each for name, each in found.items()}
        optimizer = Rule(self.op, self.op, self.options) if self.op else None
        fit = Fit(Rule("mse", "mse", {"reduction": "mean"}), optimizer, self.steps, 1, 1)
        return replace(recording, arrays=arrays, fit=fit)

    def _course(self, weights):
        """Arrays of a pass by their names, kernels (inputs, outputs)."""
        losses, found, gradients = [], {"target/0": self.y}, []
        for step in range(max(self.steps, default=1)):
            loss, penalty, prediction, gradient = self._differentiated(weights)
            losses.append(loss + penalty)
            gradients.append(self.change(gradient))
            if not step:
                found |= {"prediction/0": prediction, "penalty": np.float64(penalty if self.is_said else 0)}
                start = weights
            if self.op:
                weights = self.rule().after(start, gradients)[-1]
            if step + 1 in self.steps:
                found |= {f"step/{step + 1}/{name}": each for name, each in weights.items()}
        for kind, given in zip(("gradient", "next_gradient"), gradients, strict=False):
            found |= {f"{kind}/{name}": each for name, each in given.items()}
        return {**found, "losses": np.array(losses)}

    def _differentiated(self, weights):
        hidden = np.tanh(X @ weights["first.kernel"] + weights["first.bias"])
        prediction = hidden @ weights["second.kernel"] + weights["second.bias"]
        gap = prediction - self.y
        above = 2 * gap / gap.size
        below = above @ weights["second.kernel"].T * (1 - hidden**2)
        gradient = {
            "first.kernel": X.T @ below,
            "first.bias": below.sum(0),
            "second.kernel": hidden.T @ above,
            "second.bias": above.sum(0),
        }
        kernels = {name: each for name, each in weights.items() if each.ndim > 1}
        gradient |= {name: gradient[name] + self.penalty * each for name, each in kernels.items()}
        penalty = self.penalty / 2 * sum(float(np.sum(each**2)) for each in kernels.values())
        return float(np.mean(gap**2)), penalty, prediction, gradient


def laid_out(arrays, is_turned):
    """The arrays with kernels (outputs, inputs) for (inputs, outputs), or the other way round, if that is wanted."""
    return {name: each.T if is_turned and name.endswith("kernel") else each for name, each in arrays.items()}
