"""What Keras has filled in where a native network leaves something open, read from the built objects."""

from collections.abc import Callable
from typing import Any

import keras

from twintrain.settings.sections.optimizers import OPTIMIZERS
from twintrain.settings.sections.optimizers import Optimizer as Settings

# Ours on the left; Keras's momentum is the share that stays.
READERS: dict[str, Callable[[keras.Layer], Any]] = {
    "epsilon": lambda layer: layer.epsilon,
    "momentum": lambda layer: layer.momentum,
    "negative_slope": lambda layer: layer.negative_slope,
}


def optimizer_conventions(optimizer: keras.optimizers.Optimizer, settings: Settings) -> dict[str, Any]:
    """By our names: the options of the update rule, those that the settings leave open included."""
    found = optimizer.get_config()
    return {name: found[name] for name in OPTIMIZERS[settings.name] if name in found}
