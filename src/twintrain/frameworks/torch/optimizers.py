"""Update rules in PyTorch, whose form is the definition of the twins'.

w weight, g gradient, η learning rate, t step from 1; a product or quotient of arrays is number by number.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn, optim

from twintrain.settings.sections.optimizers import Optimizer

# Devices on which torch.optim has one kernel for the whole update.
FUSED = {"sgd": ("cpu", "cuda"), "adagrad": ("cpu",), "adam": ("cpu", "cuda"), "adamw": ("cpu", "cuda")}
# Scratch of L-BFGS, written anew before it is read.
NOT_KEPT = ("al",)


def sgd(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """SGD: v ← µ v + g; w ← w − η v, or with nesterov w ← w − η (g + µ v) (Sutskever et al. 2013)."""
    return optim.SGD(weights, learning_rate, **options)


def adagrad(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """Adagrad: s ← s + g²; w ← w − η / (1 + (t − 1) lr_decay) g / (√s + ε) (Duchi et al. 2011)."""
    return optim.Adagrad(weights, learning_rate, **_in_torch_names(options))


def adadelta(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """Adadelta: s ← ρ s + (1 − ρ) g²; Δ = √(d + ε) / √(s + ε) g; d ← ρ d + (1 − ρ) Δ²; w ← w − η Δ (Zeiler 2012)."""
    return optim.Adadelta(weights, learning_rate, **_in_torch_names(options))


def rmsprop(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """RMSprop: s ← ρ s + (1 − ρ) g²; w ← w − η g / (√s + ε) (Hinton 2012, lecture 6e).

    Centered (Graves 2013): √(s − m²) for √s, m ← m + (1 − ρ) (g − m). With momentum: b ← µ b + g / (√s + ε);
    w ← w − η b.
    """
    if "rho" in options:
        options["alpha"] = options.pop("rho")
    return optim.RMSprop(weights, learning_rate, **_in_torch_names(options))


def adam(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """Adam as in algorithm 1 of Kingma and Ba 2015: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε).

    With amsgrad (Reddi et al. 2018), the largest v so far stands for v in v̂.
    """
    return optim.Adam(weights, learning_rate, **_in_torch_names(options))


def adamax(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """Adam with u ← max(β₂ u, |g| + ε) for √v̂ + ε (algorithm 2 of Kingma and Ba 2015; ε is PyTorch's)."""
    return optim.Adamax(weights, learning_rate, **_in_torch_names(options))


def nadam(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """Adam with m̂ = µₜ₊₁ m / (1 − µ₁…µₜ₊₁) + (1 − µₜ) g / (1 − µ₁…µₜ), µₜ = β₁ (1 − ½ 0.96^(t ψ)) (Dozat 2016).

    ψ is `momentum_decay`.
    """
    return optim.NAdam(weights, learning_rate, **_in_torch_names(options))


def adamw(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """AdamW: w ← w (1 − η λ), λ the weight_decay of all weights, biases too; then Adam (Loshchilov and Hutter 2019)."""
    return optim.AdamW(weights, learning_rate, **_in_torch_names(options))


def lion(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """Lion: w ← w − η (sign(β₁ m + (1 − β₁) g) + λ w); m ← β₂ m + (1 − β₂) g (Chen et al. 2023, algorithm 2)."""
    return _Lion(weights, learning_rate, **options)


def lamb(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """LAMB: r = m̂ / (√v̂ + ε) + λ w; w ← w − η |w| / |r| r, without the quotient where a norm is 0 (You et al. 2020).

    m̂ and v̂ are Adam's; the norms are of a whole array.
    """
    return _LAMB(weights, learning_rate, **options)


def rprop(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """Rprop: w ← w − sign(g) h, h from η: times η₊ while g keeps its sign, times η₋ and no step where it turns.

    `etas` are (η₋, η₊), `step_sizes` the limits of h (Riedmiller and Braun 1993, in the form of iRprop−: Igel and
    Hüsken 2000).
    """
    return optim.Rprop(weights, learning_rate, **options)


def asgd(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """ASGD: w ← w (1 − λ h) − h g; then h ← η / (1 + λ η t)^α in float32, h = η at first (Polyak and Juditsky 1992).

    The weights are the plain ones: PyTorch keeps the average that the rule is named for beside them, in its state
    `ax`, and does not use it.
    """
    # On GPUs, PyTorch's loop over all weights at once would round h on the way as well.
    return optim.ASGD(weights, learning_rate, foreach=False, **options)


def lbfgs(weights: list[nn.Parameter], learning_rate: float, **options: Any) -> optim.Optimizer:
    """L-BFGS (Liu and Nocedal 1989): `step` takes a closure that gives loss and gradients anew."""
    return optim.LBFGS(weights, learning_rate, **options)


BUILDERS = {
    "sgd": sgd,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamax": adamax,
    "nadam": nadam,
    "adamw": adamw,
    "lion": lion,
    "lamb": lamb,
    "rprop": rprop,
    "asgd": asgd,
    "lbfgs": lbfgs,
}


def build(settings: Optimizer, mode: str, weights: list[nn.Parameter], fused: bool) -> optim.Optimizer:
    """Builds the update rule; in `native`, options left open are PyTorch's own."""
    options = settings.options(mode)
    if fused and weights[0].device.type in FUSED.get(settings.name, ()):
        options["fused"] = True
    return BUILDERS[settings.name](weights, settings.learning_rate, **options)


def set_learning_rate(optimizer: optim.Optimizer, learning_rate: float) -> None:
    """Sets the learning rate of the next steps."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def state(optimizer: optim.Optimizer) -> dict[str, np.ndarray]:
    """Returns a copy of what the update rule keeps from step to step."""
    arrays = {}
    for index, slots in optimizer.state_dict()["state"].items():
        for name, value in slots.items():
            if name in NOT_KEPT or value is None:
                continue
            if isinstance(value, list):
                arrays |= {f"{index}/{name}/{place}": _array(entry) for place, entry in enumerate(value)}
            else:
                arrays[f"{index}/{name}"] = _array(value)
    return arrays


def load_state(optimizer: optim.Optimizer, arrays: dict[str, np.ndarray]) -> None:
    """Sets what `state` returned."""
    slots: dict[int, dict[str, Any]] = {}
    for key, array in arrays.items():
        index, name, *place = key.split("/")
        slot = slots.setdefault(int(index), {})
        # L-BFGS keeps lists, and Python's numbers where other rules have tensors.
        if place:
            slot.setdefault(name, []).append(torch.tensor(array))
        else:
            is_number = isinstance(optimizer, optim.LBFGS) and not array.ndim
            slot[name] = array.item() if is_number else torch.tensor(array)
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
    # PyTorch gives every array the weight's precision here; what it keeps in float32, it must go on rounding.
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for index, slot in slots.items():
        kept = optimizer.state[weights[index]]
        kept |= {name: kept[name].to(value.dtype) for name, value in slot.items() if isinstance(value, torch.Tensor)}


def _in_torch_names(options: dict[str, Any]) -> dict[str, Any]:
    """Options in PyTorch's names, from Keras's; a β that stays open is PyTorch's."""
    renamed = {name: value for name, value in options.items() if name not in {"beta_1", "beta_2", "epsilon"}}
    if "beta_1" in options or "beta_2" in options:
        renamed["betas"] = (options.get("beta_1", 0.9), options.get("beta_2", 0.999))
    if "epsilon" in options:
        renamed["eps"] = options["epsilon"]
    return renamed


def _array(value: torch.Tensor | float) -> np.ndarray:
    return value.detach().cpu().numpy().copy() if isinstance(value, torch.Tensor) else np.array(value)


class _Rule(optim.Optimizer):
    """A rule that PyTorch has not, one weight at a time."""

    def __init__(self, weights: list[nn.Parameter], learning_rate: float, **options: Any) -> None:
        super().__init__(weights, {"lr": learning_rate, **options})

    @torch.no_grad()
    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> None:
        """Takes one step.

        Args:
            closure: finds the gradients first.
        """
        if closure is not None:
            with torch.enable_grad():
                closure()
        for group in self.param_groups:
            for weight in group["params"]:
                self.update(weight, weight.grad, group)

    @abstractmethod
    def update(self, weight: nn.Parameter, gradient: torch.Tensor, options: dict[str, Any]) -> None:
        """Changes one weight, and what is kept of it in `self.state`."""

    def kept_for(self, weight: nn.Parameter, *names: str) -> dict[str, Any]:
        """What is kept of a weight: arrays of its shape, zero at first."""
        kept = self.state[weight]
        for name in names:
            if name not in kept:
                kept[name] = torch.zeros_like(weight)
        return kept


class _Lion(_Rule):
    def update(self, weight: nn.Parameter, gradient: torch.Tensor, options: dict[str, Any]) -> None:
        mean = self.kept_for(weight, "mean")["mean"]
        towards = torch.lerp(mean, gradient, 1 - options["beta_1"])
        weight.sub_(options["lr"] * (towards.sign() + options["weight_decay"] * weight))
        mean.lerp_(gradient, 1 - options["beta_2"])


class _LAMB(_Rule):
    def update(self, weight: nn.Parameter, gradient: torch.Tensor, options: dict[str, Any]) -> None:
        kept = self.kept_for(weight, "mean", "square")
        kept["step"] = kept.get("step", torch.zeros((), dtype=torch.float64)) + 1
        step = kept["step"].item()
        kept["mean"].lerp_(gradient, 1 - options["beta_1"])
        kept["square"].mul_(options["beta_2"]).addcmul_(gradient, gradient, value=1 - options["beta_2"])
        mean = kept["mean"] / (1 - options["beta_1"] ** step)
        root = (kept["square"] / (1 - options["beta_2"] ** step)).sqrt()
        change = mean / (root + options["epsilon"]) + options["weight_decay"] * weight
        size, length = (torch.linalg.vector_norm(array) for array in (weight, change))
        trust = torch.where((size > 0) & (length > 0), size / length, torch.ones_like(size))
        weight.sub_(options["lr"] * trust * change)
