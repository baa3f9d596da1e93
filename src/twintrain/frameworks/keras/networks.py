"""The network of a layer list in Keras, and its arrays by their names."""

import keras
import numpy as np
from keras import KerasTensor, ops

from twintrain.frameworks.keras import own_twin, precision
from twintrain.frameworks.keras.free_arrays import FreeArray
from twintrain.frameworks.keras.layers import BUILDERS
from twintrain.frameworks.keras.layers.layer import OF_ARRAYS, inner_name, stock_spatial_dropout
from twintrain.frameworks.keras.layers.padding import MASKS
from twintrain.frameworks.keras.modules import (
    Owner,
    SharedDropout,
    array_of,
    computing_in,
    exchanged,
    shape_of,
    sum_bias_gradients_in_float32,
    walk,
)
from twintrain.models import dropout_masks
from twintrain.models.entries import INPUT
from twintrain.models.layers.join import Join
from twintrain.models.layers.padding import mask_name
from twintrain.models.layers.recurrent import Bidirectional
from twintrain.models.network import Network
from twintrain.models.precision import layer_dtypes
from twintrain.settings.sections.precision import array_dtype

# Of `plain_training`.
PLAIN_RATE = 0.1
# Begins the names of functions; those of layers are of small letters.
FUNCTION = "Function_"


def build(network: Network, dtype: str, seed: int) -> keras.Model:
    """Builds the network; it takes (rows, *input_shape), images as (rows, height, width, channels), and gives logits.

    Args:
        dtype: as `train.dtype`.
        seed: of the framework's own initial weights, which `aligned` replaces, and of the dropout masks.

    Raises:
        UserError: a twin of the user's own cannot be built, or is none.
    """
    keras.utils.set_random_seed(seed)
    keras.config.set_floatx(array_dtype(dtype))
    keras.config.set_dtype_policy(array_dtype(dtype))
    return own_twin.build(network, seed) if network.source else _build_list(network, dtype, seed)


def _build_list(network: Network, dtype: str, seed: int) -> keras.Model:
    input_dtype = array_dtype(dtype) if network.schema.input_dtype == "float" else network.schema.input_dtype
    inputs = keras.Input(tuple(network.schema.input_shape), dtype=input_dtype, name="features")
    dtypes = layer_dtypes(network, dtype)
    layers = {}
    # All are made before one is called: in `native` each takes the next seed as it is made.
    for placed in network.layers:
        with computing_in(dtypes[placed.name]):
            layers[placed.name] = BUILDERS[placed.kind](placed)
    values = {INPUT: inputs}
    for placed in network.layers:
        taken = [values[name] for name in placed.inputs]
        mask = {"mask": values[mask_name(placed.mask)]} if placed.mask else {}
        if placed.kind in MASKS and placed.output_mask:
            values[mask_name(placed.output_mask)] = MASKS[placed.kind](mask.pop("mask", taken[0]))
        joins, dtype = isinstance(placed.layer, Join), dtypes[placed.name]
        values[placed.name] = precision.call(layers[placed.name], taken, dtype, joins, **mask)
    _name_functions(values[network.output])
    model = keras.Model(inputs, values[network.output], name=network.model)
    sum_bias_gradients_in_float32(model)
    dropouts = shared_dropouts(model)
    for placed in network.walk():
        for name in (placed.name, inner_name(placed.name, "dropout")):
            if name in dropouts:
                dropouts[name].key = dropout_masks.layer_key(seed, placed.number)
    return model


def _name_functions(output: KerasTensor) -> None:
    """Gives the functions between layers names that no layer has: Keras's, as `add_1`, may be that of one."""
    waiting, seen = [output], set()
    while waiting:
        operation = waiting.pop()._keras_history.operation
        if operation not in seen:
            seen.add(operation)
            waiting += [tensor for node in operation._inbound_nodes for tensor in node.input_tensors]
            if not isinstance(operation, keras.Layer):
                operation.name = f"{FUNCTION}{operation.name}"


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
    names = [name for name in network.weights() if name.partition("/")[0] in network.frozen]
    frozen = set()
    for name in names:
        if isinstance(layers.get(name.partition("/")[0]), FreeArray):
            _array(layers, name).trainable = False  # the others of its layer may go on
        else:
            frozen.add(id(_array(layers, name)))
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
    return {name: _shape(layers, name) for name in network.weights() if _array(layers, name) is not None}


