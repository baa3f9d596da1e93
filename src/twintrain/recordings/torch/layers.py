"""What PyTorch's layers compute, in the words that both frameworks share."""

from collections.abc import Callable
from typing import Any

from torch import nn

from twintrain.recordings.torch.sequences import attention, recurrent
from twintrain.recordings.torch.settings import from_end, given, listed, settings
from twintrain.recordings.trace import Description

SPATIAL = ("", "W", "HW", "DHW")
CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVG_POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
ADAPTIVE_AVG = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
ADAPTIVE_MAX = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
PAD_MODES = {
    "Zero": "constant",
    "Constant": "constant",
    "Reflection": "reflect",
    "Replication": "replicate",
    "Circular": "circular",
}
PADS = tuple(getattr(nn, f"{mode}Pad{axes}d") for mode in PAD_MODES for axes in (1, 2, 3))
SIMPLE: dict[type[nn.Module], str] = {
    nn.ReLU6: "relu6",
    nn.ReLU: "relu",
    nn.SELU: "selu",
    nn.SiLU: "silu",
    nn.Sigmoid: "sigmoid",
    nn.Hardsigmoid: "hard_sigmoid",
    nn.Hardswish: "hard_swish",
    nn.Tanh: "tanh",
    nn.Identity: "identity",
}


def describe(module: nn.Module, rank: int) -> Description:
    """Describes a layer of `torch.nn`.

    Args:
        rank: the number of axes of its first input.
    """
    for kind, op in SIMPLE.items():
        if isinstance(module, kind):
            return Description(op, {})
    for kinds, description in LAYERS.items():
        if isinstance(module, kinds):
            return description(module, rank)
    return Description(None, settings(module), dict(module.named_parameters(recurse=False)))


def padding_of(value: Any, rank: int) -> Any:
    """What a convolution or pool pads each axis with."""
    if isinstance(value, str):
        return value
    amounts = listed(value, rank)
    return [[amount, amount] for amount in amounts] if any(amounts) else "valid"


def conv_options(rank: int, stride: Any, padding: Any, dilation: Any, groups: int) -> dict[str, Any]:
    """Options of a convolution over as many axes."""
    return {
        "strides": listed(stride, rank),
        "padding": padding_of(padding, rank),
        "dilation": listed(dilation, rank),
        "groups": groups,
        "data_format": "first",
    }


def conv_described(kernel: Any, bias: Any, options: dict[str, Any], transposed: bool = False) -> Description:
    """A convolution by its arrays and options."""
    spatial = SPATIAL[kernel.ndim - 2]
    depthwise = not transposed and options["groups"] > 1 and kernel.shape[1] == 1
    op = "conv_transpose" if transposed else "depthwise_conv" if depthwise else "conv"
    axes = {"kernel": ("IO" if transposed else "OI") + spatial, "bias": "C"}
    return Description(op, options, given({"kernel": kernel, "bias": bias}), axes)


