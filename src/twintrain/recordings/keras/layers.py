"""What Keras's layers compute, in the words that both frameworks share."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from twintrain.recordings.keras import functions as keras_functions
from twintrain.recordings.keras.sequences import RECURRENT, attention, bidirectional, recurrent
from twintrain.recordings.keras.settings import activation_name, arrays_of, data_format, listed, roles_of, settings
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


def describe_activation(activation: Any, rank: int) -> Description:
    """Describes what a layer is given as `activation`: a function, or a layer."""
    if isinstance(activation, keras.Layer):
        return describe(activation, rank)
    name = activation_name(activation)
    return keras_functions.describe(name, keras_functions.defaults(activation), (1,) * rank, (1,) * rank)


def _dense(layer: layers.Dense, _: int) -> Description:
    roles = arrays_of(layer, kernel="kernel", bias="bias")
    return Description("dense", {}, roles, {"kernel": "IO", "bias": "C"})


def _conv(layer: Any, _: int) -> Description:
    options = {
        "strides": listed(layer.strides, layer.rank),
        "padding": layer.padding,
        "dilation": listed(layer.dilation_rate, layer.rank),
        "groups": getattr(layer, "groups", 1),
        "data_format": data_format(layer),
    }
    roles = arrays_of(layer, kernel="kernel", bias="bias")
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
    roles = arrays_of(layer, gamma="gamma", beta="beta", moving_mean="moving_mean", moving_variance="moving_variance")
    options = {**options, "center": layer.center, "scale": layer.scale}
    return Description(op, options, roles, {role: "C" for role, array in roles.items() if len(array.shape) == 1})


def _batch_norm(layer: layers.BatchNormalization, rank: int) -> Description:
    options = {"epsilon": layer.epsilon, "momentum": layer.momentum, "axis": layer.axis % rank}
    return _norm("batch_norm", layer, {**options, "training": layer.trainable})


def _layer_norm(layer: layers.LayerNormalization, rank: int) -> Description:
    axes = sorted(axis % rank - rank for axis in listed(layer.axis, 1))
    return _norm("layer_norm", layer, {"epsilon": layer.epsilon, "axes": axes})


def _rms_norm(layer: layers.RMSNormalization, rank: int) -> Description:
    roles = arrays_of(layer, gamma="scale")
    axes = sorted(axis % rank - rank for axis in listed(layer.axis, 1))
    return Description("rms_norm", {"epsilon": layer.epsilon, "axes": axes}, roles, dict.fromkeys(roles, "C"))


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
    roles = arrays_of(layer, alpha="alpha")
    return Description("prelu", {}, roles, {role: letters.get(len(array.shape), "") for role, array in roles.items()})


def _activation(layer: layers.Activation, rank: int) -> Description:
    return describe_activation(layer.activation, rank)


def _dropout(layer: Any, _: int) -> Description:
    whole = {"whole_channels": True} if isinstance(layer, WHOLE_DROPOUTS) else {}
    return Description("dropout", {"rate": layer.rate, **whole})


def _embedding(layer: layers.Embedding, _: int) -> Description:
    roles = arrays_of(layer, embeddings="embeddings")
    return Description("embedding", {"mask_zero": True} if layer.mask_zero else {}, roles, {"embeddings": "IO"})


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
    (layers.RMSNormalization,): _rms_norm,
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
    RECURRENT: recurrent,
    (layers.Bidirectional,): bidirectional,
    (layers.MultiHeadAttention,): attention,
    PADS: _pad,
    UPSAMPLINGS: _upsample,
    (layers.Add,): lambda *_: Description("add", {}),
    (layers.Multiply,): lambda *_: Description("multiply", {}),
    (layers.Concatenate,): lambda layer, rank: Description("concatenate", {"axis": layer.axis % rank}),
    (layers.Identity,): lambda *_: Description("identity", {}),
}
