"""What Keras's layers say of themselves."""

from collections.abc import Mapping
from typing import Any

import keras

from twintrain.recordings.trace import plain

# What a layer's configuration holds that decides nothing of what it computes.
NO_SETTINGS = {"name", "trainable", "dtype", "build_config", "autocast", "activity_regularizer"}


def settings(layer: keras.Layer) -> dict[str, Any]:
    """The plain ones of a layer's settings."""
    try:
        config = layer.get_config()
    except (NotImplementedError, TypeError, ValueError):  # a layer of the user's own that says nothing of itself
        return {}
    kept = {name: plain(value) for name, value in config.items() if name not in NO_SETTINGS}
    return {name: value for name, value in kept.items() if value is not None and not isinstance(value, Mapping)}


def roles_of(layer: keras.Layer) -> dict[str, Any]:
    """All arrays of a layer by their own names."""
    roles: dict[str, Any] = {}
    for variable in layer.weights:
        roles.setdefault(variable.name if variable.name not in roles else variable.path, variable)
    return roles


def arrays_of(layer: Any, **names: str) -> dict[str, Any]:
    """Those of a layer's arrays that it has, by what they are to it.

    Args:
        names: the attributes, by what the arrays are.
    """
    found = {role: getattr(layer, name, None) for role, name in names.items()}
    return {role: array for role, array in found.items() if array is not None}


def activation_name(activation: Any) -> str:
    """The name of such a function, or of the class of such a layer."""
    return getattr(activation, "__name__", type(activation).__name__)


def is_linear(activation: Any) -> bool:
    """Whether it changes nothing."""
    return activation is None or activation_name(activation) == "linear"


def data_format(layer: Any) -> str:
    """Where the channels are: "first" or "last"."""
    return layer.data_format.removeprefix("channels_")


def listed(value: Any, rank: int) -> list[Any]:
    """One value an axis, where Keras takes one for all."""
    values = [*value] if isinstance(value, list | tuple) else [value]
    return values * rank if len(values) == 1 else values
