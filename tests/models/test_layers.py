import math

import pytest

from twintrain.models.layers import LAYERS
from twintrain.models.layers.activation import Activation
from twintrain.models.layers.convolution import Conv1D, Conv2D, DepthwiseConv2D, SeparableConv2D
from twintrain.models.layers.core import Dense, Dropout, Embedding, Flatten, Reshape, SpatialDropout
from twintrain.models.layers.layer import same_padding
from twintrain.models.layers.nested import Bidirectional, Inception, Residual
from twintrain.models.layers.normalization import BatchNorm, LayerNorm
from twintrain.models.layers.pooling import AvgPool1D, AvgPool2D, GlobalAvgPool, MaxPool1D, MaxPool2D
from twintrain.models.layers.recurrent import GRU, LSTM, SimpleRNN
from twintrain.settings.yaml_files import validated

IMAGE = (28, 28, 3)
SEQUENCE = (9, 3)


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        (Dense(units=7), (5,), (7,)),
        (Dense(units=7), SEQUENCE, (9, 7)),
        (Conv1D(filters=8, kernel_size=4), SEQUENCE, (6, 8)),
        (Conv1D(filters=8, kernel_size=4, strides=2, padding="same"), SEQUENCE, (5, 8)),
        (DepthwiseConv2D(kernel_size=3, depth_multiplier=2), IMAGE, (26, 26, 6)),
        (SeparableConv2D(filters=8, kernel_size=3, strides=2, padding="same"), IMAGE, (14, 14, 8)),
        (MaxPool1D(), SEQUENCE, (4, 3)),
        (AvgPool1D(pool_size=3, strides=2, padding="same"), SEQUENCE, (5, 3)),
        (GlobalAvgPool(), IMAGE, (3,)),
        (GlobalAvgPool(), SEQUENCE, (3,)),
        (Flatten(), SEQUENCE, (27,)),
        (Reshape(target_shape=[3, 9]), SEQUENCE, (3, 9)),
        (Reshape(target_shape=[27]), SEQUENCE, (27,)),
        (Reshape(target_shape=[3, 3, 3]), (27,), (3, 3, 3)),
        (SpatialDropout(rate=0.5), SEQUENCE, SEQUENCE),
        (LayerNorm(), IMAGE, IMAGE),
        (SimpleRNN(units=5), SEQUENCE, (5,)),
        (LSTM(units=5), SEQUENCE, (5,)),
        (GRU(units=5, return_sequences=True), SEQUENCE, (9, 5)),
        (Conv2D(filters=8, kernel_size=3), IMAGE, (26, 26, 8)),
        (Conv2D(filters=8, kernel_size=3, strides=2), IMAGE, (13, 13, 8)),
        (Conv2D(filters=8, kernel_size=3, padding="same"), IMAGE, (28, 28, 8)),
        (Conv2D(filters=8, kernel_size=3, strides=2, padding="same"), IMAGE, (14, 14, 8)),
        (Conv2D(filters=8, kernel_size=5, strides=3, padding="same"), (7, 10, 1), (3, 4, 8)),
        (Conv2D(filters=1, kernel_size=1), (4, 6, 2), (4, 6, 1)),
        (Conv2D(filters=1, kernel_size=4), (4, 6, 2), (1, 3, 1)),
        (MaxPool2D(), IMAGE, (14, 14, 3)),
        (MaxPool2D(pool_size=3), IMAGE, (9, 9, 3)),
        (MaxPool2D(pool_size=3, padding="same"), IMAGE, (10, 10, 3)),
        (AvgPool2D(pool_size=3, strides=1), (5, 9, 2), (3, 7, 2)),
        (AvgPool2D(pool_size=2, strides=3), (7, 8, 2), (2, 3, 2)),
        (Flatten(), IMAGE, (2352,)),
        (Flatten(), (6,), (6,)),
        (Dropout(rate=0.5), IMAGE, IMAGE),
        (BatchNorm(), IMAGE, IMAGE),
        (Activation(function="relu"), (6,), (6,)),
        (Activation(function="leaky_relu", negative_slope=0.3), (6,), (6,)),
        (Embedding(input_dims=(4, 3)), (2,), (4,)),
        (Embedding(input_dims=(4, 3), output_dim=10), (2,), (20,)),
        (Embedding(input="tokens", input_dims=(4, 9), output_dim=10), (2,), (2, 10)),
        (Embedding(input="tokens", input_dims=(4, 9)), (2,), (2, 5)),
    ],
)
def test_output_shape(layer, before, after):
    assert layer.output_shape(before) == after


