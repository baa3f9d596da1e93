"""A recorded layer written as code of PyTorch, which is not imported for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twintrain.recordings.torch.array_names import ATTENTION_ARRAYS, RECURRENT_ARRAYS

Options = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

IMPORTS = "import torch\nfrom torch.nn import functional as F"
# From the arrays `x`, `others` and `weights` to those of the framework, and back.
BEFORE = (
    "x, *others = map(torch.from_numpy, (x, *others))\n"
    "weights = {role: torch.from_numpy(array) for role, array in weights.items()}\n"
    "torch.set_grad_enabled(False)"
)
AFTER = "output = output.numpy()"
ACTIVATIONS: dict[str, Callable[[Options], str]] = {
    "relu": lambda _: "F.relu(x)",
    "relu6": lambda _: "F.relu6(x)",
    "leaky_relu": lambda options: f"F.leaky_relu(x, {options.get('negative_slope', 0.01)!r})",
    "elu": lambda options: f"F.elu(x, {options.get('alpha', 1.0)!r})",
    "selu": lambda _: "F.selu(x)",
    "gelu": lambda options: f"F.gelu(x, approximate={'tanh' if options.get('approximate') else 'none'!r})",
    "silu": lambda _: "F.silu(x)",
    "sigmoid": lambda _: "torch.sigmoid(x)",
    "hard_sigmoid": lambda _: "F.hardsigmoid(x)",
    "hard_swish": lambda _: "F.hardswish(x)",
    "tanh": lambda _: "torch.tanh(x)",
    "softplus": lambda _: "F.softplus(x)",
    "softsign": lambda _: "F.softsign(x)",
    "softmax": lambda options: f"torch.softmax(x, {options.get('axis', -1)!r})",
    "log_softmax": lambda options: f"torch.log_softmax(x, {options.get('axis', -1)!r})",
}
RECURRENT = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
MODULE_ARRAYS = {role: name for role, name, _ in RECURRENT_ARRAYS}
BIAS = 'weights.get("bias")'
SCALES = 'weights.get("gamma"), weights.get("beta")'


def written(op: str | None, options: Options, shapes: Shapes, rank: int) -> list[str] | None:
    """Lines that compute `output` of `x`, `others` and `weights`; None of a layer that cannot be written.

    Args:
        shapes: of its weights, by role.
        rank: the number of axes of its first input.
    """
    if op in ACTIVATIONS:
        return [f"output = {ACTIVATIONS[op](options)}"]
    return LAYERS[op](options, shapes, rank) if op in LAYERS else None


def _dense(_: Options, __: Shapes, ___: int) -> list[str]:
    return [f'output = F.linear(x, weights["kernel"], {BIAS})']


def _conv(options: Options, _: Shapes, rank: int) -> list[str]:
    lines, padding = _padding(options.get("padding", "valid"))
    given = _as(options, strides="stride", dilation="dilation", groups="groups")
    return [*lines, f'output = F.conv{rank - 2}d(x, weights["kernel"], {BIAS}, padding={padding}, {given})']


def _conv_transpose(options: Options, _: Shapes, rank: int) -> list[str]:
    _, padding = _padding(options.get("padding", "valid"))
    given = _as(options, strides="stride", output_padding="output_padding", groups="groups", dilation="dilation")
    return [f'output = F.conv_transpose{rank - 2}d(x, weights["kernel"], {BIAS}, padding={padding}, {given})']


def _batch_norm(options: Options, _: Shapes, __: int) -> list[str]:
    training, epsilon = bool(options.get("training")), options.get("epsilon", 1e-5)
    statistics = 'weights.get("moving_mean"), weights.get("moving_variance")'
    return [f"output = F.batch_norm(x, {statistics}, {SCALES}, training={training}, eps={epsilon!r})"]


def _layer_norm(options: Options, _: Shapes, __: int) -> list[str]:
    shape = f"x.shape[{-len(options.get('axes', [-1]))}:]"
    return [f"output = F.layer_norm(x, {shape}, {SCALES}, eps={options.get('epsilon', 1e-5)!r})"]


def _rms_norm(options: Options, _: Shapes, __: int) -> list[str]:
    shape = f"x.shape[{-len(options.get('axes', [-1]))}:]"
    return [f'output = F.rms_norm(x, {shape}, weights.get("gamma"), eps={options.get("epsilon")!r})']


def _group_norm(options: Options, _: Shapes, __: int) -> list[str]:
    return [f"output = F.group_norm(x, {options['groups']}, {SCALES}, eps={options.get('epsilon', 1e-5)!r})"]


def _max_pool(options: Options, _: Shapes, rank: int) -> list[str]:
    lines, padding = _padding(options.get("padding", "valid"), always="padding_value" in options)
    given = _as(options, size="kernel_size", strides="stride", dilation="dilation", ceil_mode="ceil_mode")
    return [*lines, f"output = F.max_pool{rank - 2}d(x, {given}, padding={padding})"]


def _avg_pool(options: Options, _: Shapes, rank: int) -> list[str]:
    lines, padding = _padding(options.get("padding", "valid"))
    given = _as(options, size="kernel_size", strides="stride", ceil_mode="ceil_mode")
    counted = bool(options.get("count_include_pad"))
    return [*lines, f"output = F.avg_pool{rank - 2}d(x, {given}, padding={padding}, count_include_pad={counted})"]


def _global_pool(function: str) -> Callable[[Options, Shapes, int], list[str]]:
    def lines(options: Options, _: Shapes, rank: int) -> list[str]:
        first = 1 if options.get("data_format") == "last" else 2
        axes, keeps = tuple(range(first, first + rank - 2)), bool(options.get("keepdims"))
        return [f"output = torch.{function}(x, dim={axes}, keepdim={keeps})"]

    return lines


def _adaptive_avg_pool(options: Options, _: Shapes, rank: int) -> list[str]:
    return [f"output = F.adaptive_avg_pool{rank - 2}d(x, {tuple(options['size'])})"]


def _upsample(options: Options, _: Shapes, __: int) -> list[str]:
    mode, aligned = options.get("mode", "nearest"), options.get("align_corners")
    corners = "" if mode == "nearest" else f", align_corners={bool(aligned)}"
    return [f"output = F.interpolate(x, {_as(options, size='size', scale='scale_factor')}, mode={mode!r}{corners})"]


def _prelu(_: Options, __: Shapes, ___: int) -> list[str]:
    return ['output = F.prelu(x, weights["alpha"].ravel())']


def _embedding(_: Options, __: Shapes, ___: int) -> list[str]:
    return ['output = F.embedding(x.long(), weights["embeddings"])']


def _flatten(_: Options, __: Shapes, ___: int) -> list[str]:
    return ["output = torch.flatten(x, 1)"]


def _reshape(options: Options, _: Shapes, __: int) -> list[str]:
    return [f"output = x.reshape(len(x), {', '.join(map(str, options.get('shape', options.get('target_shape'))))})"]


def _permute(options: Options, _: Shapes, __: int) -> list[str]:
    return [f"output = x.permute({tuple(options['axes'])})"]


def _pad(options: Options, _: Shapes, rank: int) -> list[str]:
    pairs = {axis % rank: pair for axis, pair in zip(options["axes"], options["padding"], strict=True)}
    amounts = tuple(amount for axis in range(rank - 1, min(pairs) - 1, -1) for amount in pairs.get(axis, (0, 0)))
    mode = options.get("mode", "constant")
    value = f", value={options.get('value', 0.0)!r}" if mode == "constant" else ""
    return [f"output = F.pad(x, {amounts}, mode={mode!r}{value})"]


def _add(options: Options, shapes: Shapes, _: int) -> list[str] | None:
    others = f"(*others, {options['other']!r})" if "other" in options else "others"
    factor = f"{options['alpha']!r} * " if "alpha" in options else ""
    return None if shapes else [f"output = x + {factor}sum({others})"]


def _multiply(options: Options, shapes: Shapes, _: int) -> list[str] | None:
    lines = [f"output = x * {options.get('other', 1)!r}", "for each in others:", "    output = output * each"]
    return None if shapes else lines


def _concatenate(options: Options, _: Shapes, __: int) -> list[str]:
    return [f"output = torch.cat([x, *others], {options.get('axis', -1)})"]


def _attention(options: Options, shapes: Shapes, _: int) -> list[str] | None:
    if "output_kernel" not in shapes or not set(shapes) <= set(ATTENTION_ARRAYS):
        return None
    own = f", kdim={shapes['key_kernel'][-1]}, vdim={shapes['value_kernel'][-1]}" if "key_kernel" in shapes else ""
    size = f"{shapes['output_kernel'][0]}, {options['heads']}, bias={'output_bias' in shapes}{own}"
    first = not options.get("time_major")
    made = f"layer = torch.nn.MultiheadAttention({size}, batch_first={first}).double()"
    given = [f'layer.{ATTENTION_ARRAYS[role]}.data = weights["{role}"]' for role in shapes]
    lines, mask = [], ""
    if options.get("causal"):
        times = 1 if first else 0
        lines = [f"mask = torch.ones(x.shape[{times}], others[0].shape[{times}], dtype=torch.bool).triu(1)"]
        mask = ", attn_mask=mask"
    return [made, *given, *lines, f"output = layer(x, *others, need_weights=False{mask})[0]"]


def _recurrent(op: str) -> Callable[[Options, Shapes, int], list[str]]:
    def lines(options: Options, shapes: Shapes, _: int) -> list[str]:
        both, units = bool(options.get("bidirectional")), options["units"]
        size = f"{shapes['kernel'][-1]}, {units}, num_layers={options.get('layers', 1)}, bias={'bias' in shapes}"
        kind = f", nonlinearity={options.get('activation', 'tanh')!r}" if op == "rnn" else ""
        first = not options.get("time_major")
        made = f"layer = torch.nn.{RECURRENT[op]}({size}, batch_first={first}, bidirectional={both}{kind}).double()"
        given = [f'layer.{_module_array(role)}.data = weights["{role}"]' for role in shapes]
        return [made, *given, "output = layer(x)[0]", *_last_step(options, both, units)]

    return lines


def _module_array(role: str) -> str:
    name, _, layer = role.removeprefix("backward_").partition("_l")
    plain = name.rstrip("0123456789").rstrip("_")
    layer = name[len(plain) + 1 :] or "0"
    return f"{MODULE_ARRAYS[plain]}_l{layer}" + ("_reverse" if role.startswith("backward_") else "")


def _last_step(options: Options, both: bool, units: int) -> list[str]:
    if options.get("return_sequences", True):
        return []
    last = f"torch.cat([output[:, -1, :{units}], output[:, 0, {units}:]], -1)" if both else "output[:, -1]"
    return [f"output = {last}"]


def _padding(form: Any, always: bool = False) -> tuple[list[str], str]:
    """Lines that pad what the layer itself cannot, and the layer's own padding."""
    if isinstance(form, str):
        return [], "0" if form == "valid" else repr(form)
    if not always and all(before == after for before, after in form):
        return [], repr(tuple(before for before, _ in form))
    return [f"x = F.pad(x, {tuple(amount for pair in reversed(form) for amount in pair)})"], "0"


def _as(options: Options, **names: str) -> str:
    """Arguments of a function, as far as options have them, by our names of these."""
    values = {name: options[ours] for ours, name in names.items() if options.get(ours) is not None}
    return ", ".join(
        f"{name}={tuple(value) if isinstance(value, Sequence) else value}" for name, value in values.items()
    )


LAYERS: dict[str, Callable[[Options, Shapes, int], list[str] | None]] = {
    "dense": _dense,
    "conv": _conv,
    "depthwise_conv": _conv,
    "conv_transpose": _conv_transpose,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_pool("mean"),
    "global_max_pool": _global_pool("amax"),
    "adaptive_avg_pool": _adaptive_avg_pool,
    "upsample": _upsample,
    "prelu": _prelu,
    "embedding": _embedding,
    "flatten": _flatten,
    "reshape": _reshape,
    "permute": _permute,
    "pad": _pad,
    "add": _add,
    "multiply": _multiply,
    "concatenate": _concatenate,
    "identity": lambda *_: ["output = x"],
    "attention": _attention,
    **{op: _recurrent(op) for op in RECURRENT},
}
