"""Each operation against PyTorch's own, in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from twintrain.recordings.comparing.operations import compute

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape)


def agrees(op, options, weights, expected, *inputs):
    found = compute(op, options, weights, *(each.numpy() for each in inputs))
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-12)


def tensor(*shape):
    return torch.from_numpy(array(*shape))


def of_layer(layer, **axes):
    """The weights of a PyTorch layer by our roles."""
    roles = {"weight": "kernel", "bias": "bias"}
    found = {roles[name]: (weight.detach().numpy(), "C") for name, weight in layer.named_parameters()}
    return {role: (weight, axes.get(role, letters)) for role, (weight, letters) in found.items()}


def test_dense():
    layer, x = torch.nn.Linear(5, 3).double(), tensor(4, 7, 5)
    agrees("dense", {}, of_layer(layer, kernel="OI"), layer(x), x)


def test_dense_with_its_activation():
    layer, x = torch.nn.Linear(5, 3).double(), tensor(4, 5)
    agrees("dense", {"activation": "relu"}, of_layer(layer, kernel="OI"), layer(x).relu(), x)
    assert compute("dense", {"activation": "own"}, of_layer(layer, kernel="OI"), x.numpy()) is None


CONVOLUTIONS = [
    {"padding": 0},
    {"padding": 2, "stride": 2},
    {"padding": (1, 2), "dilation": 2, "stride": (2, 1)},
    {"padding": "same", "dilation": 2},
    {"padding": 1, "groups": 2},
    {"padding": 1, "groups": 4, "bias": False},
]


def conv_options(layer, axes):
    pads = layer.padding if isinstance(layer.padding, str) else [[pad, pad] for pad in layer.padding]
    found = {"strides": list(layer.stride), "dilation": list(layer.dilation), "groups": layer.groups}
    return {**found, "padding": pads, "data_format": "first"}


@pytest.mark.parametrize("arguments", CONVOLUTIONS, ids=str)
def test_conv_2d_in_both_layouts(arguments):
    layer, x = torch.nn.Conv2d(4, 8, (3, 2), **arguments).double(), tensor(2, 4, 9, 10)
    options, weights, expected = conv_options(layer, 2), of_layer(layer, kernel="OIHW"), layer(x)
    agrees("conv", options, weights, expected, x)
    last = {
        role: (each.transpose(2, 3, 1, 0), "HWIO") if each.ndim > 1 else (each, "C")
        for role, (each, _) in weights.items()
    }
    agrees("conv", {**options, "data_format": "last"}, last, expected.movedim(1, -1), x.movedim(1, -1))


def test_conv_1d_and_3d():
    layer, x = torch.nn.Conv1d(3, 4, 4, stride=2, padding=1).double(), tensor(2, 3, 11)
    agrees("conv", conv_options(layer, 1), of_layer(layer, kernel="OIW"), layer(x), x)
    layer, x = torch.nn.Conv3d(3, 4, 2, padding=1).double(), tensor(2, 3, 4, 5, 6)
    agrees("conv", conv_options(layer, 3), of_layer(layer, kernel="OIDHW"), layer(x), x)


def test_same_padding_with_strides_puts_the_larger_half_behind():
    layer, x = torch.nn.Conv2d(3, 4, 3, stride=2).double(), tensor(2, 3, 8, 8)
    options = {"strides": [2, 2], "padding": "same", "data_format": "first"}
    agrees("conv", options, of_layer(layer, kernel="OIHW"), layer(F.pad(x, (0, 1, 0, 1))), x)


def test_depthwise_conv_in_both_layouts_of_its_kernel():
    layer, x = torch.nn.Conv2d(3, 6, 3, groups=3, stride=2, padding=1).double(), tensor(2, 3, 8, 8)
    options, weights = conv_options(layer, 2), of_layer(layer, kernel="OIHW")
    agrees("depthwise_conv", options, weights, layer(x), x)
    kernel = weights["kernel"][0].reshape(3, 2, 3, 3).transpose(2, 3, 0, 1)
    weights["kernel"] = (kernel, "HWIM")
    agrees("depthwise_conv", options, weights, layer(x), x)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"stride": 3}, {"stride": 2, "dilation": 2, "groups": 2}],
    ids=str,
)
def test_conv_transpose(arguments):
    layer, x = torch.nn.ConvTranspose2d(4, 6, 3, **arguments).double(), tensor(2, 4, 5, 6)
    options = {**conv_options(layer, 2), "output_padding": list(layer.output_padding)}
    agrees("conv_transpose", options, of_layer(layer, kernel="IOHW"), layer(x), x)


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm(training):
    x, gamma, beta, mean = tensor(4, 3, 5, 6), tensor(3), tensor(3), tensor(3)
    variance = tensor(3).abs()
    arrays = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    weights = {role: (each.numpy().copy(), "C") for role, each in arrays.items()}
    expected = F.batch_norm(x, mean, variance, gamma, beta, training=training, eps=1e-3)
    options = {"epsilon": 1e-3, "training": training}
    agrees("batch_norm", {**options, "axis": 1}, weights, expected, x)
    agrees("batch_norm", {**options, "axis": -1}, weights, expected.movedim(1, -1), x.movedim(1, -1))


def test_layer_norm_over_one_and_over_two_axes():
    x = tensor(4, 3, 5)
    for shape in ((5,), (3, 5)):
        gamma, beta = tensor(*shape), tensor(*shape)
        weights = {"gamma": (gamma.numpy(), "C" * len(shape)), "beta": (beta.numpy(), "C" * len(shape))}
        options = {"axes": list(range(-len(shape), 0)), "epsilon": 1e-6}
        agrees("layer_norm", options, weights, F.layer_norm(x, shape, gamma, beta, 1e-6), x)


def test_rms_norm_over_one_and_over_two_axes():
    x = tensor(4, 3, 5)
    for shape in ((5,), (3, 5)):
        gamma = tensor(*shape)
        options = {"axes": list(range(-len(shape), 0)), "epsilon": 1e-3}
        agrees("rms_norm", options, {"gamma": (gamma.numpy(), "")}, F.rms_norm(x, shape, gamma, 1e-3), x)


def test_group_norm():
    x, gamma, beta = tensor(4, 6, 3, 5), tensor(6), tensor(6)
    weights = {"gamma": (gamma.numpy(), "C"), "beta": (beta.numpy(), "C")}
    options = {"groups": 2, "epsilon": 1e-4, "data_format": "first"}
    agrees("group_norm", options, weights, F.group_norm(x, 2, gamma, beta, 1e-4), x)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("size", "strides", "pad"), [(2, 2, 0), (3, 2, 1), (3, 3, 1), (2, 3, 1)])
def test_pools(size, strides, pad, ceil_mode):
    x = tensor(2, 3, 8, 9)
    options = {"size": [size] * 2, "strides": [strides] * 2, "padding": [[pad, pad]] * 2, "ceil_mode": ceil_mode}
    options["data_format"] = "first"
    agrees("max_pool", options, {}, F.max_pool2d(x, size, strides, pad, ceil_mode=ceil_mode), x)
    for counts in (False, True):
        expected = F.avg_pool2d(x, size, strides, pad, ceil_mode, counts)
        agrees("avg_pool", {**options, "count_include_pad": counts}, {}, expected, x)


def test_pools_of_sequences_and_with_dilation():
    x = tensor(2, 3, 11)
    agrees("avg_pool", {"size": 3, "data_format": "first"}, {}, F.avg_pool1d(x, 3), x)
    options = {"size": [2], "strides": [1], "dilation": [3], "data_format": "last"}
    agrees("max_pool", options, {}, F.max_pool1d(x, 2, 1, dilation=3).mT, x.mT)


def test_pools_over_all_of_an_image():
    x = tensor(2, 3, 5, 7)
    for axes, options in (((2, 3), {"data_format": "first"}), ((1, 2), {"data_format": "last"})):
        agrees("global_avg_pool", options, {}, x.mean(axes), x)
        agrees("global_max_pool", {**options, "keepdims": True}, {}, x.amax(axes, keepdim=True), x)
    options = {"size": [2, 3], "data_format": "first"}
    agrees("adaptive_avg_pool", options, {}, F.adaptive_avg_pool2d(x, (2, 3)), x)


def test_flatten_in_the_order_of_the_numbers_and_in_that_of_keras():
    x = tensor(2, 3, 4, 5)
    agrees("flatten", {"data_format": "first"}, {}, x.flatten(1), x)
    agrees("flatten", {"data_format": "last"}, {}, x.flatten(1), x)
    agrees("flatten", {"data_format": "first", "transposed": True}, {}, x.movedim(1, -1).flatten(1), x)


ACTIVATIONS = {
    "relu": F.relu,
    "relu6": F.relu6,
    "selu": F.selu,
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "elu": F.elu,
    "leaky_relu": F.leaky_relu,
    "softplus": F.softplus,
    "softsign": F.softsign,
}


@pytest.mark.parametrize("op", ACTIVATIONS)
def test_activation(op):
    x = 3 * tensor(4, 50)
    agrees(op, {}, {}, ACTIVATIONS[op](x), x)


def test_activations_with_options():
    x = 3 * tensor(4, 3, 5)
    agrees("leaky_relu", {"negative_slope": 0.3}, {}, F.leaky_relu(x, 0.3), x)
    agrees("elu", {"alpha": 0.5}, {}, F.elu(x, 0.5), x)
    agrees("gelu", {"approximate": True}, {}, F.gelu(x, approximate="tanh"), x)
    agrees("softmax", {"axis": 1}, {}, x.softmax(1), x)
    agrees("log_softmax", {}, {}, x.log_softmax(-1), x)
    alpha = tensor(3)
    agrees("prelu", {}, {"alpha": (alpha.numpy(), "C")}, F.prelu(x, alpha), x)
    agrees("prelu", {}, {"alpha": (alpha.numpy()[None], "HC")}, F.prelu(x, alpha).mT, x.mT)


def test_joins():
    x, y = tensor(2, 3), tensor(2, 3)
    agrees("add", {}, {}, x + y, x, y)
    agrees("multiply", {}, {}, x * y, x, y)
    agrees("concatenate", {"axis": 1}, {}, torch.cat([x, y], 1), x, y)


def test_what_rearranges():
    x = tensor(2, 3, 4, 5)
    agrees("permute", {"axes": [0, 2, 3, 1]}, {}, x.permute(0, 2, 3, 1), x)
    agrees("reshape", {"shape": [12, 5]}, {}, x.reshape(2, 12, 5), x)
    agrees("pad", {"padding": [[1, 2], [0, 3]], "axes": [2, 3]}, {}, F.pad(x, (0, 3, 1, 2)), x)
    agrees(
        "pad",
        {"padding": [[1, 0], [1, 2]], "axes": [2, 3], "mode": "reflect"},
        {},
        F.pad(x, (1, 2, 1, 0), "reflect"),
        x,
    )
    # There is no more to be reflected than there is, which NumPy does again and again.
    assert compute("pad", {"padding": [[5, 0]], "axes": [3], "mode": "reflect"}, {}, x.numpy()) is None
    agrees("dropout", {"rate": 0.5, "training": False}, {}, x, x)
    assert compute("dropout", {"rate": 0.5, "training": True}, {}, x.numpy()) is None


@pytest.mark.parametrize("align", [False, True])
def test_upsampling(align):
    x = tensor(2, 3, 4, 5)
    options = {"size": [7, 11], "mode": "bilinear", "align_corners": align, "data_format": "first"}
    agrees("upsample", options, {}, F.interpolate(x, (7, 11), mode="bilinear", align_corners=align), x)
    agrees("upsample", {"scale": [2, 3], "data_format": "first"}, {}, F.interpolate(x, scale_factor=(2, 3)), x)


def test_embedding_of_whole_numbers():
    table, tokens = tensor(9, 4), torch.tensor([[1, 8], [0, 3]])
    agrees("embedding", {}, {"embeddings": (table.numpy(), "VD")}, table[tokens], tokens)


ROLES = {"weight_ih": ("kernel", "OI"), "weight_hh": ("recurrent_kernel", "OI"), "bias_ih": ("bias", "C")}
ROLES["bias_hh"] = ("recurrent_bias", "C")
RECURRENT = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


def of_recurrent(layer):
    found = {}
    for name, weight in layer.named_parameters():
        kind, _, place = name.partition("_l")
        role, axes = ROLES[kind]
        layer_number, _, way = place.partition("_")
        ending = f"_{layer_number}" if layer_number != "0" else ""
        found[f"{'backward_' if way else ''}{role}{ending}"] = (weight.detach().numpy(), axes)
    return found


@pytest.mark.parametrize("op", RECURRENT)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_in_two_layers(op, bidirectional):
    layer = RECURRENT[op](3, 4, num_layers=2, batch_first=True, bidirectional=bidirectional).double()
    x = tensor(2, 5, 3)
    expected, state = layer(x)
    options = {"layers": 2, "bidirectional": bidirectional, "return_sequences": True}
    agrees(op, options, of_recurrent(layer), expected, x)
    last = state[0] if op == "lstm" else state
    found = torch.cat([*last[-2:]], -1) if bidirectional else last[-1]
    agrees(op, {**options, "return_sequences": False}, of_recurrent(layer), found, x)


def test_gates_in_the_order_of_keras():
    x = tensor(2, 5, 3)
    for op, here, there in (("lstm", "ifgo", "ifco"), ("gru", "rzn", "zrh")):
        layer = RECURRENT[op](3, 4, batch_first=True).double()
        weights = of_recurrent(layer)
        named = here.replace("g", "c").replace("n", "h")
        order = [named.index(letter) for letter in there]
        turned = {
            role: (np.concatenate([np.split(each, len(here))[at] for at in order]), axes)
            for role, (each, axes) in weights.items()
        }
        if op == "gru":  # both biases in one array
            turned["bias"] = (np.stack([turned["bias"][0], turned.pop("recurrent_bias")[0]]), "?C")
        agrees(op, {"gates": there}, turned, layer(x)[0], x)


@pytest.mark.parametrize("arguments", [{}, {"bias": False}, {"batch_first": False}, {"kdim": 5, "vdim": 7}], ids=str)
@pytest.mark.parametrize("causal", [False, True])
def test_attention(arguments, causal):
    layer = torch.nn.MultiheadAttention(6, 2, **{"batch_first": True, **arguments}).double()
    query, others = tensor(2, 4, 6), [tensor(2, 4, arguments.get(name, 6)) for name in ("kdim", "vdim")]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64) if causal else None
    is_first = layer.batch_first
    given = [query, *others] if is_first else [each.transpose(0, 1).contiguous() for each in (query, *others)]
    expected, _ = layer(*given, attn_mask=mask)
    names = {"in_proj_weight": "qkv_kernel", "in_proj_bias": "qkv_bias"}
    names |= {f"{part[0]}_proj_weight": f"{part}_kernel" for part in ("query", "key", "value")}
    names |= {"out_proj.weight": "output_kernel", "out_proj.bias": "output_bias"}
    weights = {
        names[name]: (each.detach().numpy(), "C" if each.ndim == 1 else "OI") for name, each in layer.named_parameters()
    }
    options = {"heads": 2, "head_size": 3, "time_major": not is_first, "causal": causal}
    agrees("attention", options, weights, expected, *given)


def test_attention_with_a_mask_is_not_known():
    x = np.zeros((2, 4, 6))
    assert compute("attention", {"heads": 2}, {}, x, x, x, np.zeros((4, 4))) is None


def test_unknown_operation_is_none():
    assert compute(None, {}, {}, np.zeros(3)) is None
    assert compute("fourier", {}, {}, np.zeros(3)) is None


def test_kernel_of_other_images_is_an_error():
    with pytest.raises(ValueError, match="kernel"):
        compute("conv", {}, {"kernel": (np.zeros((3, 3, 4, 8)), "HWIO")}, np.zeros((2, 5, 5, 3)))
