"""Mistakes, planted one at a time into the Keras side, are named with their layer."""

import numpy as np
import pytest
from made_recordings import Network, attention_network, image_network, residual_network, sequence_network
from scipy import special

from twintrain.recordings.comparing.diff import diff


def hidden(**changes):
    """A mistake that the recording does not tell."""
    return {"hidden": changes}


def weight(role, change):
    """A mistake in a weight that the recording has as the layer does."""

    def changed(weights):
        array, axes = weights[role]
        return {**weights, role: (change(np.array(array)), axes)}

    return {"weights": changed}


def without(*roles):
    return {"weights": lambda weights: {role: each for role, each in weights.items() if role not in roles}}


def exchanged(first, second):
    return {"weights": lambda weights: {**weights, first: weights[second], second: weights[first]}}


def dropped(x):
    return np.where(np.random.default_rng(0).random(x.shape) < 0.5, 0, x * 2)


def plus_one_forget(bias):
    bias[5:10] += 1
    return bias


def in_another_order(kernel):
    return kernel.reshape(8, 4, 16).swapaxes(0, 1).reshape(32, 16)


def shuffled(kernel):
    return np.random.default_rng(0).permutation(kernel)


IMAGE = [
    ("conv1", {"options": {"padding": "valid"}}, "padding", "Keras has padding valid, PyTorch 1"),
    ("conv2", {"options": {"padding": [[0, 1], [0, 1]]}}, "padding", "padding (0, 1), PyTorch 1"),
    ("conv2", hidden(options={"padding": [[0, 2], [0, 2]]}), "padding", None),
    ("conv2", {"options": {"strides": [1, 1], "padding": "valid"}}, "padding and strides", "strides 1 (not 2)"),
    ("conv1", {"options": {"dilation": [2, 2], "padding": [[2, 2], [2, 2]]}}, "padding and dilation", None),
    ("conv1", weight("kernel", lambda k: k[::-1, ::-1]), "kernel flipped", "a convolution"),
    ("conv1", weight("kernel", lambda k: k.swapaxes(0, 1)), "kernel's spatial axes swapped", None),
    ("conv1", weight("kernel", lambda k: k[:, :, ::-1]), "channels reversed", "BGR"),
    ("conv2", weight("kernel", lambda k: k.swapaxes(2, 3)), "kernel transposed", None),
    ("conv2", hidden(**weight("kernel", lambda k: k[::-1, ::-1])), "kernel flipped", None),
    ("conv2", weight("kernel", lambda k: k.transpose(3, 2, 0, 1).reshape(k.shape)), "kernel reshaped", "reshaped"),
    ("conv1", without("bias"), "bias missing", "Keras has no bias, PyTorch has one"),
    ("conv1", hidden(**without("bias")), "bias missing", "does not add"),
    ("conv1", weight("bias", lambda b: b + 0.5), "other bias", "another bias"),
    ("bn2", {"options": {"epsilon": 1e-5}}, "epsilon", "bn2: Keras has epsilon 1e-05, PyTorch 0.001"),
    ("bn2", hidden(options={"epsilon": 1e-5}), "epsilon", "computes with epsilon 1e-05"),
    ("bn2", {"options": {"training": True}}, "training", "training mode on, PyTorch off"),
    ("bn2", hidden(options={"training": True}), "training", "by the batch"),
    ("bn2", exchanged("gamma", "beta"), "gamma and beta exchanged", None),
    ("bn2", without("beta"), "beta missing", None),
    ("leaky3", {"options": {"negative_slope": 0.3}}, "negative_slope", "slope of 0.3, PyTorch 0.1"),
    ("leaky3", {"op": "elu"}, "another operation", "Keras has elu, PyTorch leaky_relu"),
    ("leaky3", hidden(op="elu"), "another activation", "computes elu"),
    ("relu2", {"op": "relu6"}, "another operation", None),
    ("gelu1", {"options": {"approximate": True}}, "approximate", "GELU by tanh on, PyTorch off"),
    ("pool2", {"options": {"count_include_pad": True}}, "count_include_pad", "count the padding"),
    ("pool2", {"op": "max_pool"}, "another operation", None),
    ("flatten_permute", "left out", "flattened in another order", "flatten: Keras flattens"),
    ("dense1", weight("kernel", in_another_order), "kernel inputs in another order", None),
    ("dense1", weight("kernel", shuffled), "kernel inputs in another order", None),
    ("dense2", weight("kernel", lambda k: k.T), "kernel transposed", "transposed"),
    ("dense2", {"after": lambda y: special.softmax(y, -1)}, "softmax more", None),
    ("softmax", {"after": lambda y: special.softmax(y, -1)}, "softmax more", "applies softmax once more"),
    ("dense2", {"after": dropped}, "dropout", "as dropout in training does"),
    ("tanh2", "left out", "layer missing", "PyTorch has tanh2 (tanh), and Keras nothing"),
    ("input", lambda x: x / 255, "scaled", "times 0.00392"),
    ("input", lambda x: x[..., ::-1], "channels reversed", "input: the input: Keras has the channels in reverse"),
    ("input", lambda x: x[::-1], "rows in another order", None),
    ("input", lambda x: (x - [1, 2, 3]) / [0.2, 0.3, 0.4], "normalised", None),
]  # fmt: skip


