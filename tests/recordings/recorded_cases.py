"""What small networks of both frameworks are expected to be recorded as: framework-free."""

import numpy as np

IMAGES, ROWS, STEPS, IDS = (2, 6, 6, 4), (3, 4), (2, 5, 4), (2, 5)
# Of channels first where that is asked of a case; the others are (rows, …, channels) for both frameworks.
SHAPES = {
    **dict.fromkeys(("dense", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu"), ROWS),
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "hard_swish", "tanh", "softmax", "log_softmax", "dropout"), ROWS),
    **dict.fromkeys(("layer_norm", "rms_norm", "identity", "add", "multiply", "concatenate"), ROWS),
    **dict.fromkeys(("lstm", "gru", "rnn", "bidirectional", "attention", "permute", "reshape"), STEPS),
    "embedding": IDS,
}
FIRST, LAST = {"data_format": "first"}, {"data_format": "last"}
CONV = {"strides": [1, 1], "padding": "valid", "dilation": [1, 1], "groups": 1}
POOL = {"size": [2, 2], "strides": [2, 2], "padding": "valid", "ceil_mode": False}
RECURRENT = {"units": 3, "bidirectional": False, "layers": 1, "activation": "tanh", "time_major": False}
LSTM = {**RECURRENT, "gates": "ifgo", "recurrent_activation": "sigmoid"}
KERNEL = {"kernel": ("OI", "IO"), "bias": ("C", "C")}
CONV_KERNEL = {"kernel": ("OIHW", "HWIO"), "bias": ("C", "C")}
NORM = {"gamma": ("C", "C"), "beta": ("C", "C")}
STATISTICS = {"moving_mean": ("C", "C"), "moving_variance": ("C", "C")}


def both(op, options=None, torch=None, keras=None, roles=None):
    """A case: op, and for each framework its options and axes by role."""
    options = options or {}
    found = {}
    for place, (name, own) in enumerate({"torch": torch, "keras": keras}.items()):
        axes = {role: letters[place] for role, letters in (roles or {}).items() if letters[place] is not None}
        found[name] = (op, {**options, **(own or {})}, axes)
    return found


