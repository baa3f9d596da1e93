"""The vocabulary of layers in Keras: one builder a kind, and the network they make."""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from twintrain.frameworks.keras import own_twin
from twintrain.frameworks.keras.modules import SharedDropout, array_of, exchanged, walk
from twintrain.models import dropout_masks
from twintrain.models.layers import Bidirectional, same_padding
from twintrain.models.network import Network, PlacedLayer

Layer = Callable[[KerasTensor], KerasTensor]

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


def dense(placed: PlacedLayer) -> Layer:
    """(rows, …, features) → (rows, …, units)."""
    return keras.layers.Dense(placed.layer.units, use_bias=placed.layer.use_bias, name=placed.name)


def conv1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; `same` pads as TensorFlow does, an odd step after."""
    return keras.layers.Conv1D(placed.layer.filters, **_window(placed))


def conv2d(placed: PlacedLayer) -> Layer:
    """Images → images; `same` pads as TensorFlow does, an odd cell after."""
    return keras.layers.Conv2D(placed.layer.filters, **_window(placed))


def depthwise_conv2d(placed: PlacedLayer) -> Layer:
    """Images → images, each channel by itself; `same` as in conv2d."""
    return keras.layers.DepthwiseConv2D(depth_multiplier=placed.layer.depth_multiplier, **_window(placed))


def separable_conv2d(placed: PlacedLayer) -> Layer:
    """Images → images; `same` as in conv2d."""
    layer = placed.layer
    return keras.layers.SeparableConv2D(layer.filters, depth_multiplier=layer.depth_multiplier, **_window(placed))


def max_pool1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; padding never wins."""
    return _pool(keras.layers.MaxPooling1D, placed)


def max_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding never wins."""
    return _pool(keras.layers.MaxPooling2D, placed)


def avg_pool1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; padding is not counted."""
    return _avg_pool(keras.layers.AveragePooling1D, placed)


def avg_pool2d(placed: PlacedLayer) -> Layer:
    """Images → images; padding is not counted."""
    return _avg_pool(keras.layers.AveragePooling2D, placed)


def global_avg_pool(placed: PlacedLayer) -> Layer:
    """Sequences or images → (rows, channels)."""
    kind = keras.layers.GlobalAveragePooling2D if _is_image(placed) else keras.layers.GlobalAveragePooling1D
    return kind(name=placed.name)


def flatten(placed: PlacedLayer) -> Layer:
    """Sequences or images → vectors, channels last."""
    return keras.layers.Flatten(name=placed.name)


def reshape(placed: PlacedLayer) -> Layer:
    """Any shape → another one, channels last before and after."""
    return keras.layers.Reshape(placed.output_shape, name=placed.name)


def dropout(placed: PlacedLayer) -> Layer:
    """Any shape → the same."""
    kind = SharedDropout if placed.layer.masks == "shared" else keras.layers.Dropout
    return kind(placed.layer.rate, name=placed.name)


def spatial_dropout(placed: PlacedLayer) -> Layer:
    """Sequences or images → the same, without some channels."""
    if placed.layer.masks == "shared":
        return SharedDropout(placed.layer.rate, whole_channels=True, name=placed.name)
    return _spatial_dropout(len(placed.input_shape))(placed.layer.rate, name=placed.name)


def batch_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same; Keras's momentum is the share that stays."""
    layer = placed.layer
    return keras.layers.BatchNormalization(**_given(momentum=layer.momentum, epsilon=layer.epsilon), name=placed.name)


def layer_norm(placed: PlacedLayer) -> Layer:
    """Any shape → the same, normalised along the last axis."""
    return keras.layers.LayerNormalization(**_given(epsilon=placed.layer.epsilon), name=placed.name)


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


