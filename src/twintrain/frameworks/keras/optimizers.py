"""Update rules in Keras: those of `rules/`, with PyTorch's form, and Keras's own for `native`."""

import keras
import numpy as np
from keras import KerasTensor, ops

from twintrain.frameworks.keras.rules.adaptive import Adadelta, Adagrad, RMSprop
from twintrain.frameworks.keras.rules.descent import ASGD, SGD
from twintrain.frameworks.keras.rules.moments import LAMB, Adam, Adamax, AdamW, NAdam
from twintrain.frameworks.keras.rules.sign import Lion, Rprop
from twintrain.settings.sections.optimizers import Optimizer

BUILDERS = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamax": Adamax,
    "nadam": NAdam,
    "adamw": AdamW,
    "lion": Lion,
    "lamb": LAMB,
    "rprop": Rprop,
    "asgd": ASGD,
}
NATIVE = {
    "sgd": keras.optimizers.SGD,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "adamw": keras.optimizers.AdamW,
    "lion": keras.optimizers.Lion,
    "lamb": keras.optimizers.Lamb,
}


def build(settings: Optimizer, mode: str, weights: list[keras.Variable]) -> keras.optimizers.Optimizer:
    """Builds the update rule; in `native`, it is Keras's own and options left open are Keras's too."""
    builders = NATIVE if mode == "native" else BUILDERS
    optimizer = builders[settings.name](settings.learning_rate, **settings.options(mode))
    optimizer.build(weights)
    return optimizer


def set_learning_rate(optimizer: keras.optimizers.Optimizer, learning_rate: float | KerasTensor) -> None:
    """Sets the learning rate of the next steps; in a graph, the tensor of one."""
    optimizer.learning_rate = learning_rate


def state(optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """Returns a copy of what the update rule keeps from step to step."""
    return {str(index): np.array(ops.convert_to_numpy(variable)) for index, variable in enumerate(optimizer.variables)}


def load_state(optimizer: keras.optimizers.Optimizer, arrays: dict[str, np.ndarray]) -> None:
    """Sets what `state` returned."""
    for index, variable in enumerate(optimizer.variables):
        variable.assign(arrays[str(index)])