EXPECTED = {
    "dense": both("dense", roles=KERNEL),
    "conv": both("conv", CONV, FIRST, LAST, CONV_KERNEL),
    "conv_same": both("conv", {**CONV, "padding": "same"}, FIRST, LAST, CONV_KERNEL),
    "conv_strided": both(
        "conv",
        {**CONV, "strides": [2, 1], "dilation": [1, 1]},
        {**FIRST, "padding": [[1, 1], [0, 0]]},
        {**LAST, "padding": "same"},
        CONV_KERNEL,
    ),
    "conv_dilated": both("conv", {**CONV, "dilation": [2, 2]}, FIRST, LAST, CONV_KERNEL),
    "conv_groups": both("conv", {**CONV, "groups": 2}, FIRST, LAST, CONV_KERNEL),
    "conv1d": both(
        "conv",
        {"strides": [1], "padding": "valid", "dilation": [1], "groups": 1},
        FIRST,
        LAST,
        {"kernel": ("OIW", "WIO"), "bias": ("C", "C")},
    ),
    "depthwise_conv": both(
        "depthwise_conv", {**CONV, "groups": 4}, FIRST, LAST, {"kernel": ("OIHW", "HWIM"), "bias": ("C", "C")}
    ),
    "conv_transpose": both(
        "conv_transpose",
        {**CONV, "strides": [2, 2]},
        {**FIRST, "output_padding": [0, 0]},
        {**LAST, "output_padding": None},
        {"kernel": ("IOHW", "HWOI"), "bias": ("C", "C")},
    ),
    "batch_norm": both(
        "batch_norm",
        {"epsilon": 1e-5, "momentum": 0.9, "training": False, "center": True, "scale": True},
        {"axis": 1},
        {"axis": 3},
        {**NORM, **STATISTICS},
    ),
    "layer_norm": both("layer_norm", {"epsilon": 1e-3, "axes": [-1], "center": True, "scale": True}, roles=NORM),
    "rms_norm": both("rms_norm", {"epsilon": 1e-3, "axes": [-1]}, roles={"gamma": ("C", "C")}),
    "group_norm": both(
        "group_norm",
        {"groups": 2, "epsilon": 1e-3, "center": True, "scale": True},
        {"axis": 1},
        {"axis": 3},
        NORM,
    ),
    "max_pool": both("max_pool", POOL, {**FIRST, "dilation": [1, 1]}, LAST),
    "avg_pool": both("avg_pool", POOL, {**FIRST, "count_include_pad": True}, {**LAST, "count_include_pad": False}),
    "global_avg_pool": both("global_avg_pool", {"keepdims": True}, FIRST, LAST),
    "global_max_pool": both("global_max_pool", {"keepdims": True}, FIRST, LAST),
    "adaptive_avg_pool": both("adaptive_avg_pool", {"size": [3, 3]}, FIRST, LAST),
    "flatten": both("flatten", {}, FIRST, LAST),
    "reshape": both("reshape", {"shape": [4, 5]}),
    "permute": both("permute", {"axes": [0, 2, 1]}),
    "relu": both("relu"),
    "relu6": both("relu6"),
    "leaky_relu": both("leaky_relu", {"negative_slope": 0.1}),
    "prelu": both("prelu", roles={"alpha": ("C", "HWC")}),
    "elu": both("elu", {"alpha": 0.5}),
    "selu": both("selu"),
    "gelu": both("gelu", {"approximate": False}),
    "gelu_tanh": both("gelu", {"approximate": True}),
    "silu": both("silu"),
    "sigmoid": both("sigmoid"),
    "hard_sigmoid": both("hard_sigmoid"),
    "hard_swish": both("hard_swish"),
    "tanh": both("tanh"),
    "softmax": both("softmax", {"axis": -1}),
    "log_softmax": both("log_softmax", {"axis": -1}),
    "dropout": both("dropout", {"rate": 0.25, "training": False}),
    "embedding": both("embedding", roles={"embeddings": ("IO", "IO")}),
    "rnn": both(
        "rnn",
        {**RECURRENT, "gates": "h"},
        {"return_sequences": True},
        {"return_sequences": False},
        {**KERNEL, "recurrent_kernel": ("OI", "IO"), "recurrent_bias": ("C", None)},
    ),
    "lstm": both(
        "lstm",
        LSTM,
        {"return_sequences": True},
        {"return_sequences": False},
        {**KERNEL, "recurrent_kernel": ("OI", "IO"), "recurrent_bias": ("C", None)},
    ),
    "gru": both(
        "gru",
        {**RECURRENT, "recurrent_activation": "sigmoid", "reset_after": True},
        {"return_sequences": True, "gates": "rzn"},
        {"return_sequences": False, "gates": "zrn"},
        {"kernel": ("OI", "IO"), "recurrent_kernel": ("OI", "IO"), "bias": ("C", "BC"), "recurrent_bias": ("C", None)},
    ),
    "bidirectional": both(
        "lstm",
        {**LSTM, "bidirectional": True},
        {"return_sequences": True},
        {"return_sequences": True, "merge": "concat"},
        {
            f"{prefix}{role}": letters
            for prefix in ("", "backward_")
            for role, letters in {
                **KERNEL,
                "recurrent_kernel": ("OI", "IO"),
                "recurrent_bias": ("C", None),
            }.items()
        },
    ),
    "attention": both(
        "attention",
        {"heads": 2, "head_size": 2, "dropout": 0.0, "time_major": False},
        roles={
            "qkv_kernel": ("OI", None),
            "qkv_bias": ("C", None),
            **{f"{role}_kernel": (None, "INK") for role in ("query", "key", "value")},
            **{f"{role}_bias": (None, "NK") for role in ("query", "key", "value")},
            "output_kernel": ("OI", "NKO"),
            "output_bias": ("C", "C"),
        },
    ),
    "pad": both(
        "pad",
        {"padding": [[1, 2], [3, 4]], "mode": "constant", "value": 0.0},
        {"axes": [2, 3]},
        {"axes": [1, 2]},
    ),
    "upsample": both("upsample", {"scale": [2, 2], "mode": "nearest", "align_corners": False}, FIRST, LAST),
    "add": both("add"),
    "multiply": both("multiply"),
    "concatenate": both("concatenate", {"axis": 1}),
    "identity": both("identity"),
}
# Cases with a layer and with a function that computes the same, by framework; others have one of them.
FUNCTIONS = {
    "torch": {
        *("conv_strided", "max_pool", "avg_pool", "global_avg_pool", "global_max_pool", "adaptive_avg_pool", "flatten"),
        *("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "sigmoid", "hard_sigmoid"),
        *("hard_swish", "tanh", "softmax", "log_softmax", "dropout", "pad", "upsample", "dense", "batch_norm"),
        *("layer_norm", "rms_norm", "group_norm", "embedding", "prelu", "conv_transpose", "depthwise_conv"),
    },
    "keras": {
        *("max_pool", "avg_pool", "global_avg_pool", "global_max_pool", "flatten", "reshape", "permute"),
        *("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "sigmoid", "hard_sigmoid"),
        *("hard_swish", "tanh", "softmax", "pad", "add", "multiply", "concatenate"),
    },
}


def example(name, channels_first=False):
    """Rows for a case."""
    shape = SHAPES.get(name, STEPS if name == "conv1d" else IMAGES)
    rng = np.random.default_rng(3)
    if name == "embedding":
        return rng.integers(0, 7, shape)
    array = rng.normal(size=shape)
    moved = channels_first and name not in SHAPES
    return np.moveaxis(array, -1, 1).copy() if moved else array