def embedding(placed: PlacedLayer) -> Layer:
    """Codes (rows, columns) → (rows, sum of the widths), or tokens (rows, steps) → (rows, steps, output_dim)."""
    sizes = list(placed.layer.tables.values())
    if placed.layer.input == "tokens":
        return keras.layers.Embedding(*sizes[0], name=placed.name)
    tables = [keras.layers.Embedding(*size, name=f"{placed.name}_column_{i}") for i, size in enumerate(sizes)]
    beside = keras.layers.Concatenate(name=placed.name)
    return lambda codes: beside([table(codes[:, column]) for column, table in enumerate(tables)])


def simple_rnn(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _recurrent(keras.layers.SimpleRNN, placed)


def lstm(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _recurrent(keras.layers.LSTM, placed, **_given(unit_forget_bias=placed.layer.unit_forget_bias))


def gru(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units); the reset gate acts after the product."""
    return _recurrent(keras.layers.GRU, placed, reset_after=True)


def bidirectional(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, 2 · units) or (rows, steps, 2 · units), the forward one first."""
    forward = placed.children[0][0]
    return keras.layers.Bidirectional(BUILDERS[forward.kind](forward), name=placed.name)


def inception(placed: PlacedLayer) -> Layer:
    """Any shape → branches side by side on the last axis."""
    branches = [_stack(layers) for layers in placed.children]
    beside = keras.layers.Concatenate(name=placed.name)
    return lambda values: beside([branch(values) for branch in branches])


def residual(placed: PlacedLayer) -> Layer:
    """Any shape → layers(x) + shortcut(x)."""
    body, shortcut = (_stack(layers) for layers in placed.children)
    added = keras.layers.Add(name=placed.name)
    return lambda values: added([body(values), shortcut(values)])


BUILDERS: dict[str, Callable[[PlacedLayer], Layer]] = {
    "dense": dense,
    "conv1d": conv1d,
    "conv2d": conv2d,
    "depthwise_conv2d": depthwise_conv2d,
    "separable_conv2d": separable_conv2d,
    "max_pool1d": max_pool1d,
    "max_pool2d": max_pool2d,
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "global_avg_pool": global_avg_pool,
    "flatten": flatten,
    "reshape": reshape,
    "dropout": dropout,
    "spatial_dropout": spatial_dropout,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "activation": activation,
    "softmax": softmax,
    "embedding": embedding,
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "gru": gru,
    "bidirectional": bidirectional,
    "inception": inception,
    "residual": residual,
}


def build(network: Network, dtype: str, seed: int) -> keras.Model:
    """Builds the network; it takes (rows, *input_shape), images as (rows, height, width, channels), and gives logits.

    Args:
        seed: of the framework's own initial weights, which `aligned` replaces, and of the dropout masks.

    Raises:
        UserError: a twin of the user's own cannot be built, or is none.
    """
    keras.utils.set_random_seed(seed)
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    return own_twin.build(network, seed) if network.source else _build_list(network, dtype, seed)


def _build_list(network: Network, dtype: str, seed: int) -> keras.Model:
    input_dtype = dtype if network.schema.input_dtype == "float" else network.schema.input_dtype
    inputs = keras.Input(tuple(network.schema.input_shape), dtype=input_dtype, name="features")
    model = keras.Model(inputs, _stack(network.layers)(inputs), name=network.model)
    dropouts = _shared_dropouts(model)
    for number, placed in enumerate(network.walk()):
        if placed.name in dropouts:
            dropouts[placed.name].key = dropout_masks.layer_key(seed, number)
    return model


def known(model: keras.Model, network: Network) -> Network:
    """The network with the arrays of a twin of the user's own, which only the built one tells."""
    return own_twin.known(model, network) if network.source else network


def get_weights(model: keras.Model, network: Network) -> dict[str, np.ndarray]:
    """Returns a copy of all arrays, named and laid out as `Network.weights`."""
    layers = _layers(model, network)
    return {
        name: np.array(ops.convert_to_numpy(_array(layers, name))).reshape(weight.shape)
        for name, weight in network.weights().items()
    }


def set_weights(model: keras.Model, network: Network, weights: dict[str, np.ndarray]) -> None:
    """Sets all arrays of the network."""
    layers = _layers(model, network)
    for name in network.weights():
        array = _array(layers, name)
        array.assign(np.reshape(weights[name], array.shape))


def freeze(model: keras.Model, network: Network) -> None:
    """Takes the arrays of frozen layers out of training; a batch norm among them then goes on as in inference."""
    layers = _layers(model, network)
    frozen = {id(_array(layers, name)) for name in network.weights() if name.partition("/")[0] in network.frozen}
    for layer in walk(model):
        if any(id(variable) in frozen for variable in layer.variables):
            layer.trainable = False


def name_arrays(model: keras.Model, network: Network, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Names and lays out one array a trained variable, such as its gradient, as `Network.weights`."""
    by_variable = {id(variable): array for variable, array in zip(model.trainable_variables, arrays, strict=True)}
    layers = _layers(model, network)
    return {
        name: by_variable[id(_array(layers, name))].reshape(weight.shape)
        for name, weight in network.weights().items()
        if weight.trainable
    }


def array_shapes(model: keras.Model, network: Network) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays that the built network has, named and laid out as `Network.weights`."""
    layers = _layers(model, network)
    arrays = {name: _array(layers, name) for name in network.weights()}
    # PReLU has one axis for every axis of a sample, of length one but for the channels.
    return {
        name: tuple(array.shape)[-1:] if name.endswith("/alpha") else tuple(array.shape)
        for name, array in arrays.items()
        if array is not None
    }


def stock_layer(model: keras.Model, name: str) -> keras.Layer:
    """Keras's own layer."""
    return model.get_layer(name)


def draws_own_masks(model: keras.Model) -> bool:
    """Whether there is dropout whose masks the other framework does not have."""
    return any(isinstance(layer, own_twin.DROPOUTS) and not isinstance(layer, SharedDropout) for layer in walk(model))


def get_calls(model: keras.Model) -> dict[str, int]:
    """Training calls so far of each layer with shared dropout masks: a part of a checkpoint."""
    return {name: int(ops.convert_to_numpy(layer.calls)) for name, layer in _shared_dropouts(model).items()}


def set_calls(model: keras.Model, calls: dict[str, int]) -> None:
    """Sets what `get_calls` returned."""
    dropouts = _shared_dropouts(model)
    for name, count in calls.items():
        dropouts[name].calls.assign(count)


def layer_outputs(model: keras.Model, network: Network, features: np.ndarray) -> dict[str, np.ndarray]:
    """Returns what each layer of the list gives in inference, by name, channels last.

    Of a twin of the user's own: the layers that have arrays, but for recurrent ones, before a fused activation.
    """
    values = ops.convert_to_tensor(features)
    outputs = own_twin.layer_outputs(model, values) if network.source else _list_outputs(model, network, values)
    return {name: np.array(ops.convert_to_numpy(output)) for name, output in outputs.items()}


def _list_outputs(model: keras.Model, network: Network, values: KerasTensor) -> dict[str, KerasTensor]:
    ends = {placed.name: model.get_layer(placed.name).output for placed in network.layers}
    return keras.Model(model.inputs, ends)(values, training=False)


def for_prediction(model: keras.Model, network: Network) -> keras.Model:
    """The network of stock layers alone, with its head, for saving; the same one where there is nothing to change."""
    if _shared_dropouts(model):
        weights = get_weights(model, network)
        # Anyone can load stock dropout: out of training it does nothing, and its masks do not matter.
        model = exchanged(model, lambda layer: _stock_dropout(layer) if isinstance(layer, SharedDropout) else None)
        set_weights(model, network, weights)
    if head := network.placed_head():
        model = keras.Model(model.inputs, BUILDERS[head.kind](head)(model.outputs[0]), name=model.name)
    return model


def _stack(layers: tuple[PlacedLayer, ...]) -> Layer:
    built = [BUILDERS[placed.kind](placed) for placed in layers]
    return lambda values: functools.reduce(lambda result, layer: layer(result), built, values)


def _layers(model: keras.Model, network: Network) -> dict[str, keras.Layer]:
    """Layers by their names in the network, those inside of Keras's wrappers included."""
    if network.source:
        return own_twin.owners(model)
    layers = {layer.name: layer for layer in model.layers}
    for placed in network.walk():
        if isinstance(placed.layer, Bidirectional):
            (forward,), (backward,) = placed.children
            layers[forward.name] = layers[placed.name].forward_layer
            layers[backward.name] = layers[placed.name].backward_layer
    return layers


def _array(layers: dict[str, keras.Layer], name: str) -> keras.Variable:
    layer_name, array = name.split("/")
    if array.startswith("column_"):
        return layers[f"{layer_name}_{array}"].embeddings
    return array_of(layers[layer_name], array)


def _given(**arguments: Any) -> dict[str, Any]:
    """Leaves out what is open, so that Keras's own default holds."""
    return {name: value for name, value in arguments.items() if value is not None}


def _is_image(placed: PlacedLayer) -> bool:
    return len(placed.input_shape) == 3


def _window(placed: PlacedLayer) -> dict[str, Any]:
    """What all convolutions are told."""
    names = ("kernel_size", "strides", "padding", "use_bias")
    return {**{name: getattr(placed.layer, name) for name in names}, "name": placed.name}


def _pool(kind: type[keras.Layer], placed: PlacedLayer) -> Layer:
    layer = placed.layer
    return kind(layer.pool_size, layer.stride, padding=layer.padding, name=placed.name)


def _avg_pool(kind: type[keras.Layer], placed: PlacedLayer) -> Layer:
    layer = placed.layer
    if layer.padding == "valid" or keras.backend.backend() != "torch":
        return _pool(kind, placed)
    # On PyTorch, Keras counts the padding where it is uneven: here the mean of the padded values is divided by that
    # of the padded ones.
    sides = [same_padding(size, layer.pool_size, layer.stride) for size in placed.input_shape[:-1]]
    padding = [(0, 0), *sides, (0, 0)]
    end = keras.layers.Identity(name=placed.name)

    def mean(values: KerasTensor) -> KerasTensor:
        return ops.average_pool(ops.pad(values, padding), layer.pool_size, layer.stride, padding="valid")

    return lambda values: end(mean(values) / mean(ops.ones_like(values)))


def _recurrent(kind: type[keras.Layer], placed: PlacedLayer, **options: Any) -> Layer:
    layer = placed.layer
    shared = {"return_sequences": layer.return_sequences, "use_bias": layer.use_bias, "name": placed.name}
    return kind(layer.units, **shared, **options)


def _spatial_dropout(axes: int) -> type[keras.Layer]:
    return keras.layers.SpatialDropout2D if axes == 3 else keras.layers.SpatialDropout1D


def _leaky_relu(placed: PlacedLayer) -> Layer:
    slope = placed.layer.negative_slope
    if slope is None or keras.config.floatx() == "float32":
        return keras.layers.LeakyReLU(**_given(negative_slope=slope), name=placed.name)
    # TensorFlow keeps the slope of its own operation in float32, whatever the network's precision.
    end = keras.layers.Identity(name=placed.name)
    return lambda values: end(ops.where(values > 0, values, values * slope))


def _exact_gelu(placed: PlacedLayer) -> Layer:
    """TensorFlow rounds √2 to float32, whatever the network's precision."""
    end = keras.layers.Identity(name=placed.name)
    return lambda values: end(values * ((ops.erf(values * math.sqrt(0.5)) + 1.0) * 0.5))


def _shared_dropouts(model: keras.Model) -> dict[str, "SharedDropout"]:
    return {layer.name: layer for layer in walk(model) if isinstance(layer, SharedDropout)}


def _stock_dropout(layer: SharedDropout) -> keras.Layer:
    kind = _spatial_dropout(len(layer.input.shape) - 1) if layer.whole_channels else keras.layers.Dropout
    return kind(layer.rate, name=layer.name)
