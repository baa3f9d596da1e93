"""What PyTorch has filled in where a native network leaves something open, read from the built objects."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn, optim

from twintrain.settings.sections.optimizers import OPTIMIZERS
from twintrain.settings.sections.optimizers import Optimizer as Settings

# Ours on the left; PyTorch's momentum is the share that is replaced.
READERS: dict[str, Callable[[nn.Module], Any]] = {
    # That of RMSNorm is the precision's own where none is given.
    "epsilon": lambda module: torch.finfo(module.weight.dtype).eps if module.eps is None else module.eps,
    "momentum": lambda module: 1 - module.momentum,
    "negative_slope": lambda module: module.negative_slope,
}


def optimizer_conventions(optimizer: optim.Optimizer, settings: Settings) -> dict[str, Any]:
    """By our names: the options of the update rule, those that the settings leave open included."""
    found = dict(optimizer.defaults)
    if "betas" in found:
        found["beta_1"], found["beta_2"] = found["betas"]
    renamed = {"epsilon": "eps", "rho": "alpha" if settings.name == "rmsprop" else "rho"}
    options = {name: renamed.get(name, name) for name in OPTIMIZERS[settings.name]}
    return {name: found[theirs] for name, theirs in options.items() if theirs in found}
