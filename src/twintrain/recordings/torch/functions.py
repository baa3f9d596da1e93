"""What PyTorch's functions and methods of tensors compute, in the words that both frameworks share."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from twintrain.recordings.torch import layers
from twintrain.recordings.torch.settings import from_end, given, listed
from twintrain.recordings.trace import Description, plain

# Our word where the function's own is another one; all of one input and no options.
SIMPLE = {
    **{name: name for name in ("relu", "relu6", "selu", "silu", "sigmoid", "tanh")},
    **{"hardsigmoid": "hard_sigmoid", "hardswish": "hard_swish"},
    **dict.fromkeys(("clone", "contiguous", "detach", "to", "float", "double", "type_as", "data"), "identity"),
}
RESHAPES = ("reshape", "view", "unflatten", "squeeze", "unsqueeze", "flatten", "ravel", "reshape_as", "view_as")


class Arguments(NamedTuple):
    """What a function was called with, and the shapes of what came of it."""

    values: tuple[Any, ...]
    named: dict[str, Any]
    shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def get(self, place: int, name: str, default: Any = None) -> Any:
        """An argument by its place or name."""
        return self.values[place] if len(self.values) > place else self.named.get(name, default)

    @property
    def rank(self) -> int:
        """The number of axes of the first tensor."""
        return len(self.shape)


def name_of(function: Any) -> str:
    """A function's name, without the mark of those that change a tensor in its place."""
    name = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        name = function.__self__.__name__
    return name.strip("_") or name


def describe(name: str, arguments: Arguments) -> Description:
    """Describes a call of a function of that name."""
    if name in SIMPLE:
        return Description(SIMPLE[name], {})
    if name in RESHAPES:
        return _reshape(arguments)
    if name in FUNCTIONS:
        return FUNCTIONS[name](arguments)
    return Description(None, _settings(arguments))


def _settings(call: Arguments) -> dict[str, Any]:
    """The plain arguments of a function that we have no word for."""
    values = {f"argument_{place}": plain(value) for place, value in enumerate(call.values)}
    return {name: value for name, value in {**values, **plain(call.named)}.items() if value not in (None, [None])}


def _reshape(call: Arguments) -> Description:
    rows, *rest = call.shape or (1,)
    if call.output_shape == (rows, math.prod(rest)) and len(rest) > 1:
        return Description("flatten", {"data_format": "first"})
    return Description("reshape", {"shape": list(call.output_shape[1:])})


def _permute(axes: Callable[[Arguments], list[int]]) -> Callable[[Arguments], Description]:
    return lambda call: Description("permute", {"axes": [axis % call.rank for axis in axes(call)]})


def _listed_axes(call: Arguments) -> list[int]:
    axes = call.get(1, "dims")
    return [*axes] if isinstance(axes, list | tuple) else [*call.values[1:]]


def _swapped_axes(call: Arguments) -> list[int]:
    first, second = call.get(1, "dim0", call.get(1, "axis0", -2)), call.get(2, "dim1", call.get(2, "axis1", -1))
    axes = [*range(call.rank)]
    axes[first], axes[second] = axes[second], axes[first]
    return axes


def _moved_axes(call: Arguments) -> list[int]:
    moved = torch.movedim(
        torch.empty([*range(call.rank)], device="meta"), call.get(1, "source"), call.get(2, "destination")
    )
    return [*moved.shape]


def _reversed_axes(call: Arguments) -> list[int]:
    return [*range(call.rank)][::-1]


def _joined(op: str) -> Callable[[Arguments], Description]:
    """An operation on two tensors, or on one and a number."""

    def described(call: Arguments) -> Description:
        numbers = [value for value in call.values if isinstance(value, int | float)]
        alpha = call.named.get("alpha", 1)
        options = {**({"other": numbers[0]} if numbers else {}), **({"alpha": alpha} if alpha != 1 else {})}
        return Description(op, options)

    return described


