import math

import pytest

from twintrain.models.layers import (
    LAYERS,
    Activation,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    MaxPool2D,
    same_padding,
)
from twintrain.yaml_files import validated

IMAGE = (28, 28, 3)


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        (Dense(units=7), (5,), (7,)),
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
    ],
)
def test_output_shape(layer, before, after):
    assert layer.output_shape(before) == after


@pytest.mark.parametrize(
    ("layer", "before", "weights"),
    [
        (Dense(units=7), (5,), {"kernel": (5, 7), "bias": (7,)}),
        (Dense(units=7, use_bias=False), (5,), {"kernel": (5, 7)}),
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
    assert Embedding(input_dims=(categories,)).widths == [width]


@pytest.mark.parametrize(
    ("layer", "before", "message"),
    [
        (Dense(units=7), IMAGE, "expected a sample of 1 axes, got (28, 28, 3); flatten it first"),
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
        ("dense", {"units": 0}, "'units': expected at least 1, or outputs, got 0"),
        ("dense", {"units": "10"}, "'units': expected at least 1, or outputs, got '10'"),
        ("dense", {"units": True}, "'units': expected at least 1, or outputs, got True"),
        ("dense", {"units": 1.5}, "'units': expected at least 1, or outputs, got 1.5"),
        ("embedding", {"output_dim": 0}, "'output_dim': expected at least 1, or auto, got 0"),
        ("embedding", {"output_dim": "aut"}, "'output_dim': expected at least 1, or auto, got 'aut'"),
        ("conv2d", {"filters": 0, "kernel_size": 3}, "'filters': expected greater than or equal to 1, got 0"),
        (
            "conv2d",
            {"filters": 1, "kernel_size": 3, "padding": "full"},
            "'padding': expected 'valid' or 'same', got 'full'",
        ),
        ("max_pool2d", {"strides": 0}, "'strides': expected greater than or equal to 1, got 0"),
        ("flatten", {"order": "C"}, "unknown parameter 'order'; known: "),
        ("dropout", {"rate": 1}, "'rate': expected less than 1, got 1"),
        ("batch_norm", {"momentum": 1}, "'momentum': expected less than 1, got 1"),
        ("batch_norm", {"epsilon": 0}, "'epsilon': expected greater than 0, got 0"),
        (
            "activation",
            {"function": "rleu"},
            "'function': expected 'relu', 'leaky_relu', 'sigmoid' or 'tanh', got 'rleu'; did you mean 'relu'?",
        ),
        (
            "dense",
            {"units": 3, "kernel_initializer": "glorot"},
            "'kernel_initializer': expected 'glorot_uniform', 'he_uniform', 'fan_in_uniform', 'uniform', 'normal', "
            "'zeros' or 'ones', got 'glorot'; did you mean 'glorot_uniform'?",
        ),
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
        Dropout(rate=0.0),
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
