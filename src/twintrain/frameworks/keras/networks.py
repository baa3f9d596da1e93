"""The network of a layer list in Keras, and its arrays by their names."""

import keras
import numpy as np
from keras import ops

from twintrain.frameworks.keras import own_twin
from twintrain.frameworks.keras.free_arrays import FreeArray
from twintrain.frameworks.keras.layers import BUILDERS
from twintrain.frameworks.keras.layers.layer import stock_spatial_dropout
from twintrain.frameworks.keras.layers.nested import stack
from twintrain.frameworks.keras.modules import Owner, SharedDropout, array_of, exchanged, shape_of, walk
from twintrain.models import dropout_masks
from twintrain.models.layers.nested import Bidirectional
from twintrain.models.network import Network

# Of `plain_training`.
PLAIN_RATE = 0.1


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
    model = keras.Model(inputs, stack(network.layers)(inputs), name=network.model)
    dropouts = shared_dropouts(model)
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
            (forward,), (backward,) = placed.children
            layers[forward.name] = layers[placed.name].forward_layer
            layers[backward.name] = layers[placed.name].backward_layer
    return layers


def _array(layers: dict[str, Owner], name: str) -> keras.Variable:
    layer_name, array = name.split("/")
    if array.startswith("column_"):
        return layers[f"{layer_name}_{array}"].embeddings
    return array_of(layers[layer_name], array)


def _shape(layers: dict[str, Owner], name: str) -> tuple[int, ...]:
    layer_name, array = name.split("/")
    if array.startswith("column_"):
        return tuple(_array(layers, name).shape)
    return shape_of(layers[layer_name], array)


def _stock_dropout(layer: SharedDropout) -> keras.Layer:
    kind = stock_spatial_dropout(len(layer.input.shape) - 1) if layer.whole_channels else keras.layers.Dropout
    return kind(layer.rate, name=layer.name)