@pytest.mark.parametrize(
    ("layer", "before", "weights"),
    [
        (Dense(units=7), (5,), {"kernel": (5, 7), "bias": (7,)}),
        (Dense(units=7, use_bias=False), (5,), {"kernel": (5, 7)}),
        (Dense(units=7), SEQUENCE, {"kernel": (3, 7), "bias": (7,)}),
        (Conv1D(filters=8, kernel_size=4), SEQUENCE, {"kernel": (4, 3, 8), "bias": (8,)}),
        (DepthwiseConv2D(kernel_size=5, depth_multiplier=2), IMAGE, {"kernel": (5, 5, 3, 2), "bias": (6,)}),
        (DepthwiseConv2D(kernel_size=5, use_bias=False), IMAGE, {"kernel": (5, 5, 3, 1)}),
        (
            SeparableConv2D(filters=8, kernel_size=5, depth_multiplier=2),
            IMAGE,
            {"depthwise_kernel": (5, 5, 3, 2), "pointwise_kernel": (1, 1, 6, 8), "bias": (8,)},
        ),
        (LayerNorm(), IMAGE, {"gamma": (3,), "beta": (3,)}),
        (Activation(function="prelu"), IMAGE, {"alpha": (3,)}),
        (Embedding(input="tokens", input_dims=(4, 9)), (2,), {"embeddings": (9, 5)}),
        (SimpleRNN(units=5), SEQUENCE, {"kernel": (3, 5), "recurrent_kernel": (5, 5), "bias": (5,)}),
        (LSTM(units=5), SEQUENCE, {"kernel": (3, 20), "recurrent_kernel": (5, 20), "bias": (20,)}),
        (GRU(units=5), SEQUENCE, {"kernel": (3, 15), "recurrent_kernel": (5, 15), "bias": (2, 15)}),
        (GRU(units=5, use_bias=False), SEQUENCE, {"kernel": (3, 15), "recurrent_kernel": (5, 15)}),
        (Conv2D(filters=8, kernel_size=5), IMAGE, {"kernel": (5, 5, 3, 8), "bias": (8,)}),
        (Conv2D(filters=8, kernel_size=5, use_bias=False), IMAGE, {"kernel": (5, 5, 3, 8)}),
        (BatchNorm(), IMAGE, {"gamma": (3,), "beta": (3,), "moving_mean": (3,), "moving_variance": (3,)}),
        (BatchNorm(), (6,), {"gamma": (6,), "beta": (6,), "moving_mean": (6,), "moving_variance": (6,)}),
        (Embedding(input_dims=(4, 3)), (2,), {"column_0": (4, 2), "column_1": (3, 2)}),
        (MaxPool2D(), IMAGE, {}),
        (AvgPool2D(), IMAGE, {}),
        (Flatten(), IMAGE, {}),
        (Dropout(rate=0.5), IMAGE, {}),
        (Activation(function="tanh"), IMAGE, {}),
    ],
)
def test_weight_shapes(layer, before, weights):
    assert {name: weight.shape for name, weight in layer.weights(before).items()} == weights


def test_fans_count_the_whole_window():
    kernel, bias = Conv2D(filters=8, kernel_size=5).weights(IMAGE).values()
    assert (kernel.fan_in, kernel.fan_out) == (75, 200)
    assert (bias.fan_in, bias.fan_out) == (75, 200)
    dense = Dense(units=7).weights((5,))["kernel"]
    assert (dense.fan_in, dense.fan_out) == (5, 7)


def test_a_depthwise_output_is_fed_by_the_window_of_one_channel():
    kernel, bias = DepthwiseConv2D(kernel_size=5, depth_multiplier=2).weights(IMAGE).values()
    assert (kernel.fan_in, kernel.fan_out, bias.fan_in) == (25, 50, 25)
    depthwise, pointwise, bias = SeparableConv2D(filters=8, kernel_size=5, depth_multiplier=2).weights(IMAGE).values()
    assert (depthwise.fan_in, depthwise.fan_out) == (25, 50)
    assert (pointwise.fan_in, pointwise.fan_out, bias.fan_in) == (6, 8, 6)