def check(found, layer, mistake, words):
    assert found.verdict == "different"
    assert found.cause, str(found)
    assert (found.cause.mistake, found.first.other_name if layer != "tanh2" else "tanh2") == (
        mistake,
        layer if layer != "flatten_permute" else "flatten",
    )
    assert words is None or words in found.cause.sentence
    assert found.cause.explained_error < 1e-13


@pytest.mark.parametrize(("layer", "mistake", "name", "words"), IMAGE, ids=[f"{row[0]}-{row[2]}" for row in IMAGE])
def test_planted_mistake_is_named(layer, mistake, name, words):
    check(diff(image_network("torch"), image_network("keras", {layer: mistake})), layer, name, words)


SEQUENCE = [
    ("lstm", hidden(options={"gates": "icfo"}), "gates in another order", "order"),
    ("lstm", weight("bias", plus_one_forget), "forget bias", "adds one to the bias of the forget gate"),
    ("lstm", without("recurrent_bias"), "recurrent_bias missing", None),
    ("lstm", hidden(**without("recurrent_bias")), "second bias", None),
    ("lstm", {"options": {"return_sequences": False}}, "return_sequences", "output for every time step off"),
    ("lstm", {"options": {"recurrent_activation": "hard_sigmoid"}}, "recurrent_activation", None),
    ("lstm", hidden(options={"go_backwards": True}), "direction", None),
    ("gru", {"options": {"reset_after": False}}, "reset_after", "reset_after"),
    ("gru", hidden(options={"reset_after": False}), "reset_after", None),
    ("gru", hidden(options={"gates": "rzh"}), "gates in another order", None),
]


@pytest.mark.parametrize(("op", "mistake", "name", "words"), SEQUENCE, ids=[f"{row[0]}-{row[2]}" for row in SEQUENCE])
def test_planted_mistake_with_a_recurrent_layer_is_named(op, mistake, name, words):
    found = diff(sequence_network("torch", op=op), sequence_network("keras", {"recurrent": mistake}, op=op))
    check(found, "recurrent", name, words)


ATTENTION = [
    ({"options": {"heads": 3, "head_size": 2}}, "heads", "heads 3, PyTorch 2"),
    (hidden(options={"scale": 1.0}), "attention scale", "scales scores by 1, PyTorch by 0.5774"),
    (hidden(options={"scale": 1 / 6**0.5}), "attention scale", None),
    (hidden(options={"interleaved": True}), "head order", "(size, heads)"),
    (hidden(options={"causal": True}), "mask", "masks later times"),
    (exchanged("query_kernel", "key_kernel"), "other weights", None),
]


@pytest.mark.parametrize(("mistake", "name", "words"), ATTENTION, ids=[row[1] for row in ATTENTION])
def test_planted_mistake_with_attention_is_named(mistake, name, words):
    check(
        diff(attention_network("torch"), attention_network("keras", {"attention": mistake})), "attention", name, words
    )


def test_a_mask_that_one_side_lacks_is_named_from_either_side():
    masked = {"attention": hidden(options={"causal": True})}
    assert diff(attention_network("torch", masked), attention_network("keras", masked)).passed
    found = diff(attention_network("torch", masked), attention_network("keras"))
    assert (found.first.name, found.cause.mistake) == ("attention", "mask")


def pooled_network(framework, mistakes=None):
    net = Network(framework, mistakes)
    x = net.image(9, 9, 3)
    x = net.pool("max", "max_pool", x)
    x = net.conv("conv", x, (3, 3, 3, 4))
    x = net.pool("mean", "avg_pool", x, size=[3, 3], padding=[[1, 1], [1, 1]], count_include_pad=True)
    return net.maker.recording(net.plain("all", "global_avg_pool", x, **net.format))


