"""What PyTorch has filled in where a native network leaves something open, read from the built objects."""

from collections.abc import Callable
from typing import Any

from torch import nn, optim

from twintrain.config import OPTIMIZERS
from twintrain.config import Optimizer as Settings
from twintrain.frameworks.torch import layers
from twintrain.models.network import Network

# Ours on the left; PyTorch's momentum is the share that is replaced.
READERS: dict[str, Callable[[nn.Module], Any]] = {
    "epsilon": lambda module: module.eps,
    "momentum": lambda module: 1 - module.momentum,
    "negative_slope": lambda module: module.negative_slope,
}


def layer_conventions(model: nn.Module, network: Network) -> dict[str, dict[str, Any]]:
    """By the names of layer and argument: arguments that the layer list leaves open, but for how arrays are drawn."""
    found: dict[str, dict[str, Any]] = {}
    for placed in network.walk():
        names = [name for name in placed.layer.open_settings() if name in READERS]
        found[placed.name] = {name: READERS[name](layers.stock_layer(model, placed.name)) for name in names}
    return found


def optimizer_conventions(optimizer: optim.Optimizer, settings: Settings) -> dict[str, Any]:
    """By our names: the options of the update rule, those that the settings leave open included."""
    found = dict(optimizer.defaults)
    if "betas" in found:
        found["beta_1"], found["beta_2"] = found["betas"]
    renamed = {"epsilon": "eps", "rho": "alpha" if settings.name == "rmsprop" else "rho"}
    options = {name: renamed.get(name, name) for name in OPTIMIZERS[settings.name]}
    return {name: found[theirs] for name, theirs in options.items() if theirs in found}