@pytest.mark.parametrize(("layer", "gates"), [(SimpleRNN(units=5), 1), (LSTM(units=5), 4), (GRU(units=5), 3)])
def test_each_gate_is_a_matrix_of_its_own(layer, gates):
    kernel, recurrent, _ = layer.weights(SEQUENCE).values()
    assert (kernel.fan_in, kernel.fan_out, kernel.gates) == (3, 5, gates)
    assert (recurrent.fan_in, recurrent.fan_out, recurrent.gates) == (5, 5, gates)


def test_running_statistics_alone_are_not_trained():
    trained = {name for name, weight in BatchNorm().weights((6,)).items() if weight.trainable}
    assert trained == {"gamma", "beta"}


def test_batch_norm_starts_as_the_identity():
    drawn = {name: weight.initializer for name, weight in BatchNorm().weights((6,)).items()}
    assert drawn == {"gamma": "ones", "beta": "zeros", "moving_mean": "zeros", "moving_variance": "ones"}


@pytest.mark.parametrize(
    ("categories", "width"), [(1, 1), (2, 1), (3, 2), (4, 2), (9, 5), (98, 49), (100, 50), (9999, 50)]
)
def test_automatic_width_of_an_embedding(categories, width):
    assert Embedding(input_dims=(categories,)).tables == {"column_0": (categories, width)}
    assert Embedding(input="tokens", input_dims=(1, categories)).tables == {"embeddings": (categories, width)}


