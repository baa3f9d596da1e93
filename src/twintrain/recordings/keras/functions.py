"""What Keras's functions compute, in the words that both frameworks share."""

import functools
import inspect
import math
import re
from collections.abc import Callable
from typing import Any

from twintrain.recordings.trace import Description, plain

Shape = tuple[int, ...]
# Our word where the function's own is another one; all of one input and no options.
SIMPLE = {
    **{name: name for name in ("relu6", "selu", "silu", "sigmoid", "hard_sigmoid", "hard_swish", "tanh")},
    **{"swish": "silu", "hard_silu": "hard_swish", "linear": "identity"},
    **dict.fromkeys(("cast", "copy", "stop_gradient"), "identity"),
}
RESHAPES = ("reshape", "view", "squeeze", "expand_dims", "ravel")
# What decides nothing of what a function computes.
NO_SETTINGS = ("x", "x1", "x2", "xs", "inputs", "images", "image", "name")
# What TensorFlow calls what Keras calls otherwise.
RENAMED = {"alpha": "negative_slope", "perm": "axes", "paddings": "pad_width", "method": "interpolation"}


def name_of(operation: Any) -> str:
    """The name of the function that an operation of a functional model is of: max_pool of MaxPool."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(operation).__name__).lower()


def defaults(function: Any) -> dict[str, Any]:
    """What a function is called with if it is called with tensors alone."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    own = getattr(function, "keywords", {}) if isinstance(function, functools.partial) else {}
    return {part.name: part.default for part in parameters if part.default is not part.empty} | own


