"""A network of the user's own in Keras: built from its file, its arrays found in its layers."""

import dataclasses
from typing import Any

import keras
from keras import ops

from twintrain.errors import UserError
from twintrain.frameworks.keras.free_arrays import FreeArray, free_arrays
from twintrain.frameworks.keras.modules import Owner, SharedDropout, array_of, exchanged, shape_of, walk
from twintrain.models import dropout_masks
from twintrain.models.network import Network
from twintrain.models.own_twin import (
    ARRAYS_OF,
    ATTENTION,
    OWN,
    OWN_ARRAY,
    called,
    check_logits,
    check_trained,
    given_to,
    load_builder,
    name_layers,
    own_weight,
    twin_shape,
    weight_of,
)

# Layers whose arrays have names and a layout; all other arrays are taken as they are.
KINDS: dict[type[keras.Layer], str] = {
    keras.layers.Dense: "dense",
    keras.layers.Conv1D: "conv1d",
    keras.layers.Conv2DTranspose: "conv2d_transpose",
    keras.layers.Conv1DTranspose: "conv1d_transpose",
    keras.layers.Conv3DTranspose: "conv3d_transpose",
    keras.layers.Conv2D: "conv2d",
    keras.layers.Conv3D: "conv3d",
    keras.layers.DepthwiseConv2D: "depthwise_conv2d",
    keras.layers.BatchNormalization: "batch_norm",
    keras.layers.LayerNormalization: "layer_norm",
    keras.layers.RMSNormalization: "rms_norm",
    keras.layers.GroupNormalization: "group_norm",
    keras.layers.Embedding: "embedding",
    keras.layers.PReLU: "prelu",
    keras.layers.SimpleRNN: "simple_rnn",
    keras.layers.LSTM: "lstm",
    keras.layers.GRU: "gru",
    keras.layers.MultiHeadAttention: ATTENTION,
}
DROPOUTS = (keras.layers.Dropout,)
BUILDER = "build_keras"
SHOWN_ROWS = 2


def build(network: Network, seed: int) -> keras.Model:
    """Builds the user's network.

    Raises:
        UserError: it cannot be built or run, is no network, gives no logits, has nothing to train, or needs the
            user's file to be loaded again.
    """
    path, schema = network.source, network.schema
    shape = twin_shape(schema, BUILDER)
    builder = load_builder(path, BUILDER)
    given = given_to(BUILDER, schema)
    model = called(path, lambda: builder(shape, schema.outputs), given)
    if not isinstance(model, keras.Model):
        raise UserError(f"{path}: expected a keras.Model of {BUILDER}, got {type(model).__name__}")
    example = ops.zeros((SHOWN_ROWS, *shape), "int64" if schema.input_dims else keras.config.floatx())
    logits = called(path, lambda: model(example, training=False), given)
    check_logits(path, BUILDER, SHOWN_ROWS, schema.outputs, logits)
    check_trained(path, BUILDER, len(model.trainable_variables))
    _check_stock(network, model)
    return _aligned(model, seed) if network.mode == "aligned" else model


def known(model: keras.Model, network: Network) -> Network:
    """The network with the arrays that the built one has."""
    trained = {id(variable) for variable in model.trainable_variables}
    arrays = {}
    for layer, (owner, names) in _found(model).items():
        for array in names:
            name, variable = f"{layer}/{array}", array_of(owner, array)
            is_trained = id(variable) in trained
            if isinstance(owner, FreeArray):
                arrays[name] = own_weight(ops.convert_to_numpy(variable), is_trained, network.mode)
            else:
                arrays[name] = weight_of(name, shape_of(owner, array), is_trained, network.mode)
    return dataclasses.replace(network, arrays=arrays)


def owners(model: keras.Model) -> dict[str, Owner]:
    """What has arrays, by our names of the layers: free arrays, then known layers, recurrent ones by direction."""
    return {name: owner for name, (owner, _) in _found(model).items()}


def _found(model: keras.Model) -> dict[str, tuple[Owner, list[str]]]:
    """Owners with the names of their arrays; what two have in common is the first one's.

    Free arrays come first: among the layers they would stand at one place in one framework and at another in the other.
    """
    taken: set[int] = set()
    found: list[tuple[Owner, list[str]]] = []
    for layer in walk(model):
        registered = {id(variable) for variable in layer.weights}
        own = {array: id(array_of(layer, array)) for array in _arrays(layer)}
        # What is computed of others, as with LoRA, can be read but not set.
        if registered.issuperset(own.values()):
            arrays = [array for array, variable in own.items() if variable not in taken]
            taken.update(own.values())
            found += [(layer, arrays)] if arrays else []
    free = free_arrays(walk(model), taken)
    names = [*name_layers([OWN] * len(free)), *name_layers([_kind(layer) for layer, _ in found])]
    return dict(zip(names, [*((array, [OWN_ARRAY]) for array in free), *found], strict=True))


def _check_stock(network: Network, model: keras.Model) -> None:
    for part in (model, *(inner for layer in (*model.layers, *walk(model)) for inner in layer._flatten_layers())):
        if not _is_stock(part) or not _is_stock(getattr(part, "activation", None)):
            raise UserError(
                f"{network.source}: {part.name} ({type(part).__name__}) is, or has, code of your own, without which "
                "the saved network could not be loaded; expected a Sequential or functional keras.Model of Keras's "
                "own layers and activations; without training it, "
                f"'twintrain verify {network.source}' compares any network"
            )
    if model.losses:
        raise UserError(
            f"{network.source}: the Keras network has regularizers or losses of its own, which PyTorch's has not; "
            "expected none of them, and train.regularization for both"
        )


def _is_stock(part: Any) -> bool:
    module = getattr(part, "__module__", "keras") if part is not None else "keras"
    return module.split(".")[0] == "keras" and not isinstance(part, keras.layers.Lambda)


def _aligned(model: keras.Model, seed: int) -> keras.Model:
    """The model with shared masks of dropout; Keras's LSTM and RNN have one bias as they are."""
    if not any(isinstance(layer, DROPOUTS) for layer in walk(model)):
        return model
    model = exchanged(model, lambda layer: _shared(layer) if isinstance(layer, DROPOUTS) else None)
    for number, layer in enumerate(layer for layer in walk(model) if isinstance(layer, SharedDropout)):
        layer.key = dropout_masks.layer_key(seed, number)
    return model


def _shared(layer: keras.layers.Dropout) -> SharedDropout:
    spatial = (keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D)
    return SharedDropout(layer.rate, whole_channels=isinstance(layer, spatial), name=layer.name)


def _kind(layer: keras.Layer) -> str:
    kind = next((name for kind, name in KINDS.items() if isinstance(layer, kind)), "")
    # With one channel it is an ordinary convolution, and PyTorch has no other word for it.
    return "conv2d" if kind == "depthwise_conv2d" and layer.kernel.shape[2] == 1 else kind


def _arrays(layer: keras.Layer) -> list[str]:
    """Names of the arrays that a known one has; none where it is of no such kind."""
    return [array for array in ARRAYS_OF.get(_kind(layer), ()) if array_of(layer, array) is not None]
