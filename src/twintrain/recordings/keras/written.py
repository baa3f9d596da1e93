"""A recorded layer written as code of Keras, which is not imported for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Options = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

IMPORTS = "import keras\nfrom keras import layers, ops"
# From the arrays `x`, `others` and `weights` to those of the framework, and back.
BEFORE = 'keras.config.set_floatx("float64")'
AFTER = "output = ops.convert_to_numpy(output)"
ACTIVATIONS: dict[str, Callable[[Options], str]] = {
    "relu": lambda options: f"layers.ReLU({_as(options, 'max_value', 'negative_slope', 'threshold')})(x)",
    "relu6": lambda _: "ops.relu6(x)",
    "leaky_relu": lambda options: f"layers.LeakyReLU({options.get('negative_slope', 0.3)!r})(x)",
    "elu": lambda options: f"layers.ELU({options.get('alpha', 1.0)!r})(x)",
    "selu": lambda _: "ops.selu(x)",
    "gelu": lambda options: f"ops.gelu(x, approximate={bool(options.get('approximate'))})",
    "silu": lambda _: "ops.silu(x)",
    "sigmoid": lambda _: "ops.sigmoid(x)",
    "hard_sigmoid": lambda _: "ops.hard_sigmoid(x)",
    "hard_swish": lambda _: "ops.hard_silu(x)",
    "tanh": lambda _: "ops.tanh(x)",
    "softplus": lambda _: "ops.softplus(x)",
    "softsign": lambda _: "ops.softsign(x)",
    "softmax": lambda options: f"ops.softmax(x, {options.get('axis', -1)!r})",
    "log_softmax": lambda options: f"ops.log_softmax(x, {options.get('axis', -1)!r})",
}
RECURRENT = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}


def written(op: str | None, options: Options, shapes: Shapes, rank: int) -> list[str] | None:
    """Lines that compute `output` of `x`, `others` and `weights`; None of a layer that cannot be written.

    Args:
        shapes: of its weights, by role.
        rank: the number of axes of its first input.
    """
    if op in ACTIVATIONS:
        return ["x = ops.convert_to_tensor(x)", f"output = {ACTIVATIONS[op](options)}"]
    if op == "upsample" and (options.get("scale") is None or options.get("align_corners")):
        return None  # no layer of Keras's does that
    return LAYERS[op](options, shapes, rank) if op in LAYERS else None


def _dense(_: Options, shapes: Shapes, __: int) -> list[str]:
    return _called(f"layers.Dense({shapes['kernel'][-1]}, use_bias={'bias' in shapes})")


def _conv(options: Options, shapes: Shapes, rank: int) -> list[str]:
    *size, _, filters = shapes["kernel"]
    return _convolution(f"Conv{rank - 2}D({filters}, {tuple(size)}", options, shapes, rank, "groups")


def _depthwise_conv(options: Options, shapes: Shapes, rank: int) -> list[str]:
    *size, channels, multiplier = shapes["kernel"]
    if channels == 1 and options.get("groups", 1) > 1:
        return _conv(options, shapes, rank)
    made = f"DepthwiseConv{rank - 2}D({tuple(size)}, depth_multiplier={multiplier}"
    return _convolution(made, options, shapes, rank)


def _conv_transpose(options: Options, shapes: Shapes, rank: int) -> list[str]:
    *size, filters, _ = shapes["kernel"]
    made = f"Conv{rank - 2}DTranspose({filters}, {tuple(size)}"
    return _convolution(made, options, shapes, rank, "output_padding")


def _convolution(made: str, options: Options, shapes: Shapes, rank: int, *same: str) -> list[str]:
    """A layer of which the beginning is given, with what all convolutions have."""
    lines, padding = _padding(options, rank)
    given = _as(options, *same, strides="strides", dilation="dilation_rate")
    return [*lines, *_called(f"layers.{made}, {given}, {padding}, use_bias={'bias' in shapes})")]


def _batch_norm(options: Options, shapes: Shapes, _: int) -> list[str]:
    axis = options.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    made = f"layers.BatchNormalization(axis={axis}, {_normal(options, shapes)})"
    return _called(made, f", training={bool(options.get('training'))}")


def _layer_norm(options: Options, shapes: Shapes, _: int) -> list[str]:
    return _called(f"layers.LayerNormalization(axis={options.get('axes', [-1])}, {_normal(options, shapes)})")


def _rms_norm(options: Options, _: Shapes, __: int) -> list[str]:
    return _called(f"layers.RMSNormalization(axis={options.get('axes', [-1])}, epsilon={options.get('epsilon')!r})")


def _group_norm(options: Options, shapes: Shapes, _: int) -> list[str]:
    given = f"{options['groups']}, axis={options.get('axis', -1)}, {_normal(options, shapes)}"
    return _called(f"layers.GroupNormalization({given})")


def _max_pool(options: Options, _: Shapes, rank: int) -> list[str]:
    lines, padding = _padding(options, rank)
    return [*lines, *_called(f"layers.MaxPooling{rank - 2}D({_pooled(options)}, {padding})")]


def _avg_pool(options: Options, _: Shapes, rank: int) -> list[str]:
    lines, padding = _padding(options, rank)
    return [*lines, *_called(f"layers.AveragePooling{rank - 2}D({_pooled(options)}, {padding})")]


def _global_pool(kind: str) -> Callable[[Options, Shapes, int], list[str]]:
    def lines(options: Options, _: Shapes, rank: int) -> list[str]:
        keeps = bool(options.get("keepdims"))
        return _called(f"layers.Global{kind}Pooling{rank - 2}D({_format(options)}, keepdims={keeps})")

    return lines


def _adaptive_avg_pool(options: Options, _: Shapes, rank: int) -> list[str]:
    return _called(f"layers.AdaptiveAveragePooling{rank - 2}D({tuple(options['size'])}, {_format(options)})")


def _upsample(options: Options, _: Shapes, rank: int) -> list[str]:
    size = _as(options, scale="size") if rank > 3 else f"size={options['scale'][0]}"
    kind = f", {_format(options)}, interpolation={options.get('mode', 'nearest')!r}" if rank == 4 else ""
    return _called(f"layers.UpSampling{rank - 2}D({size}{kind})")


def _prelu(_: Options, __: Shapes, ___: int) -> list[str]:
    return ["x = ops.convert_to_tensor(x)", 'output = ops.where(x >= 0, x, ops.multiply(weights["alpha"], x))']


def _embedding(_: Options, shapes: Shapes, __: int) -> list[str]:
    return _called(f"layers.Embedding{tuple(shapes['embeddings'])}")


def _flatten(options: Options, _: Shapes, __: int) -> list[str]:
    return _called(f"layers.Flatten({_format(options)})")


def _reshape(options: Options, _: Shapes, __: int) -> list[str]:
    return [f"output = layers.Reshape({_value(options.get('shape', options.get('target_shape')))})(x)"]


def _permute(options: Options, _: Shapes, __: int) -> list[str]:
    return [f"output = ops.transpose(x, {_value(options['axes'])})"]


def _pad(options: Options, _: Shapes, rank: int) -> list[str]:
    pairs = {axis % rank: tuple(pair) for axis, pair in zip(options["axes"], options["padding"], strict=True)}
    mode = options.get("mode", "constant")
    value = f", constant_values={options.get('value', 0.0)!r}" if mode == "constant" else ""
    return [f"output = ops.pad(x, {tuple(pairs.get(axis, (0, 0)) for axis in range(rank))}, {mode!r}{value})"]


def _joined(function: str) -> Callable[[Options, Shapes, int], list[str] | None]:
    """A function of two, of all inputs one after the other, and of a number."""

    def lines(options: Options, shapes: Shapes, _: int) -> list[str] | None:
        others = f"(*others, {options['other']!r})" if "other" in options else "others"
        loop = [f"for each in {others}:", f"    output = ops.{function}(output, each)"]
        return None if shapes else ["output = x", *loop]

    return lines


def _concatenate(options: Options, _: Shapes, __: int) -> list[str]:
    return [f"output = ops.concatenate([x, *others], {options.get('axis', -1)})"]


def _attention(options: Options, shapes: Shapes, _: int) -> list[str] | None:
    if "output_kernel" not in shapes:
        return None
    value = f", value_dim={options['value_size']}" if "value_size" in options else ""
    size = f"{options['heads']}, {options['head_size']}{value}, use_bias={'output_bias' in shapes}"
    made = f"layers.MultiHeadAttention({size}, output_shape={shapes['output_kernel'][-1]})"
    causal = f", use_causal_mask={bool(options.get('causal'))}"
    # It takes the value before the key.
    return _called(made, causal, "x.shape, others[1].shape, others[0].shape", "x, others[1], others[0]")


def _recurrent(op: str) -> Callable[[Options, Shapes, int], list[str]]:
    def lines(options: Options, shapes: Shapes, _: int) -> list[str]:
        given = _as(options, "return_sequences", "activation", "recurrent_activation", "reset_after", "go_backwards")
        made = f"layers.{RECURRENT[op]}({options['units']}, {given}, use_bias={'bias' in shapes})"
        if options.get("bidirectional"):
            made = f"layers.Bidirectional({made}, merge_mode={options.get('merge', 'concat')!r})"
        return _called(made)

    return lines


def _called(made: str, more: str = "", built: str = "x.shape", given: str = "x") -> list[str]:
    """A layer with its weights, whose order is that of the roles.

    Args:
        more: arguments of its call beside its inputs.
        built: the shapes that it is built for.
        given: its inputs.
    """
    return [
        f"layer = {made}",
        f"layer.build({built})",
        "layer.set_weights(list(weights.values()))",
        f"output = layer({given}{more})",
    ]


def _padding(options: Options, rank: int) -> tuple[list[str], str]:
    """Lines that pad what the layer itself cannot, and the layer's own padding and format."""
    form = options.get("padding", "valid")
    if isinstance(form, str):
        return [], f"padding={form!r}, {_format(options)}"
    pairs = tuple(tuple(pair) for pair in form)
    amounts = repr(pairs[0] if rank == 3 else pairs)
    return [f"x = layers.ZeroPadding{rank - 2}D({amounts}, {_format(options)})(x)"], _format(options)