def bound(function: Any, values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names."""
    try:
        found = inspect.signature(function).bind(*values, **named)
    except (TypeError, ValueError):
        return {f"argument_{place}": value for place, value in enumerate(values)} | named
    found.apply_defaults()
    is_tensorflow = getattr(function, "__module__", "").startswith("tensorflow")
    return {RENAMED.get(key, key) if is_tensorflow else key: value for key, value in found.arguments.items()}


def describe(name: str, settings: dict[str, Any], shape: Shape, output_shape: Shape) -> Description:
    """Describes a call of a function of that name.

    Args:
        settings: its arguments by name, tensors among them.
        shape: of its first tensor.
        output_shape: of the first tensor that it gives.
    """
    if name in SIMPLE:
        return Description(SIMPLE[name], {})
    if name in RESHAPES:
        return _reshape(shape, output_shape)
    if name in FUNCTIONS:
        return FUNCTIONS[name](settings, shape)
    kept = {key: plain(value) for key, value in settings.items() if key not in NO_SETTINGS}
    return Description(None, {key: value for key, value in kept.items() if value is not None})


def from_end(axis: int | None, rank: int) -> Any:
    """The number of an axis counted from the last one, which is -1."""
    if isinstance(axis, list | tuple):
        return [one % rank - rank for one in axis]
    return None if axis is None else axis % rank - rank


def _reshape(shape: Shape, output_shape: Shape) -> Description:
    rows, *rest = shape or (1,)
    if tuple(output_shape) == (rows, math.prod(rest)) and len(rest) > 1:
        return Description("flatten", {"data_format": "last"})
    return Description("reshape", {"shape": list(output_shape[1:])})


def _relu(settings: dict[str, Any], _: Shape) -> Description:
    limits = {name: settings.get(name) for name in ("negative_slope", "max_value", "threshold")}
    match {name: float(value) for name, value in limits.items() if value}:
        case {"negative_slope": slope, **rest} if not rest:
            return Description("leaky_relu", {"negative_slope": slope})
        case {"max_value": 6.0, **rest} if not rest:
            return Description("relu6", {})
        case given:
            return Description(None, given) if given else Description("relu", {})


def _joined(op: str) -> Callable[[dict[str, Any], Shape], Description]:
    """An operation on two tensors, or on one and a number."""

    def described(settings: dict[str, Any], _: Shape) -> Description:
        numbers = [value for value in settings.values() if isinstance(value, int | float)]
        return Description(op, {"other": numbers[0]} if numbers else {})

    return described


def _permute(settings: dict[str, Any], shape: Shape) -> Description:
    axes = settings.get("axes") or [*range(len(shape))][::-1]
    return Description("permute", {"axes": [axis % len(shape) for axis in axes]})


def _swap(settings: dict[str, Any], shape: Shape) -> Description:
    axes = [*range(len(shape))]
    first, second = settings["axis1"], settings["axis2"]
    axes[first], axes[second] = axes[second], axes[first]
    return Description("permute", {"axes": axes})


def _move(settings: dict[str, Any], shape: Shape) -> Description:
    sources, destinations = (
        [axis % len(shape) for axis in (given if isinstance(given, list | tuple) else [given])]
        for given in (settings["source"], settings["destination"])
    )
    axes = [axis for axis in range(len(shape)) if axis not in sources]
    for destination, source in sorted(zip(destinations, sources, strict=True)):
        axes.insert(destination, source)
    return Description("permute", {"axes": axes})


def _reduced(op: str) -> Callable[[dict[str, Any], Shape], Description]:
    """A mean or maximum, which is a global pool where it goes over all axes but rows and channels."""

    def described(settings: dict[str, Any], shape: Shape) -> Description:
        axes, rank = settings.get("axis"), len(shape)
        given = [] if axes is None else [axes] if isinstance(axes, int) else [*axes]
        found = sorted(axis % rank for axis in given)
        options = {"keepdims": bool(settings.get("keepdims"))}
        if rank > 2 and found == [*range(1, rank - 1)]:
            return Description(op, {**options, "data_format": "last"})
        if rank > 2 and found == [*range(2, rank)]:
            return Description(op, {**options, "data_format": "first"})
        return Description(None, {**options, "axes": found})

    return described


def _pool(op: str, counted: dict[str, Any]) -> Callable[[dict[str, Any], Shape], Description]:
    def described(settings: dict[str, Any], shape: Shape) -> Description:
        axes = len(shape) - 2
        size = settings["pool_size"]
        sizes, strides = (
            [value] * axes if isinstance(value, int) else [*value] for value in (size, settings.get("strides") or size)
        )
        options = {"size": sizes, "strides": strides, "padding": settings.get("padding", "valid"), "ceil_mode": False}
        return Description(op, {**options, "data_format": _data_format(settings), **counted})

    return described


def _data_format(settings: dict[str, Any]) -> str:
    import keras

    return (settings.get("data_format") or keras.config.image_data_format()).removeprefix("channels_")


def _softmax(op: str) -> Callable[[dict[str, Any], Shape], Description]:
    return lambda settings, shape: Description(op, {"axis": from_end(settings.get("axis", -1), len(shape))})


def _concatenate(settings: dict[str, Any], shape: Shape) -> Description:
    return Description("concatenate", {"axis": settings.get("axis", 0) % len(shape)})


def _pad(settings: dict[str, Any], shape: Shape) -> Description:
    pairs = [[*pair] for pair in settings["pad_width"]]
    padded = [axis for axis in range(len(shape)) if any(pairs[axis])]
    options = {
        "padding": [pairs[axis] for axis in padded],
        "axes": padded,
        "mode": settings.get("mode", "constant").lower(),
    }
    if options["mode"] == "constant":
        options["value"] = float(settings.get("constant_values") or 0)
    return Description("pad", options)


def _resize(settings: dict[str, Any], _: Shape) -> Description:
    options = {"size": plain(settings["size"]), "mode": settings.get("interpolation", "bilinear")}
    antialias = {"antialias": True} if settings.get("antialias") else {}
    return Description(
        "upsample", {**options, "align_corners": False, "data_format": _data_format(settings), **antialias}
    )


def _attention(settings: dict[str, Any], _: Shape) -> Description:
    options = {"causal": bool(settings.get("is_causal")), "masked": settings.get("mask") is not None, "dropout": 0.0}
    scale = settings.get("scale")
    return Description("attention", options if scale is None else {**options, "scale": float(scale)})


FUNCTIONS: dict[str, Callable[[dict[str, Any], Shape], Description]] = {
    "relu": _relu,
    "leaky_relu": lambda given, _: Description(
        "leaky_relu", {"negative_slope": float(given.get("negative_slope", 0.2))}
    ),
    "elu": lambda given, _: Description("elu", {"alpha": float(given.get("alpha", 1.0))}),
    "gelu": lambda given, _: Description("gelu", {"approximate": bool(given.get("approximate", False))}),
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    "add": _joined("add"),
    "multiply": _joined("multiply"),
    "concatenate": _concatenate,
    "transpose": _permute,
    "swapaxes": _swap,
    "moveaxis": _move,
    "mean": _reduced("global_avg_pool"),
    "max": _reduced("global_max_pool"),
    "amax": _reduced("global_max_pool"),
    "max_pool": _pool("max_pool", {}),
    "average_pool": _pool("avg_pool", {"count_include_pad": False}),
    "pad": _pad,
    "resize": _resize,
    "dot_product_attention": _attention,
}