def _concatenate(call: Arguments) -> Description:
    return Description("concatenate", {"axis": call.get(1, "dim", 0) % max(call.rank, 1)})


def _reduced(op: str) -> Callable[[Arguments], Description]:
    """A mean or maximum, which is a global pool where it goes over all axes but rows and channels."""

    def described(call: Arguments) -> Description:
        axes = call.get(1, "dim")
        found = sorted(axis % call.rank for axis in listed(axes, 1)) if axes is not None else []
        options = {"keepdims": bool(call.get(2, "keepdim", False))}
        if found and call.rank > 2 and found == [*range(2, call.rank)]:
            return Description(op, {**options, "data_format": "first"})
        if found and call.rank > 2 and found == [*range(1, call.rank - 1)]:
            return Description(op, {**options, "data_format": "last"})
        return Description(None, {**options, "axes": found})

    return described


def _dense(call: Arguments) -> Description:
    roles = given({"kernel": call.get(1, "weight"), "bias": call.get(2, "bias")})
    return Description("dense", {}, roles, {"kernel": "OI", "bias": "C"})


def _conv(call: Arguments) -> Description:
    kernel = call.get(1, "weight")
    options = layers.conv_options(
        kernel.ndim - 2,
        call.get(3, "stride", 1),
        call.get(4, "padding", 0),
        call.get(5, "dilation", 1),
        call.get(6, "groups", 1),
    )
    return layers.conv_described(kernel, call.get(2, "bias"), options)


def _conv_transpose(call: Arguments) -> Description:
    kernel = call.get(1, "weight")
    rank = kernel.ndim - 2
    options = layers.conv_options(
        rank, call.get(3, "stride", 1), call.get(4, "padding", 0), call.get(7, "dilation", 1), call.get(6, "groups", 1)
    )
    options["output_padding"] = listed(call.get(5, "output_padding", 0), rank)
    return layers.conv_described(kernel, call.get(2, "bias"), options, transposed=True)


def _batch_norm(call: Arguments) -> Description:
    training = bool(call.get(5, "training", False))
    options = layers.batch_norm_options(call.get(7, "eps", 1e-5), call.get(6, "momentum", 0.1), training)
    others = given({"moving_mean": call.get(1, "running_mean"), "moving_variance": call.get(2, "running_var")})
    return layers.norm_described("batch_norm", options, call.get(3, "weight"), call.get(4, "bias"), **others)


def _layer_norm(call: Arguments) -> Description:
    axes = [*range(-len(call.get(1, "normalized_shape")), 0)]
    options = {"epsilon": call.get(4, "eps", 1e-5), "axes": axes}
    return layers.norm_described("layer_norm", options, call.get(2, "weight"), call.get(3, "bias"))


def _rms_norm(call: Arguments) -> Description:
    return layers.rms_described(call.get(2, "weight"), len(call.get(1, "normalized_shape")), call.get(3, "eps"))


def _group_norm(call: Arguments) -> Description:
    options = {"groups": call.get(1, "num_groups"), "epsilon": call.get(4, "eps", 1e-5), "axis": 1}
    return layers.norm_described("group_norm", options, call.get(2, "weight"), call.get(3, "bias"))


def _pool_options(call: Arguments, axes: int, place_of_ceil_mode: int) -> dict[str, Any]:
    size, stride, padding = call.get(1, "kernel_size"), call.get(2, "stride"), call.get(3, "padding", 0)
    return layers.pool_options(axes, size, stride, padding, call.get(place_of_ceil_mode, "ceil_mode", False))


def _max_pool(axes: int) -> Callable[[Arguments], Description]:
    def described(call: Arguments) -> Description:
        options = _pool_options(call, axes, 5)
        return Description("max_pool", {**options, "dilation": listed(call.get(4, "dilation", 1), axes)})

    return described


