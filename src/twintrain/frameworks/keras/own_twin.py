"""A network of the user's own in Keras: built from its file, its arrays found in its layers."""

import dataclasses
from typing import Any

import keras
from keras import ops

from twintrain.errors import UserError
from twintrain.frameworks.keras.modules import SharedDropout, array_of, exchanged, shape_of, walk
from twintrain.models import dropout_masks
from twintrain.models.network import Network
from twintrain.models.own_twin import (
    ARRAYS_OF,
    ATTENTION,
    called,
    check_logits,
    given_to,
    load_builder,
    name_layers,
    twin_shape,
    unknown_layer,
    weight_of,
)

# What may have arrays, and the kinds of layers that they are.
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
        UserError: it cannot be built or run, is no network, gives no logits, has arrays that are not known, or needs
            the user's file to be loaded again.
    """
    path, schema = network.source, network.schema
    shape = twin_shape(schema, BUILDER)
    builder = load_builder(path, BUILDER)
    given = given_to(BUILDER, schema)
    model = called(path, lambda: builder(shape, schema.outputs), given)
    if not isinstance(model, keras.Model):
        raise UserError(f"{path}: expected a keras.Model of {BUILDER}, got {type(model).__name__}")
    example = ops.zeros((SHOWN_ROWS, *shape), "int64" if schema.categories else keras.config.floatx())
    logits = called(path, lambda: model(example, training=False), given)
    check_logits(path, BUILDER, SHOWN_ROWS, schema.outputs, logits)
    _check_known(network, model)
    return _aligned(model, seed) if network.mode == "aligned" else model


def known(model: keras.Model, network: Network) -> Network:
    """The network with the arrays that the built one has."""
    trained = {id(variable) for variable in model.trainable_variables}
    arrays = {}
    for name, layer in owners(model).items():
        for array in _arrays(layer):
            variable = array_of(layer, array)
            weight = weight_of(f"{name}/{array}", shape_of(layer, array), id(variable) in trained, network.mode)
            arrays[f"{name}/{array}"] = weight
    return dataclasses.replace(network, arrays=arrays)


def owners(model: keras.Model) -> dict[str, keras.Layer]:
    """Layers that have arrays, recurrent ones by direction, by our names of them, in order."""
    found = [layer for layer in walk(model) if _arrays(layer)]
    return dict(zip(name_layers([_kind(layer) for layer in found]), found, strict=True))


def _check_known(network: Network, model: keras.Model) -> None:
    listed = [kind.__name__ for kind in KINDS]
    for part in (model, *model.layers, *walk(model)):
        if not _is_stock(part) or not _is_stock(getattr(part, "activation", None)):
            raise UserError(
                f"{network.source}: {part.name} ({type(part).__name__}) is, or has, code of your own, without which "
                "the saved network could not be loaded; expected a Sequential or functional keras.Model of Keras's "
                "own layers and activations"
            )
    if model.losses:
        raise UserError(
            f"{network.source}: the Keras network has regularizers or losses of its own, which PyTorch's has not; "
            "expected none of them, and train.regularization for both"
        )
    for layer in walk(model):
        if layer.weights and not isinstance(layer, tuple(KINDS)):
            raise unknown_layer(network.source, f"{layer.name} ({type(layer).__name__})", listed)


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
    """Names of the arrays that it has; none where it is of no kind that may have some."""
    return [array for array in ARRAYS_OF.get(_kind(layer), ()) if array_of(layer, array) is not None]
