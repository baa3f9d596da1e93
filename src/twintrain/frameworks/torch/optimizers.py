"""Update rules in PyTorch, whose form is the definition of the twins'.

w weight, g gradient, η learning rate, t step from 1.
"""

from typing import Any

from torch import nn, optim

from twintrain.config import Optimizer


def sgd(weights: list[nn.Parameter], learning_rate: float, fused: bool, **options: Any) -> optim.Optimizer:
    """V ← µ v + g; w ← w − η v, or with nesterov w ← w − η (g + µ v) (Sutskever et al. 2013)."""
    return optim.SGD(weights, learning_rate, fused=fused, **options)


def adam(weights: list[nn.Parameter], learning_rate: float, fused: bool, **options: Any) -> optim.Optimizer:
    """Adam as in algorithm 1 of Kingma and Ba 2015: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε)."""
    betas = (options.pop("beta_1", 0.9), options.pop("beta_2", 0.999))
    if "epsilon" in options:
        options["eps"] = options.pop("epsilon")
    return optim.Adam(weights, learning_rate, betas=betas, fused=fused, **options)


BUILDERS = {"sgd": sgd, "adam": adam}


def build(settings: Optimizer, mode: str, weights: list[nn.Parameter], fused: bool) -> optim.Optimizer:
    """Builds the update rule; in `native`, options left open are PyTorch's own."""
    return BUILDERS[settings.name](weights, settings.learning_rate, fused, **settings.options(mode))