def _format(options: Options) -> str:
    return f'data_format="channels_{options.get("data_format", "last")}"'


def _normal(options: Options, shapes: Shapes) -> str:
    return f"epsilon={options.get('epsilon', 1e-3)!r}, center={'beta' in shapes}, scale={'gamma' in shapes}"


def _pooled(options: Options) -> str:
    return _as(options, size="pool_size", strides="strides")


def _as(options: Options, *same: str, **names: str) -> str:
    """Arguments of a layer, as far as options have them, by our names of these."""
    wanted = {**dict(zip(same, same, strict=True)), **names}
    values = {name: options[ours] for ours, name in wanted.items() if options.get(ours) is not None}
    return ", ".join(f"{name}={_value(value)!r}" for name, value in values.items())


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


LAYERS: dict[str, Callable[[Options, Shapes, int], list[str] | None]] = {
    "dense": _dense,
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "conv_transpose": _conv_transpose,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_pool("Average"),
    "global_max_pool": _global_pool("Max"),
    "adaptive_avg_pool": _adaptive_avg_pool,
    "upsample": _upsample,
    "prelu": _prelu,
    "embedding": _embedding,
    "flatten": _flatten,
    "reshape": _reshape,
    "permute": _permute,
    "pad": _pad,
    "add": _joined("add"),
    "multiply": _joined("multiply"),
    "concatenate": _concatenate,
    "identity": lambda *_: ["output = x"],
    "attention": _attention,
    **{op: _recurrent(op) for op in RECURRENT},
}