def pool_options(rank: int, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> dict[str, Any]:
    """Options of a pool over as many axes."""
    return {
        "size": listed(size, rank),
        "strides": listed(size if stride is None or stride == [] else stride, rank),
        "padding": padding_of(padding, rank),
        "ceil_mode": ceil_mode,
        "data_format": "first",
    }


def adaptive_described(kind: str, size: Any, rank: int) -> Description:
    """An adaptive pool ("avg" or "max") over as many axes, which is a global one if it leaves one number."""
    sizes = listed(size, rank)
    if set(sizes) == {1}:
        return Description(f"global_{kind}_pool", {"keepdims": True, "data_format": "first"})
    return Description("adaptive_avg_pool" if kind == "avg" else None, {"size": sizes, "data_format": "first"})


def norm_described(op: str, options: dict[str, Any], weight: Any, bias: Any, **others: Any) -> Description:
    """A normalization by its arrays and options."""
    roles = given({"gamma": weight, "beta": bias, **others})
    axes = {role: "C" for role, array in roles.items() if array.ndim == 1}
    return Description(op, {**options, "center": bias is not None, "scale": weight is not None}, roles, axes)


def rms_described(weight: Any, axes: int, epsilon: float | None) -> Description:
    """Division by the root mean square over the last axes."""
    roles = given({"gamma": weight})
    # Without an epsilon it is that of the precision, another one in each pass, for which there is no word.
    op = None if epsilon is None else "rms_norm"
    return Description(op, {"epsilon": epsilon, "axes": [*range(-axes, 0)]}, roles, {"gamma": "C"} if axes == 1 else {})


def batch_norm_options(epsilon: float, momentum: float | None, training: bool) -> dict[str, Any]:
    """Options of batch norm; PyTorch's momentum is the share of the new value, and None a mean of all so far."""
    kept = None if momentum is None else 1 - momentum
    return {"epsilon": epsilon, "momentum": kept, "axis": 1, "training": training}


def pad_described(amounts: Any, rank: int, mode: str, value: float | None) -> Description:
    """Padding as PyTorch has it: amounts from the last axis on, before and after."""
    pairs = [[*amounts[start : start + 2]] for start in range(0, len(amounts), 2)][::-1]
    options = {"padding": pairs, "axes": [*range(rank - len(pairs), rank)], "mode": mode}
    return Description("pad", {**options, "value": float(value or 0)} if mode == "constant" else options)


def upsample_described(size: Any, scale: Any, mode: str, align: bool | None, rank: int) -> Description:
    """Interpolation of what has as many axes."""
    options = {"mode": mode, "align_corners": bool(align), "data_format": "first"}
    name, value = ("size", size) if size is not None else ("scale", scale)
    return Description("upsample", {name: listed(value, rank - 2), **options})


def _dense(module: nn.Linear, _: int) -> Description:
    return Description(
        "dense", {}, given({"kernel": module.weight, "bias": module.bias}), {"kernel": "OI", "bias": "C"}
    )


def _conv(module: Any, _: int) -> Description:
    rank = module.weight.ndim - 2
    options = conv_options(rank, module.stride, module.padding, module.dilation, module.groups)
    if module.padding_mode != "zeros":
        options["padding_mode"] = module.padding_mode
    transposed = isinstance(module, TRANSPOSED)
    if transposed:
        options["output_padding"] = listed(module.output_padding, rank)
    return conv_described(module.weight, module.bias, options, transposed)


def _batch_norm(module: Any, _: int) -> Description:
    training = module.training or module.running_mean is None
    statistics = {"moving_mean": module.running_mean, "moving_variance": module.running_var}
    options = batch_norm_options(module.eps, module.momentum, training)
    return norm_described("batch_norm", options, module.weight, module.bias, **statistics)


def _layer_norm(module: nn.LayerNorm, _: int) -> Description:
    options = {"epsilon": module.eps, "axes": [*range(-len(module.normalized_shape), 0)]}
    return norm_described("layer_norm", options, module.weight, module.bias)


def _rms_norm(module: nn.RMSNorm, _: int) -> Description:
    return rms_described(module.weight, len(module.normalized_shape), module.eps)


def _group_norm(module: nn.GroupNorm, _: int) -> Description:
    options = {"groups": module.num_groups, "epsilon": module.eps, "axis": 1}
    return norm_described("group_norm", options, module.weight, module.bias)


def _axes_of(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> int:
    """Over how many axes a layer goes, of the kinds for one, two and three."""
    return next(axes for axes, kind in enumerate(kinds, start=1) if isinstance(module, kind))


def _max_pool(module: Any, _: int) -> Description:
    axes = _axes_of(module, MAX_POOLS)
    options = pool_options(axes, module.kernel_size, module.stride, module.padding, module.ceil_mode)
    return Description("max_pool", {**options, "dilation": listed(module.dilation, axes)})


def _avg_pool(module: Any, _: int) -> Description:
    axes = _axes_of(module, AVG_POOLS)
    options = pool_options(axes, module.kernel_size, module.stride, module.padding, module.ceil_mode)
    divisor = given({"divisor": getattr(module, "divisor_override", None)})
    return Description("avg_pool", {**options, "count_include_pad": module.count_include_pad, **divisor})


def _adaptive_pool(module: Any, _: int) -> Description:
    kind, kinds = ("avg", ADAPTIVE_AVG) if isinstance(module, ADAPTIVE_AVG) else ("max", ADAPTIVE_MAX)
    return adaptive_described(kind, module.output_size, _axes_of(module, kinds))


def _flatten(module: nn.Flatten, _: int) -> Description:
    if (module.start_dim, module.end_dim) != (1, -1):
        return Description(None, settings(module))
    return Description("flatten", {"data_format": "first"})


def _dropout(module: Any, _: int) -> Description:
    whole = {} if isinstance(module, nn.Dropout) else {"whole_channels": True}
    return Description("dropout", {"rate": module.p, "training": module.training, **whole})


def _embedding(module: nn.Embedding, _: int) -> Description:
    return Description(
        "embedding", given({"padding": module.padding_idx}), {"embeddings": module.weight}, {"embeddings": "IO"}
    )


def _prelu(module: nn.PReLU, _: int) -> Description:
    return Description("prelu", {}, {"alpha": module.weight}, {"alpha": "C"})


def _pad(module: Any, rank: int) -> Description:
    mode = next(mode for prefix, mode in PAD_MODES.items() if type(module).__name__.startswith(prefix))
    return pad_described(module.padding, rank, mode, getattr(module, "value", 0.0))


def _upsample(module: nn.Upsample, rank: int) -> Description:
    return upsample_described(module.size, module.scale_factor, module.mode, module.align_corners, rank)


LAYERS: dict[tuple[type[nn.Module], ...], Callable[[Any, int], Description]] = {
    (nn.Linear,): _dense,
    (*CONVS, *TRANSPOSED): _conv,
    BATCH_NORMS: _batch_norm,
    (nn.LayerNorm,): _layer_norm,
    (nn.RMSNorm,): _rms_norm,
    (nn.GroupNorm,): _group_norm,
    MAX_POOLS: _max_pool,
    AVG_POOLS: _avg_pool,
    (*ADAPTIVE_AVG, *ADAPTIVE_MAX): _adaptive_pool,
    (nn.Flatten,): _flatten,
    (nn.LeakyReLU,): lambda module, _: Description("leaky_relu", {"negative_slope": module.negative_slope}),
    (nn.PReLU,): _prelu,
    (nn.ELU,): lambda module, _: Description("elu", {"alpha": module.alpha}),
    (nn.GELU,): lambda module, _: Description("gelu", {"approximate": module.approximate == "tanh"}),
    (nn.Softmax,): lambda module, rank: Description("softmax", {"axis": from_end(module.dim, rank)}),
    (nn.LogSoftmax,): lambda module, rank: Description("log_softmax", {"axis": from_end(module.dim, rank)}),
    DROPOUTS: _dropout,
    (nn.Embedding,): _embedding,
    (nn.RNNBase,): recurrent,
    (nn.MultiheadAttention,): attention,
    PADS: _pad,
    (nn.Upsample,): _upsample,
}