def stock_layer(model: keras.Model, name: str) -> keras.Layer:
    """Keras's own layer."""
    return model.get_layer(name)


def draws_own_masks(model: keras.Model) -> bool:
    """Whether there is dropout whose masks the other framework does not have."""
    return any(isinstance(layer, own_twin.DROPOUTS) and not isinstance(layer, SharedDropout) for layer in walk(model))


def shared_dropouts(model: keras.Model) -> dict[str, SharedDropout]:
    """The layers with shared dropout masks."""
    return {layer.name: layer for layer in walk(model) if isinstance(layer, SharedDropout)}


def get_calls(model: keras.Model) -> dict[str, int]:
    """Training calls so far of each layer with shared dropout masks: a part of a checkpoint."""
    return {name: int(ops.convert_to_numpy(layer.calls)) for name, layer in shared_dropouts(model).items()}


def set_calls(model: keras.Model, calls: dict[str, int]) -> None:
    """Sets what `get_calls` returned."""
    dropouts = shared_dropouts(model)
    for name, count in calls.items():
        dropouts[name].calls.assign(count)


def plain_training(model: keras.Model) -> tuple[keras.losses.Loss, keras.optimizers.Optimizer]:
    """A loss and an optimizer that do nothing of their own: the mean of squares, and gradient descent."""
    return keras.losses.MeanSquaredError(), keras.optimizers.SGD(PLAIN_RATE)


def for_prediction(model: keras.Model, network: Network) -> keras.Model:
    """The network of stock layers alone, with its head, for saving; the same one where there is nothing to change."""
    if shared_dropouts(model):
        weights = get_weights(model, network)
        # Anyone can load stock dropout: out of training it does nothing, and its masks do not matter.
        model = exchanged(model, lambda layer: _stock_dropout(layer) if isinstance(layer, SharedDropout) else None)
        set_weights(model, network, weights)
    if head := network.placed_head():
        model = keras.Model(model.inputs, BUILDERS[head.kind](head)(model.outputs[0]), name=model.name)
    return model


def _layers(model: keras.Model, network: Network) -> dict[str, Owner]:
    """Layers by their names in the network, those inside of Keras's wrappers included."""
    if network.source:
        return own_twin.owners(model)
    layers = {layer.name: layer for layer in model.layers}
    for placed in network.walk():
        if isinstance(placed.layer, Bidirectional):
            forward, backward = placed.parts
            layers[forward.name] = layers[placed.name].forward_layer
            layers[backward.name] = layers[placed.name].backward_layer
    return layers


def _array(layers: dict[str, Owner], name: str) -> keras.Variable:
    return array_of(*_place(layers, name))


def _shape(layers: dict[str, Owner], name: str) -> tuple[int, ...]:
    return shape_of(*_place(layers, name))


def _place(layers: dict[str, Owner], name: str) -> tuple[Owner, str]:
    """The layer that has an array of ours, which may be one of those that a layer is made of, and the array's name."""
    layer_name, array = name.split("/")
    part, _, kind = array.rpartition("_")
    parts = {array: "embeddings", part: kind, OF_ARRAYS: array}
    found = {inner_name(layer_name, inner): its_array for inner, its_array in parts.items()}
    own = layers[layer_name]
    if array_of(own, array) is None:
        # In files of earlier versions.
        found |= {f"{layer_name}_{inner}": its_array for inner, its_array in parts.items()}
        found |= {f"{layer_name}_of_{OF_ARRAYS}": array}
    return next(((layers[inner], its_array) for inner, its_array in found.items() if inner in layers), (own, array))


def _stock_dropout(layer: SharedDropout) -> keras.Layer:
    kind = stock_spatial_dropout(len(layer.input.shape) - 1) if layer.whole_channels else keras.layers.Dropout
    return kind(layer.rate, name=layer.name)