@pytest.mark.parametrize(
    ("layer", "before", "message"),
    [
        (Dense(units=7), IMAGE, "expected a sample of 1 or 2 axes, got (28, 28, 3); flatten it first"),
        (Conv1D(filters=1, kernel_size=3), (5,), "expected a sample of 2 axes, got (5,); it takes sequences"),
        (Conv1D(filters=1, kernel_size=10), SEQUENCE, "a window of 10 does not fit into 9"),
        (MaxPool1D(), IMAGE, "expected a sample of 2 axes, got (28, 28, 3); it takes sequences"),
        (DepthwiseConv2D(kernel_size=3), SEQUENCE, "expected a sample of 3 axes, got (9, 3); it takes images"),
        (
            SeparableConv2D(filters=1, kernel_size=3),
            SEQUENCE,
            "expected a sample of 3 axes, got (9, 3); it takes images",
        ),
        (GlobalAvgPool(), (5,), "expected a sample of 2 or 3 axes, got (5,); it takes sequences and images"),
        (
            SpatialDropout(rate=0.5),
            (5,),
            "expected a sample of 2 or 3 axes, got (5,); "
            "it takes sequences and images; on vectors, dropout does the same",
        ),
        (Reshape(target_shape=[4, 7]), SEQUENCE, "target_shape [4, 7] holds 28 numbers, a sample of (9, 3) holds 27"),
        (LSTM(units=5), (5,), "expected a sample of 2 axes, got (5,); it takes sequences"),
        (
            LSTM(units=5, unit_forget_bias=True),
            SEQUENCE,
            "unit_forget_bias: true needs a bias_initializer in native, such as zeros",
        ),
        (Activation(function="relu", alpha_initializer=0.1), (5,), "relu has no alpha_initializer; prelu has"),
        (Conv2D(filters=1, kernel_size=3), (5,), "expected a sample of 3 axes, got (5,); it takes images"),
        (Conv2D(filters=1, kernel_size=5), (4, 6, 1), "a window of 5 × 5 does not fit into 4 × 6"),
        (MaxPool2D(), (5,), "expected a sample of 3 axes, got (5,); it takes images"),
        (AvgPool2D(pool_size=7), (9, 6, 1), "a window of 7 × 7 does not fit into 9 × 6"),
        (Activation(function="relu", negative_slope=0.1), (5,), "relu has no negative_slope; leaky_relu has"),
        (
            Embedding(),
            (5,),
            "expected category codes as input; it goes first, on a table with preprocess.categorical: codes",
        ),
    ],
)
def test_sample_that_does_not_fit_is_refused(layer, before, message, error_of):
    assert error_of(layer.output_shape, before) == message


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("dense", {}, "'units' is missing"),
        ("dense", {"unit": 3}, "unknown parameter 'unit'; did you mean 'units'?"),
        ("dense", {"units": 0}, "'units': expected 1 to 1,000,000, or outputs, got 0"),
        ("dense", {"units": "10"}, "'units': expected 1 to 1,000,000, or outputs, got '10'"),
        ("dense", {"units": True}, "'units': expected 1 to 1,000,000, or outputs, got True"),
        ("dense", {"units": 1.5}, "'units': expected 1 to 1,000,000, or outputs, got 1.5"),
        ("embedding", {"output_dim": 0}, "'output_dim': expected 1 to 1,000,000, or auto, got 0"),
        ("embedding", {"output_dim": "aut"}, "'output_dim': expected 1 to 1,000,000, or auto, got 'aut'"),
        ("conv2d", {"filters": 0, "kernel_size": 3}, "'filters': expected 1 to 1,000,000, got 0"),
        (
            "conv2d",
            {"filters": 1, "kernel_size": 3, "padding": "full"},
            "'padding': expected 'valid' or 'same', got 'full'",
        ),
        ("max_pool2d", {"strides": 0}, "'strides': expected 1 to 1,000,000, got 0"),
        ("flatten", {"order": "C"}, "unknown parameter 'order'; known: "),
        ("dropout", {"rate": 1}, "'rate': expected at least 0 and below 1, got 1"),
        ("batch_norm", {"momentum": 1}, "'momentum': expected at least 0 and below 1, got 1"),
        ("batch_norm", {"epsilon": 0}, "'epsilon': expected above 0 and at most 1,000,000, got 0"),
        (
            "activation",
            {"function": "rleu"},
            "'function': expected 'relu', 'relu6', 'leaky_relu', 'prelu', 'elu', 'selu', 'gelu', 'silu', 'sigmoid', "
            "'tanh', 'hardtanh' or 'softmax', got 'rleu'; did you mean 'relu'?",
        ),
        (
            "dense",
            {"units": 3, "kernel_initializer": "glorot"},
            "'kernel_initializer': expected 'zeros', 'ones', 'uniform', 'normal', 'fan_in_uniform', 'glorot_uniform', "
            "'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', 'lecun_normal' or 'orthogonal', "
            "got 'glorot'; did you mean 'glorot_normal'?",
        ),
        (
            "dense",
            {"units": 3, "bias_initializer": "orthogonal"},
            "'bias_initializer': expected 'zeros', 'ones', 'uniform', 'normal', 'fan_in_uniform', 'glorot_uniform', "
            "'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform' or 'lecun_normal', got 'orthogonal'",
        ),
        ("reshape", {"target_shape": [3, 0]}, "'target_shape.1': expected 1 to 1,000,000, got 0"),
        ("reshape", {"target_shape": []}, "'target_shape': expected at least 1 item, got []"),
        ("dropout", {"rate": 0.5, "masks": "none"}, "'masks': expected 'shared' or 'own', got 'none'"),
        ("embedding", {"input": "rows"}, "'input': expected 'columns' or 'tokens', got 'rows'"),
        ("lstm", {"unit": 3}, "unknown parameter 'unit'; did you mean 'units'?"),
        ("bidirectional", {"layer": {}}, "'layer': expected at least 1 item, got {}"),
        ("inception", {}, "'branches' is missing"),
        ("inception", {"branches": []}, "'branches': expected at least 1 item, got []"),
        ("residual", {"layers": []}, "'layers': expected at least 1 item, got []"),
    ],
)
def test_mistake_in_an_argument_is_one_line(kind, arguments, message, error_of):
    assert error_of(validated, LAYERS[kind], arguments, "m.yaml") == f"m.yaml: {message}"


