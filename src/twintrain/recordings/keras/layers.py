"""What Keras's layers compute, in the words that both frameworks share."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers

from twintrain.recordings.keras import functions as keras_functions
from twintrain.recordings.trace import Description, plain

SPATIAL = ("", "W", "HW", "DHW")
CONVS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
MAX_POOLS = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
AVG_POOLS = (layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
GLOBAL_AVG = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D)
GLOBAL_MAX = (layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D)
ADAPTIVE_AVG = tuple(
    getattr(layers, f"AdaptiveAveragePooling{axes}D")
    for axes in (1, 2, 3)
    if hasattr(layers, f"AdaptiveAveragePooling{axes}D")
)
WHOLE_DROPOUTS = (layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
PADS = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
UPSAMPLINGS = (layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
RECURRENT = (layers.LSTM, layers.GRU, layers.SimpleRNN)
# What the gates of a recurrent layer are, in the order of its arrays.
GATES = {layers.LSTM: ("lstm", "ifgo"), layers.GRU: ("gru", "zrn"), layers.SimpleRNN: ("rnn", "h")}
# What a layer's configuration holds that decides nothing of what it computes.
NO_SETTINGS = {"name", "trainable", "dtype", "build_config", "autocast", "activity_regularizer"}


def describe(layer: keras.Layer, rank: int, training: bool = False) -> Description:
    """Describes a layer of Keras's own.

    Args:
        rank: the number of axes of its first input.
        training: whether it is called as in training.
    """
    for kinds, description in LAYERS.items():
        if isinstance(layer, kinds):
            described = description(layer, rank)
            if described.op in ("batch_norm", "dropout"):
                options = {**described.options, "training": training and described.options.get("training", True)}
                return described._replace(options=options)
            return described
    return Description(None, settings(layer), roles_of(layer))


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


def describe_activation(activation: Any, rank: int) -> Description:
    """Describes what a layer is given as `activation`: a function, or a layer."""
    if isinstance(activation, keras.Layer):
        return describe(activation, rank)
    name = activation_name(activation)
    return keras_functions.describe(name, keras_functions.defaults(activation), (1,) * rank, (1,) * rank)


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


def _given(roles: dict[str, Any]) -> dict[str, Any]:
    return {role: array for role, array in roles.items() if array is not None}


def _arrays(layer: Any, **names: str) -> dict[str, Any]:
    return _given({role: getattr(layer, name, None) for role, name in names.items()})


def _dense(layer: layers.Dense, _: int) -> Description:
    roles = _arrays(layer, kernel="kernel", bias="bias")
    return Description("dense", {}, roles, {"kernel": "IO", "bias": "C"})


def _conv(layer: Any, _: int) -> Description:
    options = {
        "strides": listed(layer.strides, layer.rank),
        "padding": layer.padding,
        "dilation": listed(layer.dilation_rate, layer.rank),
        "groups": getattr(layer, "groups", 1),
        "data_format": data_format(layer),
    }
    roles = _arrays(layer, kernel="kernel", bias="bias")
    if isinstance(layer, DEPTHWISE):
        options["groups"] = layer.kernel.shape[-2] if layer.built else 1
        return Description("depthwise_conv", options, roles, {"kernel": SPATIAL[layer.rank] + "IM", "bias": "C"})
    if isinstance(layer, TRANSPOSED):
        options["output_padding"] = plain(layer.output_padding)
        return Description("conv_transpose", options, roles, {"kernel": SPATIAL[layer.rank] + "OI", "bias": "C"})
    depthwise = options["groups"] > 1 and layer.built and layer.kernel.shape[-2] == 1
    op = "depthwise_conv" if depthwise else "conv"
    return Description(op, options, roles, {"kernel": SPATIAL[layer.rank] + "IO", "bias": "C"})


def _norm(op: str, layer: Any, options: dict[str, Any]) -> Description:
    roles = _arrays(layer, gamma="gamma", beta="beta", moving_mean="moving_mean", moving_variance="moving_variance")
    options = {**options, "center": layer.center, "scale": layer.scale}
    return Description(op, options, roles, {role: "C" for role, array in roles.items() if len(array.shape) == 1})


def _batch_norm(layer: layers.BatchNormalization, rank: int) -> Description:
    options = {"epsilon": layer.epsilon, "momentum": layer.momentum, "axis": layer.axis % rank}
    return _norm("batch_norm", layer, {**options, "training": layer.trainable})


def _layer_norm(layer: layers.LayerNormalization, rank: int) -> Description:
    axes = sorted(axis % rank - rank for axis in listed(layer.axis, 1))
    return _norm("layer_norm", layer, {"epsilon": layer.epsilon, "axes": axes})


def _group_norm(layer: layers.GroupNormalization, rank: int) -> Description:
    return _norm("group_norm", layer, {"groups": layer.groups, "epsilon": layer.epsilon, "axis": layer.axis % rank})


def _pool(op: str, kinds: tuple[type, ...], counted: dict[str, Any]) -> Callable[[Any, int], Description]:
    def described(layer: Any, _: int) -> Description:
        axes = kinds.index(next(kind for kind in kinds if isinstance(layer, kind))) + 1
        options = {
            "size": listed(layer.pool_size, axes),
            "strides": listed(layer.strides, axes),
            "padding": layer.padding,
        }
        return Description(op, {**options, "ceil_mode": False, "data_format": data_format(layer), **counted})

    return described


def _global_pool(op: str) -> Callable[[Any, int], Description]:
    return lambda layer, _: Description(op, {"keepdims": layer.keepdims, "data_format": data_format(layer)})


def _adaptive_pool(layer: Any, rank: int) -> Description:
    sizes = listed(layer.output_size, rank - 2)
    if set(sizes) == {1}:
        return Description("global_avg_pool", {"keepdims": True, "data_format": data_format(layer)})
    return Description("adaptive_avg_pool", {"size": sizes, "data_format": data_format(layer)})


def _relu(layer: layers.ReLU, _: int) -> Description:
    limits = {"negative_slope": layer.negative_slope, "max_value": layer.max_value, "threshold": layer.threshold}
    return keras_functions.describe("relu", limits, (), ())


def _prelu(layer: layers.PReLU, _: int) -> Description:
    letters = {1: "C", 2: "WC", 3: "HWC", 4: "DHWC"}
    roles = _arrays(layer, alpha="alpha")
    return Description("prelu", {}, roles, {role: letters.get(len(array.shape), "") for role, array in roles.items()})


def _activation(layer: layers.Activation, rank: int) -> Description:
    return describe_activation(layer.activation, rank)


def _dropout(layer: Any, _: int) -> Description:
    whole = {"whole_channels": True} if isinstance(layer, WHOLE_DROPOUTS) else {}
    return Description("dropout", {"rate": layer.rate, **whole})


def _embedding(layer: layers.Embedding, _: int) -> Description:
    roles = _arrays(layer, embeddings="embeddings")
    return Description("embedding", {"mask_zero": True} if layer.mask_zero else {}, roles, {"embeddings": "IO"})


def _recurrent(layer: Any, _: int) -> Description:
    op, gates = next(words for kind, words in GATES.items() if isinstance(layer, kind))
    roles, axes = _recurrent_arrays(layer, "")
    return Description(op, {"bidirectional": False, **_recurrent_options(layer, op, gates)}, roles, axes)


def _recurrent_options(layer: Any, op: str, gates: str) -> dict[str, Any]:
    options = {
        "units": layer.units,
        "layers": 1,
        "return_sequences": layer.return_sequences,
        "gates": gates,
        "activation": activation_name(layer.activation),
        "time_major": False,
    }
    if op != "rnn":
        options["recurrent_activation"] = activation_name(layer.recurrent_activation)
    if op == "gru":
        options["reset_after"] = layer.reset_after
    return {**options, "go_backwards": True} if layer.go_backwards else options


def _recurrent_arrays(layer: Any, prefix: str) -> tuple[dict[str, Any], dict[str, str]]:
    arrays = _arrays(layer.cell, kernel="kernel", recurrent_kernel="recurrent_kernel", bias="bias")
    axes = {"kernel": "IO", "recurrent_kernel": "IO", "bias": "C"}
    # With reset_after, a GRU has two biases in one array.
    if "bias" in arrays and len(arrays["bias"].shape) == 2:
        axes["bias"] = "BC"
    return ({prefix + role: value for role, value in found.items()} for found in (arrays, axes))


def _bidirectional(layer: layers.Bidirectional, rank: int) -> Description:
    if not isinstance(layer.forward_layer, RECURRENT):
        return Description(None, settings(layer), roles_of(layer))
    forward = _recurrent(layer.forward_layer, rank)
    roles, axes = _recurrent_arrays(layer.backward_layer, "backward_")
    options = {**forward.options, "bidirectional": True, "merge": layer.merge_mode}
    return Description(forward.op, options, {**forward.roles, **roles}, {**forward.axes, **axes})


def _attention(layer: layers.MultiHeadAttention, _: int) -> Description:
    options = {"heads": layer.num_heads, "head_size": layer.key_dim, "dropout": layer.dropout, "time_major": False}
    roles, axes = {}, {}
    for role in ("query", "key", "value", "output"):
        part = getattr(layer, f"_{role}_dense", None)
        found = _arrays(part, kernel="kernel", bias="bias")
        roles |= {f"{role}_{name}": array for name, array in found.items()}
        axes |= {
            f"{role}_kernel": "NKO" if role == "output" else "INK",
            f"{role}_bias": "C" if role == "output" else "NK",
        }
    if layer.key_dim != layer.value_dim:
        options["value_size"] = layer.value_dim
    return Description("attention", options, roles, axes)


def _pad(layer: Any, rank: int) -> Description:
    pairs = [listed(pair, 2) for pair in (layer.padding if isinstance(layer.padding[0], tuple) else [layer.padding])]
    first = 2 if getattr(layer, "data_format", "channels_last") == "channels_first" else 1
    axes = [*range(first, first + rank - 2)]
    return Description("pad", {"padding": pairs, "axes": axes, "mode": "constant", "value": 0.0})


def _upsample(layer: Any, rank: int) -> Description:
    mode = getattr(layer, "interpolation", "nearest")
    channels = data_format(layer) if hasattr(layer, "data_format") else "last"
    options = {"mode": mode, "align_corners": False, "data_format": channels}
    return Description("upsample", {"scale": listed(layer.size, rank - 2), **options})


LAYERS: dict[tuple[type[keras.Layer], ...], Callable[[Any, int], Description]] = {
    (layers.Dense,): _dense,
    (*CONVS, *DEPTHWISE, *TRANSPOSED): _conv,
    (layers.BatchNormalization,): _batch_norm,
    (layers.LayerNormalization,): _layer_norm,
    (layers.GroupNormalization,): _group_norm,
    MAX_POOLS: _pool("max_pool", MAX_POOLS, {}),
    AVG_POOLS: _pool("avg_pool", AVG_POOLS, {"count_include_pad": False}),
    GLOBAL_AVG: _global_pool("global_avg_pool"),
    GLOBAL_MAX: _global_pool("global_max_pool"),
    ADAPTIVE_AVG: _adaptive_pool,
    (layers.Flatten,): lambda layer, _: Description("flatten", {"data_format": data_format(layer)}),
    (layers.Reshape,): lambda layer, _: Description("reshape", {"shape": [*layer.target_shape]}),
    (layers.Permute,): lambda layer, _: Description("permute", {"axes": [0, *layer.dims]}),
    (layers.ReLU,): _relu,
    (layers.LeakyReLU,): lambda layer, _: Description("leaky_relu", {"negative_slope": float(layer.negative_slope)}),
    (layers.PReLU,): _prelu,
    (layers.ELU,): lambda layer, _: Description("elu", {"alpha": float(layer.alpha)}),
    (layers.Softmax,): lambda layer, rank: Description("softmax", {"axis": keras_functions.from_end(layer.axis, rank)}),
    (layers.Activation,): _activation,
    (layers.Dropout, *WHOLE_DROPOUTS): _dropout,
    (layers.Embedding,): _embedding,
    RECURRENT: _recurrent,
    (layers.Bidirectional,): _bidirectional,
    (layers.MultiHeadAttention,): _attention,
    PADS: _pad,
    UPSAMPLINGS: _upsample,
    (layers.Add,): lambda *_: Description("add", {}),
    (layers.Multiply,): lambda *_: Description("multiply", {}),
    (layers.Concatenate,): lambda layer, rank: Description("concatenate", {"axis": layer.axis % rank}),
    (layers.Identity,): lambda *_: Description("identity", {}),
}
