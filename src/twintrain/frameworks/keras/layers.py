"""The vocabulary of layers in Keras: one builder a kind, and the network they make."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from twintrain.models.network import Network, PlacedLayer

Layer = Callable[[KerasTensor], KerasTensor]


def dense(placed: PlacedLayer) -> Layer:
    """(rows, features) → (rows, units)."""
    return keras.layers.Dense(placed.layer.units, use_bias=placed.layer.use_bias, name=placed.name)


def conv2d(placed: PlacedLayer) -> Layer:
    """Images → images; `same` pads as TensorFlow does, an odd cell after."""
    layer = placed.layer
    return keras.layers.Conv2D(
        layer.filters,
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        use_bias=layer.use_bias,
        name=placed.name,
    )


def max_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding never wins."""
    layer = placed.layer
    return keras.layers.MaxPooling2D(layer.pool_size, layer.stride, padding=layer.padding, name=placed.name)


def avg_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding is not counted."""
    layer = placed.layer
    return keras.layers.AveragePooling2D(layer.pool_size, layer.stride, padding=layer.padding, name=placed.name)


def flatten(placed: PlacedLayer) -> Layer:
    """Images → vectors, channels last."""
    return keras.layers.Flatten(name=placed.name)


def dropout(placed: PlacedLayer) -> Layer:
    """Any shape → the same."""
    return keras.layers.Dropout(placed.layer.rate, name=placed.name)


def batch_norm(placed: PlacedLayer) -> Layer:
    """Vectors or images → the same; Keras's momentum is the share that stays."""
    layer = placed.layer
    return keras.layers.BatchNormalization(**_given(momentum=layer.momentum, epsilon=layer.epsilon), name=placed.name)


def activation(placed: PlacedLayer) -> Layer:
    """Any shape → the same."""
    layer = placed.layer
    match layer.function:
        case "relu":
            return keras.layers.ReLU(name=placed.name)
        case "leaky_relu":
            return _leaky_relu(placed)
        case "sigmoid":
            return keras.layers.Activation("sigmoid", name=placed.name)
        case "tanh":
            return keras.layers.Activation("tanh", name=placed.name)


def embedding(placed: PlacedLayer) -> Layer:
    """Codes (rows, columns) → (rows, sum of the widths)."""
    sizes = zip(placed.layer.input_dims, placed.layer.widths, strict=True)
    tables = [keras.layers.Embedding(*size, name=f"{placed.name}_column_{i}") for i, size in enumerate(sizes)]
    beside = keras.layers.Concatenate(name=placed.name)
    return lambda codes: beside([table(codes[:, column]) for column, table in enumerate(tables)])


BUILDERS: dict[str, Callable[[PlacedLayer], Layer]] = {
    "dense": dense,
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "flatten": flatten,
    "dropout": dropout,
    "batch_norm": batch_norm,
    "activation": activation,
    "embedding": embedding,
}


def build(network: Network, dtype: str, seed: int) -> keras.Model:
    """Builds the network; it takes (rows, *input_shape), images as (rows, height, width, channels), and gives logits.

    Args:
        seed: of the framework's own initial weights, which `aligned` replaces, and of the dropout masks.
    """
    keras.utils.set_random_seed(seed)
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    input_dtype = dtype if network.schema.input_dtype == "float" else network.schema.input_dtype
    inputs = keras.Input(tuple(network.schema.input_shape), dtype=input_dtype, name="features")
    outputs = inputs
    for placed in network.layers:
        outputs = BUILDERS[placed.kind](placed)(outputs)
    return keras.Model(inputs, outputs, name=network.model)


def get_weights(model: keras.Model, network: Network) -> dict[str, np.ndarray]:
    """Returns a copy of all arrays, named and laid out as `Network.weights`."""
    return {name: np.array(_array(model, name)) for name in network.weights()}


def set_weights(model: keras.Model, network: Network, weights: dict[str, np.ndarray]) -> None:
    """Sets all arrays of the network."""
    for name in network.weights():
        _array(model, name).assign(weights[name])


def _array(model: keras.Model, name: str) -> keras.Variable:
    layer_name, array = name.split("/")
    if array.startswith("column_"):
        return model.get_layer(f"{layer_name}_{array}").embeddings
    return getattr(model.get_layer(layer_name), array)


def _leaky_relu(placed: PlacedLayer) -> Layer:
    slope = placed.layer.negative_slope
    if slope is None or keras.config.floatx() == "float32":
        return keras.layers.LeakyReLU(**_given(negative_slope=slope), name=placed.name)
    # TensorFlow keeps the slope of its own operation in float32, whatever the network's precision.
    values = keras.Input(placed.input_shape)
    return keras.Model(values, ops.where(values > 0, values, values * slope), name=placed.name)


def _given(**arguments: Any) -> dict[str, Any]:
    """Leaves out what is open, so that Keras's own default holds."""
    return {name: value for name, value in arguments.items() if value is not None}