@pytest.mark.parametrize(
    ("layer", "filled"),
    [
        (Dense(units=3), {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}),
        (Conv2D(filters=3, kernel_size=3), {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}),
        (BatchNorm(), {"momentum": 0.9, "epsilon": 1e-5}),
        (
            DepthwiseConv2D(kernel_size=3),
            {"depthwise_initializer": "glorot_uniform", "bias_initializer": "zeros"},
        ),
        (LayerNorm(), {"epsilon": 1e-5}),
        (Dropout(rate=0.5), {"masks": "shared"}),
        (SpatialDropout(rate=0.5), {"masks": "shared"}),
        (Activation(function="prelu"), {"alpha_initializer": 0.25}),
        (
            GRU(units=3),
            {
                "kernel_initializer": "glorot_uniform",
                "recurrent_initializer": "orthogonal",
                "bias_initializer": "zeros",
            },
        ),
        (LSTM(units=3), {"recurrent_initializer": "orthogonal", "unit_forget_bias": True}),
        (Activation(function="leaky_relu"), {"negative_slope": 0.01}),
        (Embedding(), {"embeddings_initializer": "normal"}),
    ],
)
def test_aligned_writes_out_what_the_frameworks_do_not_share(layer, filled):
    assert {name: getattr(layer, name) for name in filled} == dict.fromkeys(filled)
    assert {name: getattr(layer.aligned(), name) for name in filled} == filled


@pytest.mark.parametrize(
    "layer",
    [
        Dense(units=3, kernel_initializer="he_uniform", bias_initializer="ones"),
        BatchNorm(momentum=0.0, epsilon=0.1),
        Activation(function="leaky_relu", negative_slope=0.0),
        Activation(function="relu"),
        Embedding(embeddings_initializer="uniform"),
        Dropout(rate=0.0, masks="own"),
        Activation(function="prelu", alpha_initializer=0.0),
        LSTM(
            units=3,
            kernel_initializer="he_normal",
            recurrent_initializer="zeros",
            bias_initializer="ones",
            unit_forget_bias=False,
        ),
        Bidirectional(layer={"lstm": {"units": 3}}),
        MaxPool2D(),
    ],
)
def test_aligned_leaves_what_is_written_or_shared(layer):
    assert layer.aligned() == layer


def documented_padding(size, kernel, stride):
    """https://www.tensorflow.org/api_docs/python/tf/nn, Notes on padding."""
    total = max(kernel - stride, 0) if size % stride == 0 else max(kernel - size % stride, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_same_padding_is_that_of_tensorflow(kernel, stride):
    sizes = range(1, 13)
    assert [same_padding(size, kernel, stride) for size in sizes] == [
        documented_padding(size, kernel, stride) for size in sizes
    ]


@pytest.mark.parametrize(("size", "padding"), [(28, (0, 1)), (14, (0, 1)), (7, (1, 1)), (1, (1, 1))])
def test_stride_2_pads_an_even_size_after_it_alone(size, padding):
    assert same_padding(size, kernel=3, stride=2) == padding


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padded_size_gives_the_output_of_same(stride):
    for size in range(1, 20):
        before, after = same_padding(size, 3, stride)
        assert (size + before + after - 3) // stride + 1 == math.ceil(size / stride)


def test_branches_stand_side_by_side_on_the_last_axis(error_of):
    inception = Inception(branches=[["flatten"], []])
    assert inception.joined_shape({"0": (4, 4, 2), "1": (4, 4, 3)}) == (4, 4, 5)
    assert inception.joined_shape({"0": (7,)}) == (7,)
    assert error_of(inception.joined_shape, {"0": (4, 4, 2), "1": (2, 4, 3)}) == (
        "branches stand side by side on the last axis, all others must be equal, but "
        "0 ends in (4, 4, 2), 1 ends in (2, 4, 3); give them the same strides, and padding: same"
    )


@pytest.mark.parametrize(
    ("body", "shortcut", "mend"),
    [
        ((7,), (5,), "dense: {units: 7}"),
        ((9, 4), (9, 3), "conv1d: {filters: 4, kernel_size: 1}"),
        ((4, 4, 8), (8, 8, 3), "conv2d: {filters: 8, kernel_size: 1} with the strides of layers"),
    ],
)
def test_residual_adds_equal_shapes_alone(body, shortcut, mend, error_of):
    residual = Residual(layers=["flatten"])
    assert residual.joined_shape({"layers": body, "shortcut": body}) == body
    assert error_of(residual.joined_shape, {"layers": body, "shortcut": shortcut}) == (
        f"layers end in {body}, the shortcut in {shortcut}; expected equal shapes: "
        f"give the shortcut a layer such as {mend}"
    )