def _avg_pool(axes: int) -> Callable[[Arguments], Description]:
    def described(call: Arguments) -> Description:
        options = _pool_options(call, axes, 4)
        divisor = given({"divisor": call.get(6, "divisor_override")})
        return Description(
            "avg_pool", {**options, "count_include_pad": call.get(5, "count_include_pad", True), **divisor}
        )

    return described


def _adaptive(kind: str, axes: int) -> Callable[[Arguments], Description]:
    return lambda call: layers.adaptive_described(kind, call.get(1, "output_size"), axes)


def _softmax(op: str) -> Callable[[Arguments], Description]:
    return lambda call: Description(op, {"axis": from_end(call.get(1, "dim"), call.rank)})


def _dropout(call: Arguments) -> Description:
    return Description("dropout", {"rate": call.get(1, "p", 0.5), "training": bool(call.get(2, "training", True))})


def _whole_dropout(call: Arguments) -> Description:
    described = _dropout(call)
    return described._replace(options={**described.options, "whole_channels": True})


def _embedding(call: Arguments) -> Description:
    options = given({"padding": call.get(2, "padding_idx")})
    return Description("embedding", options, {"embeddings": call.get(1, "weight")}, {"embeddings": "IO"})


def _attention(call: Arguments) -> Description:
    options = {"causal": bool(call.named.get("is_causal")), "masked": call.get(3, "attn_mask") is not None}
    scale = given({"scale": call.named.get("scale")})
    return Description("attention", {**options, "dropout": float(call.get(4, "dropout_p", 0.0)), **scale})


def _pad(call: Arguments) -> Description:
    return layers.pad_described(call.get(1, "pad"), call.rank, call.get(2, "mode", "constant"), call.get(3, "value"))


def _upsample(call: Arguments) -> Description:
    size, scale, mode = call.get(1, "size"), call.get(2, "scale_factor"), call.get(3, "mode", "nearest")
    return layers.upsample_described(size, scale, mode, call.get(4, "align_corners"), call.rank)


FUNCTIONS: dict[str, Callable[[Arguments], Description]] = {
    **dict.fromkeys(("add", "radd", "iadd"), _joined("add")),
    **dict.fromkeys(("mul", "multiply", "rmul", "imul"), _joined("multiply")),
    **dict.fromkeys(("cat", "concat", "concatenate"), _concatenate),
    "permute": _permute(_listed_axes),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "mT", "adjoint"), _permute(_swapped_axes)),
    **dict.fromkeys(("movedim", "moveaxis"), _permute(_moved_axes)),
    **dict.fromkeys(("t", "T"), _permute(_reversed_axes)),
    "mean": _reduced("global_avg_pool"),
    "amax": _reduced("global_max_pool"),
    "linear": _dense,
    **{f"conv{axes}d": _conv for axes in (1, 2, 3)},
    **{f"conv_transpose{axes}d": _conv_transpose for axes in (1, 2, 3)},
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    **{f"max_pool{axes}d": _max_pool(axes) for axes in (1, 2, 3)},
    **{f"avg_pool{axes}d": _avg_pool(axes) for axes in (1, 2, 3)},
    **{f"adaptive_avg_pool{axes}d": _adaptive("avg", axes) for axes in (1, 2, 3)},
    **{f"adaptive_max_pool{axes}d": _adaptive("max", axes) for axes in (1, 2, 3)},
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    "leaky_relu": lambda call: Description("leaky_relu", {"negative_slope": call.get(1, "negative_slope", 0.01)}),
    "elu": lambda call: Description("elu", {"alpha": call.get(1, "alpha", 1.0)}),
    "gelu": lambda call: Description("gelu", {"approximate": call.named.get("approximate") == "tanh"}),
    "prelu": lambda call: Description("prelu", {}, {"alpha": call.get(1, "weight")}, {"alpha": "C"}),
    "dropout": _dropout,
    **{f"dropout{axes}d": _whole_dropout for axes in (1, 2, 3)},
    "embedding": _embedding,
    "scaled_dot_product_attention": _attention,
    "pad": _pad,
    "interpolate": _upsample,
}
