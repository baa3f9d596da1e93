"""Activations in Keras."""

import math

import keras
from keras import ops

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer

# Functions that are one of Keras's without arguments.
FUNCTIONS = {
    "relu": keras.activations.relu,
    "relu6": keras.activations.relu6,
    "elu": keras.activations.elu,
    "selu": keras.activations.selu,
    "gelu": keras.activations.gelu,
    "silu": keras.activations.silu,
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "hardtanh": keras.activations.hard_tanh,
}


def activation(placed: PlacedLayer) -> Layer:
    """Any shape → the same."""
    layer = placed.layer
    match layer.function:
        case "leaky_relu":
            return _leaky_relu(placed)
        case "prelu":
            return keras.layers.PReLU(shared_axes=list(range(1, len(placed.input_shape))), name=placed.name)
        case "softmax":
            return softmax(placed)
        case "gelu" if keras.config.floatx() == "float64":
            return _exact_gelu(placed)
    return keras.layers.Activation(FUNCTIONS[layer.function], name=placed.name)


def softmax(placed: PlacedLayer) -> Layer:
    """Any shape → the same, numbers of the last axis with the sum 1."""
    return keras.layers.Softmax(name=placed.name)


def _leaky_relu(placed: PlacedLayer) -> Layer:
    slope = placed.layer.negative_slope
    if slope is None or keras.config.floatx() == "float32":
        return keras.layers.LeakyReLU(**given(negative_slope=slope), name=placed.name)
    # TensorFlow keeps the slope of its own operation in float32, whatever the network's precision.
    end = keras.layers.Identity(name=placed.name)
    return lambda values: end(ops.where(values > 0, values, values * slope))


def _exact_gelu(placed: PlacedLayer) -> Layer:
    """TensorFlow rounds √2 to float32, whatever the network's precision."""
    end = keras.layers.Identity(name=placed.name)
    return lambda values: end(values * ((ops.erf(values * math.sqrt(0.5)) + 1.0) * 0.5))
