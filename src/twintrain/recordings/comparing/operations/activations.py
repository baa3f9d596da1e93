"""Activations: functions of one array, most of them number by number."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]

# Klambauer et al. 2017, equation 14.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
# Other names of the same.
ALIASES = {"swish": "silu", "hard_silu": "hard_swish", "hardsigmoid": "hard_sigmoid", "hardswish": "hard_swish"}


def constant(options: Options, value: float) -> float:
    """A constant of a formula, in float32 where the options say that a framework keeps it so."""
    return float(np.float32(value)) if options.get("constants") == "float32" else value


def leaky_relu(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """A rectifier with a slope below 0."""
    return np.where(x >= 0, x, options.get("negative_slope", 0.01) * x)


def prelu(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """Slopes (1), (channels), or those of a row, in which axes of one are shared."""
    alpha = weights["alpha"]
    if alpha.ndim == 1 and x.ndim > 2 and options.get("data_format") != "last":
        alpha = alpha.reshape(-1, *(1,) * (x.ndim - 2))  # PyTorch's, whose channels are axis 1
    return np.where(x >= 0, x, alpha * x)


def elu(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """The exponential linear unit (Clevert et al. 2015)."""
    return np.where(x > 0, x, options.get("alpha", 1.0) * np.expm1(np.minimum(x, 0)))


def selu(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """The scaled exponential linear unit."""
    scale, alpha = constant(options, SELU_SCALE), constant(options, SELU_ALPHA)
    return scale * elu({"alpha": alpha}, {}, x)


def gelu(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """By the error function, or by tanh where `approximate` (Hendrycks and Gimpel 2016)."""
    approximate = options.get("approximate", False)
    if approximate in (True, "tanh"):
        inner = constant(options, np.sqrt(2 / np.pi)) * (x + constant(options, 0.044715) * x**3)
        return 0.5 * x * (1 + np.tanh(inner))
    return 0.5 * x * (1 + special.erf(x * constant(options, np.sqrt(0.5))))


def hard_sigmoid(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """Between 0 and 1 with this slope; 1/6 in PyTorch and Keras 3, 0.2 in Keras 2."""
    return np.clip(constant(options, options.get("slope", 1 / 6)) * x + 0.5, 0, 1)


def softmax(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """Shares that sum to 1 along `axis`."""
    return special.softmax(x, axis=_axis(options))


def log_softmax(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """Logarithms of the softmax."""
    return special.log_softmax(x, axis=_axis(options))


def _axis(options: Options) -> int | tuple[int, ...]:
    axis = options.get("axis", -1)
    return tuple(axis) if isinstance(axis, list) else axis


def relu(options: Options, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """Rectifier; Keras's layer may have a slope, a threshold and a largest value."""
    threshold, largest = options.get("threshold") or 0, options.get("max_value")
    kept = np.where(x >= threshold, x, (options.get("negative_slope") or 0) * (x - threshold))
    return kept if largest is None else np.minimum(kept, largest)


def _plain(function: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda options, weights, x: function(x)


OPERATIONS: dict[str, Callable[..., np.ndarray | None]] = {
    "relu": relu,
    "relu6": _plain(lambda x: np.clip(x, 0, 6)),
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "silu": _plain(lambda x: x * special.expit(x)),
    "sigmoid": _plain(special.expit),
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": lambda options, weights, x: x * hard_sigmoid(options, weights, x),
    "tanh": _plain(np.tanh),
    "softplus": _plain(lambda x: np.logaddexp(x, 0)),
    "softsign": _plain(lambda x: x / (1 + np.abs(x))),
    "softmax": softmax,
    "log_softmax": log_softmax,
}


def activate(name: str, x: np.ndarray) -> np.ndarray | None:
    """An activation by its name, with its default options; None for one that is not known."""
    function = OPERATIONS.get(ALIASES.get(name, name))
    return function({}, {}, x) if function and name != "prelu" else None
