"""Activations in Keras."""

import math
from collections.abc import Callable

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer

Function = Callable[[KerasTensor], KerasTensor]


def activation(placed: PlacedLayer) -> Layer:
    """Any shape → the same, or half of the last axis."""
    return FUNCTIONS[placed.layer.function](placed)


def softmax(placed: PlacedLayer) -> Layer:
    """Any shape → the same, numbers of the last axis with the sum 1."""
    return keras.layers.Softmax(name=placed.name)


def _plain(function: Function, exact: Function | None = None) -> Callable[[PlacedLayer], Layer]:
    """A function that is one of Keras's without arguments.

    Args:
        exact: what it is written out as in float64, where a library under Keras rounds constants to float32.
    """

    def layer(placed: PlacedLayer) -> Layer:
        if exact and keras.config.floatx() == "float64":
            return _written_out(exact, placed)
        return keras.layers.Activation(function, name=placed.name)

    return layer


def _written_out(function: Function, placed: PlacedLayer) -> Layer:
    """A function in Keras's operations, the last of which has the layer's name."""
    end = keras.layers.Identity(name=placed.name)
    return lambda values: end(function(values))


def _leaky_relu(placed: PlacedLayer) -> Layer:
    slope = placed.layer.negative_slope
    if slope is None or keras.config.floatx() == "float32":
        return keras.layers.LeakyReLU(**given(negative_slope=slope), name=placed.name)
    # TensorFlow keeps the slope of its own operation in float32, whatever the network's precision.
    return _written_out(lambda values: ops.where(values > 0, values, values * slope), placed)


def _prelu(placed: PlacedLayer) -> Layer:
    return keras.layers.PReLU(shared_axes=list(range(1, len(placed.input_shape))), name=placed.name)


def _celu(placed: PlacedLayer) -> Layer:
    """By elu: the gradient of TensorFlow's own celu is 2 at 0."""
    alpha = 1.0 if placed.layer.alpha is None else placed.layer.alpha
    return _written_out(lambda values: ops.elu(values / alpha) * alpha, placed)


def _gelu(placed: PlacedLayer) -> Layer:
    if not placed.layer.approximate:
        return _plain(keras.activations.gelu, _exact_gelu)(placed)
    is_exact = keras.config.floatx() == "float64"
    return _written_out(_exact_gelu_by_tanh if is_exact else lambda values: ops.gelu(values, approximate=True), placed)


def _exact_gelu(values: KerasTensor) -> KerasTensor:
    """TensorFlow rounds √2."""
    return values * ((ops.erf(values * math.sqrt(0.5)) + 1.0) * 0.5)


def _exact_gelu_by_tanh(values: KerasTensor) -> KerasTensor:
    """TensorFlow rounds √(2/π) and 0.044715."""
    inner = (values + values * values * values * 0.044715) * math.sqrt(2 / math.pi)
    return values * ((ops.tanh(inner) + 1.0) * 0.5)


def _exact_softplus(values: KerasTensor) -> KerasTensor:
    """PyTorch's own under Keras is x beyond 20, which is exact in float32 alone."""
    return -ops.log_sigmoid(-values)


def _exact_hard_sigmoid(values: KerasTensor) -> KerasTensor:
    """The gradient of PyTorch's own under Keras is 1/6 rounded."""
    return ops.relu6(values + 3.0) / 6.0


def _gated(gate: Function) -> Callable[[PlacedLayer], Layer]:
    """The first half of the last axis times a function of the second one."""

    def gated(values: KerasTensor) -> KerasTensor:
        first, second = ops.split(values, 2, axis=-1)
        return first * gate(second)

    return lambda placed: _written_out(gated, placed)


FUNCTIONS: dict[str, Callable[[PlacedLayer], Layer]] = {
    "relu": _plain(keras.activations.relu),
    "relu6": _plain(keras.activations.relu6),
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "elu": _plain(keras.activations.elu),
    "selu": _plain(keras.activations.selu),
    "celu": _celu,
    "gelu": _gelu,
    "silu": _plain(keras.activations.silu),
    "mish": _plain(keras.activations.mish),
    "softplus": _plain(keras.activations.softplus, _exact_softplus),
    "softsign": _plain(keras.activations.softsign),
    "sigmoid": _plain(keras.activations.sigmoid),
    "tanh": _plain(keras.activations.tanh),
    "hardtanh": _plain(keras.activations.hard_tanh),
    "hard_sigmoid": _plain(keras.activations.hard_sigmoid, _exact_hard_sigmoid),
    "hard_swish": _plain(keras.activations.hard_silu),
    "glu": _gated(ops.sigmoid),
    "swiglu": _gated(ops.silu),
    "softmax": softmax,
}