@pytest.mark.parametrize(
    ("layer", "mistake", "name"),
    [
        ("max", {"options": {"ceil_mode": True}}, "ceil_mode"),
        ("max", hidden(options={"ceil_mode": True}), "ceil_mode"),
        ("conv", {"options": {"strides": [2, 2]}}, "strides"),
        ("mean", {"options": {"count_include_pad": False}}, "count_include_pad"),
        ("mean", hidden(options={"count_include_pad": False}), "count_include_pad"),
        ("mean", {"options": {"padding": "same"}}, "padding"),
        ("mean", {"options": {"strides": [1, 1]}}, "strides"),
    ],
)
def test_planted_mistake_that_changes_shapes_is_named(layer, mistake, name):
    check(diff(pooled_network("torch"), pooled_network("keras", {layer: mistake})), layer, name, None)


def test_planted_mistake_with_layer_norm_is_named():
    mistake = {"norm": {"options": {"epsilon": 1e-2}}}
    check(diff(sequence_network("torch"), sequence_network("keras", mistake)), "norm", "epsilon", "epsilon 0.01")


@pytest.mark.parametrize(
    ("layer", "mistake", "name"),
    [
        ("sum", {"op": "multiply"}, "another operation"),
        ("both", {"before": lambda x, y: (y, x)}, "inputs in another order"),
        ("mean", {"op": "global_max_pool"}, "another operation"),
    ],
)
def test_planted_mistake_with_joined_branches_is_named(layer, mistake, name):
    check(diff(residual_network("torch"), residual_network("keras", {layer: mistake})), layer, name, None)


def test_two_mistakes_in_one_layer_are_both_named():
    mistake = {"bn2": {"options": {"epsilon": 1e-5}, **weight("beta", lambda beta: beta + 1)}}
    cause = diff(image_network("torch"), image_network("keras", mistake)).cause
    assert set(cause.mistake.split(" and ")) == {"epsilon", "other beta"}
    assert cause.explained_error < 1e-13


def test_two_mistakes_in_two_layers_have_a_cause_each():
    mistakes = {"bn1": {"options": {"epsilon": 1e-2}}, "leaky3": {"options": {"negative_slope": 0.3}}}
    found = diff(image_network("torch"), image_network("keras", mistakes))
    assert {cause.mistake for cause in found.causes} == {"epsilon", "negative_slope"}


def test_a_mistake_that_nobody_knows_has_no_cause():
    found = diff(image_network("torch"), image_network("keras", {"dense2": {"after": lambda y: y + np.sin(7 * y)}}))
    assert (found.verdict, found.cause, found.first.name) == ("different", None, "dense2")
    assert "no known mistake explains it" in str(found)


def test_in_float32_alone_mistakes_are_named_too():
    passes = ("float32", "float32 perturbed")
    mistake = {"bn2": {"options": {"epsilon": 1e-5}}}
    found = diff(image_network("torch", passes=passes), image_network("keras", mistake, passes))
    assert (found.precision, found.first.name, found.cause.mistake) == ("float32", "bn2", "epsilon")


def two_branches(framework, fed=(0, 1), given=(0, 1)):
    """Two inputs of one shape with a layer each, in some order, whose outputs are given in some order."""
    net = Network(framework)
    inputs = net.rows(4), net.rows(4)
    found = [net.dense(f"dense{at}", inputs[number], (4, 3)) for at, number in enumerate(fed)]
    return net.maker.recording(*(found[at] for at in given))


@pytest.mark.parametrize("what", ["input", "output"])
def test_inputs_and_outputs_in_another_order_are_named(what):
    found = diff(two_branches("torch"), two_branches("keras", **{{"input": "fed", "output": "given"}[what]: (1, 0)}))
    assert {cause.mistake for cause in found.causes} == {f"{what}s in another order"}, str(found)
    assert {cause.finding for cause in found.causes} == {
        f"Keras has {what} {taken} in the place of {what} {wanted}" for taken, wanted in ((1, 2), (2, 1))
    }
    assert found.cause.explained_error < 1e-12


def one_attention(framework, is_masked):
    """Attention, given an array by which later times are masked, or none."""
    mistakes = {"attention": {"before": lambda *x: x[:3], **hidden(options={"causal": True})}} if is_masked else None
    net = Network(framework, mistakes)
    x = net.dense("dense1", net.rows(7, 4), (4, 6))
    weights = {f"{part}_kernel": (net.drawn(6, 6), "IO") for part in ("query", "key", "value", "output")}
    masks = []
    if is_masked:
        masks = [len(net.maker.values)]
        net.maker.values.append(dict.fromkeys(net.maker.passes, np.tri(7)))
    x = net.maker.call("attention", "attention", [x, x, x, *masks], {"heads": 2, "head_size": 3}, weights)
    return net.maker.recording(net.dense("dense2", x, (6, 2)))


@pytest.mark.parametrize("is_masked", [(True, False), (False, True)], ids=["the reference's", "the other's"])
def test_a_mask_that_one_side_alone_is_given_is_named(is_masked):
    found = diff(*(one_attention(*each) for each in zip(("torch", "keras"), is_masked, strict=True)))
    assert [cause.mistake for cause in found.causes] == ["mask"], str(found)
    names = ("PyTorch", "Keras")[:: 1 if is_masked[0] else -1]
    assert "attention: {} masks later times, {} none; they part".format(*names) in found.cause.sentence
    assert found.cause.explained_error < 1e-12


def masked_attention(framework, seen=None, *masks):
    """Attention that sees some keys of each row, (rows, heads, queries, keys), as masks among its inputs say."""
    options = {} if seen is None else hidden(options={"seen": seen})
    net = Network(framework, {"attention": {"before": lambda *x: x[:3], **options}})
    x = net.dense("dense1", net.rows(7, 4), (4, 6))
    weights = {f"{part}_kernel": (net.drawn(6, 6), "IO") for part in ("query", "key", "value", "output")}
    numbers = []
    for mask in masks:
        numbers.append(len(net.maker.values))
        net.maker.values.append(dict.fromkeys(net.maker.passes, mask))
    x = net.maker.call("attention", "attention", [x, x, x, *numbers], {"heads": 2, "head_size": 3}, weights)
    return net.maker.recording(net.dense("dense2", x, (6, 2)))


LENGTHS = np.array([7, 5, 7, 3, 7, 6])
KEPT = np.arange(7) < LENGTHS[:, None]
OF_ROWS, LATER = KEPT[:, None, None], np.tri(7, dtype=bool)
EACH_HEAD = np.random.default_rng(0).random((6, 2, 7, 7)) < 0.7
# What each side sees, and the masks that say it: true or false where keys are masked, or added to scores.
NO_MASK, PADDING, SEEN = (), (OF_ROWS, ~KEPT), (OF_ROWS, KEPT)
BEFORE = (LATER[None, None], np.where(LATER, 0.0, -np.inf))
BOTH = OF_ROWS & LATER, ~KEPT, LATER[None]
OF_HEADS = (EACH_HEAD, EACH_HEAD.reshape(12, 7, 7))


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (PADDING, NO_MASK, "PyTorch masks 7 of 42 keys, Keras none"),
        (NO_MASK, SEEN, "Keras masks 7 of 42 keys, PyTorch none"),
        (BEFORE, SEEN, "PyTorch masks later times, Keras 7 of 42 keys"),
        (BOTH, BEFORE, "PyTorch masks 140 of 294 keys, Keras later times"),
        (OF_HEADS, PADDING, f"PyTorch masks {(~EACH_HEAD).sum()} of 588 keys, Keras 7 of 42 keys"),
    ],
)
def test_masks_of_other_contents_are_named(ours, theirs, words):
    found = diff(masked_attention("torch", *ours), masked_attention("keras", *theirs))
    check(found, "attention", "mask", f"attention: {words}; they part")


@pytest.mark.parametrize(("ours", "theirs"), [(PADDING, SEEN), (BEFORE, (BEFORE[0], LATER[None])), (BOTH, BOTH)])
def test_masks_that_say_the_same_in_two_forms_are_no_difference(ours, theirs):
    found = diff(masked_attention("torch", *ours), masked_attention("keras", *theirs))
    assert (found.verdict, found.causes) == ("same", []), str(found)


@pytest.mark.parametrize("shape", [(3, 1, 2, 7), (6, 7, 2), (5,), (6, 1, 1, 1, 7)], ids=str)
def test_masks_of_shapes_that_say_nothing_are_no_cause(shape):
    found = diff(masked_attention("torch", OF_ROWS, np.ones(shape, bool)), masked_attention("keras"))
    assert (found.verdict, found.first.name, found.causes) == ("different", "attention", []), str(found)
