import math

import numpy as np
import pytest

from twintrain.models.composites import COMPOSITES
from twintrain.models.layers import LAYERS
from twintrain.models.layers.activation import Activation
from twintrain.models.layers.attention import ClassToken, MultiHeadAttention, PositionalEmbedding, TakeStep, sinusoids
from twintrain.models.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    DepthwiseConv2D,
    SeparableConv2D,
)
from twintrain.models.layers.core import Dense, Dropout, Embedding, Flatten, Reshape, SpatialDropout
from twintrain.models.layers.join import Add, Concatenate, Multiply
from twintrain.models.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from twintrain.models.layers.pooling import (
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
)
from twintrain.models.layers.recurrent import GRU, LSTM, Bidirectional, SimpleRNN
from twintrain.models.layers.resizing import Cropping, UpSampling2D, ZeroPadding
from twintrain.models.layers.window import same_padding
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
        (GlobalMaxPool(), IMAGE, (3,)),
        (GlobalMaxPool(), SEQUENCE, (3,)),
        (ZeroPadding(padding=2), SEQUENCE, (13, 3)),
        (ZeroPadding(padding=[[1, 3]]), SEQUENCE, (13, 3)),
        (ZeroPadding(padding=[1, [0, 2]]), (5, 4, 3), (7, 6, 3)),
        (Cropping(cropping=2), (5, 6, 3), (1, 2, 3)),
        (Cropping(cropping=[[4, 4]]), SEQUENCE, (1, 3)),
        (UpSampling2D(), (5, 4, 3), (10, 8, 3)),
        (UpSampling2D(size=[1, 3], interpolation="bilinear"), (5, 4, 3), (5, 12, 3)),
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
        (Conv1D(filters=8, kernel_size=[4], strides=[2], padding=[3]), SEQUENCE, (6, 8)),
        (Conv2D(filters=8, kernel_size=[3, 5], strides=[1, 2], padding=[0, 2]), (5, 9, 2), (3, 5, 8)),
        (Conv2D(filters=8, kernel_size=7, padding=3), (2, 3, 1), (2, 3, 8)),
        (DepthwiseConv2D(kernel_size=[1, 4], strides=5, padding="same"), (5, 6, 2), (1, 2, 2)),
        (SeparableConv2D(filters=8, kernel_size=[2, 1], padding=[1, 0]), (5, 6, 2), (6, 6, 8)),
        (Conv1D(filters=8, kernel_size=3, dilation_rate=4), SEQUENCE, (1, 8)),
        (Conv2D(filters=6, kernel_size=3, dilation_rate=[1, 2], groups=3, padding=1), (4, 5, 3), (4, 3, 6)),
        (Conv2D(filters=8, kernel_size=3, dilation_rate=2, strides=2, padding="same"), (4, 5, 3), (2, 3, 8)),
        (Conv1DTranspose(filters=8, kernel_size=4, strides=2), SEQUENCE, (20, 8)),
        (Conv1DTranspose(filters=8, kernel_size=2, strides=3), SEQUENCE, (27, 8)),
        (Conv2DTranspose(filters=8, kernel_size=[3, 1], strides=[2, 3], padding="same"), (4, 5, 3), (8, 15, 8)),
        (Conv2DTranspose(filters=8, kernel_size=[4, 2], strides=[2, 3], padding=[1, 0]), (4, 5, 3), (8, 14, 8)),
        (Conv2DTranspose(filters=8, kernel_size=3, strides=2, padding=1, output_padding=1), (4, 5, 3), (8, 10, 8)),
        (Conv3D(filters=8, kernel_size=[1, 2, 3], strides=[2, 1, 1]), (5, 4, 3, 2), (3, 3, 1, 8)),
        (MaxPool3D(), (5, 4, 3, 2), (2, 2, 1, 2)),
        (AvgPool3D(pool_size=[2, 3, 1], strides=1, padding="same"), (5, 4, 3, 2), (5, 4, 3, 2)),
        (GlobalMaxPool(), (5, 4, 3, 2), (2,)),
        (Cropping(cropping=[[0, 4], 1, 0]), (5, 4, 3, 2), (1, 2, 3, 2)),
        (Reshape(target_shape=[3, 3, 3, 1]), (9, 3), (3, 3, 3, 1)),
        (MaxPool1D(pool_size=[3], padding=2), SEQUENCE, (4, 3)),
        (AvgPool2D(pool_size=[3, 2], strides=[1, 4], padding=[2, 0]), (5, 6, 2), (7, 2, 2)),
        (MaxPool2D(pool_size=[5, 1], strides=None), (5, 6, 2), (1, 6, 2)),
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
        (Activation(function="glu"), (6,), (3,)),
        (Activation(function="swiglu"), (28, 28, 4), (28, 28, 2)),
        (Embedding(input_dims=(4, 3)), (2,), (4,)),
        (Embedding(input_dims=(4, 3), output_dim=10), (2,), (20,)),
        (Embedding(input="tokens", input_dims=(4, 9), output_dim=10), (2,), (2, 10)),
        (Embedding(input="tokens", input_dims=(4, 9)), (2,), (2, 5)),
        (MultiHeadAttention(num_heads=3), SEQUENCE, SEQUENCE),
        (MultiHeadAttention(num_heads=2, key_dim=5), SEQUENCE, SEQUENCE),
        (PositionalEmbedding(), SEQUENCE, SEQUENCE),
        (ClassToken(), SEQUENCE, (10, 3)),
        (TakeStep(index=-9), SEQUENCE, (3,)),
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
        (RMSNorm(), IMAGE, {"gamma": (3,)}),
        (GroupNorm(groups=1), SEQUENCE, {"gamma": (3,), "beta": (3,)}),
        (BatchNorm(scale=False), (6,), {"beta": (6,), "moving_mean": (6,), "moving_variance": (6,)}),
        (BatchNorm(center=False), (6,), {"gamma": (6,), "moving_mean": (6,), "moving_variance": (6,)}),
        (Activation(function="prelu"), IMAGE, {"alpha": (3,)}),
        (Embedding(input="tokens", input_dims=(4, 9)), (2,), {"embeddings": (9, 5)}),
        (SimpleRNN(units=5), SEQUENCE, {"kernel": (3, 5), "recurrent_kernel": (5, 5), "bias": (5,)}),
        (LSTM(units=5), SEQUENCE, {"kernel": (3, 20), "recurrent_kernel": (5, 20), "bias": (20,)}),
        (GRU(units=5), SEQUENCE, {"kernel": (3, 15), "recurrent_kernel": (5, 15), "bias": (2, 15)}),
        (GRU(units=5, use_bias=False), SEQUENCE, {"kernel": (3, 15), "recurrent_kernel": (5, 15)}),
        (Conv2D(filters=8, kernel_size=5), IMAGE, {"kernel": (5, 5, 3, 8), "bias": (8,)}),
        (Conv2D(filters=8, kernel_size=5, use_bias=False), IMAGE, {"kernel": (5, 5, 3, 8)}),
        (Conv2D(filters=8, kernel_size=[1, 5]), IMAGE, {"kernel": (1, 5, 3, 8), "bias": (8,)}),
        (Conv2D(filters=6, kernel_size=5, groups=3), IMAGE, {"kernel": (5, 5, 1, 6), "bias": (6,)}),
        (Conv1DTranspose(filters=8, kernel_size=5, use_bias=False), SEQUENCE, {"kernel": (5, 8, 3)}),
        (Conv2DTranspose(filters=8, kernel_size=[2, 5]), IMAGE, {"kernel": (2, 5, 8, 3), "bias": (8,)}),
        (Conv3D(filters=8, kernel_size=[2, 1, 5]), (5, 5, 5, 3), {"kernel": (2, 1, 5, 3, 8), "bias": (8,)}),
        (DepthwiseConv2D(kernel_size=[1, 5], use_bias=False), IMAGE, {"kernel": (1, 5, 3, 1)}),
        (BatchNorm(), IMAGE, {"gamma": (3,), "beta": (3,), "moving_mean": (3,), "moving_variance": (3,)}),
        (BatchNorm(), (6,), {"gamma": (6,), "beta": (6,), "moving_mean": (6,), "moving_variance": (6,)}),
        (Embedding(input_dims=(4, 3)), (2,), {"column_0": (4, 2), "column_1": (3, 2)}),
        (
            MultiHeadAttention(num_heads=2, key_dim=5, use_bias=False),
            SEQUENCE,
            {**dict.fromkeys(("query_kernel", "key_kernel", "value_kernel"), (3, 10)), "output_kernel": (10, 3)},
        ),
        (
            MultiHeadAttention(num_heads=2, key_dim=5, use_bias=False, memory_shape=(2, 7)),
            SEQUENCE,
            {"query_kernel": (3, 10), "key_kernel": (7, 10), "value_kernel": (7, 10), "output_kernel": (10, 3)},
        ),
        (PositionalEmbedding(), SEQUENCE, {"embeddings": SEQUENCE}),
        (PositionalEmbedding(kind="sinusoidal"), SEQUENCE, {}),
        (ClassToken(), SEQUENCE, {"embeddings": (1, 3)}),
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
    other, _ = Conv2D(filters=8, kernel_size=[1, 5]).weights(IMAGE).values()
    assert (other.fan_in, other.fan_out) == (15, 40)
    transposed, _ = Conv2DTranspose(filters=8, kernel_size=5).weights(IMAGE).values()
    assert (transposed.fan_in, transposed.fan_out) == (75, 200)
    in_groups, _ = Conv2D(filters=6, kernel_size=5, groups=3).weights(IMAGE).values()
    assert (in_groups.fan_in, in_groups.fan_out) == (25, 50)
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


def test_attention_projects_every_head_by_one_kernel():
    query, *_, output = MultiHeadAttention(num_heads=2, key_dim=5, use_bias=False).weights(SEQUENCE).values()
    assert (query.fan_in, query.fan_out, output.fan_in, output.fan_out) == (3, 10, 10, 3)


def test_sinusoids_are_those_of_the_paper():
    found = sinusoids(4, 5)
    assert found.shape == (4, 5)
    for step, channel in np.ndindex(4, 5):
        angle = step / 10_000 ** (2 * (channel // 2) / 5)
        assert found[step, channel] == pytest.approx(math.cos(angle) if channel % 2 else math.sin(angle), abs=1e-15)


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
        (
            GlobalAvgPool(),
            (5,),
            "expected a sample of 2 or 3 or 4 axes, got (5,); it takes sequences, images and volumes",
        ),
        (
            ZeroPadding(padding=1),
            (5,),
            "expected a sample of 2 or 3 or 4 axes, got (5,); it takes sequences, images and volumes",
        ),
        (
            ZeroPadding(padding=[1, 2]),
            SEQUENCE,
            "expected a number, or a list of one entry for a sample of (9, 3), got 2 of them",
        ),
        (
            Cropping(cropping=[3]),
            IMAGE,
            "expected a number, or a list of 2 entries for a sample of (28, 28, 3), got 1 of them",
        ),
        (Cropping(cropping=[[1, 2], [2, 2]]), (5, 4, 3), "a cropping of 3 × 4 leaves nothing of 5 × 4"),
        (
            ZeroPadding(padding=[100_000, 0]),
            (28, 28, 300),
            "expected at most 1,000,000,000 numbers a sample, got 1,680,235,200",
        ),
        (
            UpSampling2D(size=1000),
            (28, 28, 3),
            "expected at most 1,000,000,000 numbers a sample, got 2,352,000,000",
        ),
        (
            MaxPool2D(pool_size=40_000, padding=30_000, strides=40_000),
            (28, 28, 3),
            "expected at most 1,000,000,000 numbers a sample, got 10,810,082,352",
        ),
        (
            Conv2DTranspose(filters=9, kernel_size=1, strides=1000, padding=300),
            (28, 28, 3),
            "expected at most 1,000,000,000 numbers a sample, got 6,561,486,009",
        ),
        (UpSampling2D(), SEQUENCE, "expected a sample of 3 axes, got (9, 3); it takes images"),
        (
            SpatialDropout(rate=0.5),
            (5,),
            "expected a sample of 2 or 3 axes, got (5,); "
            "it takes sequences and images; on vectors, dropout does the same",
        ),
        (
            MultiHeadAttention(num_heads=2),
            SEQUENCE,
            "2 heads do not divide 3 channels; expected a divisor of these, or a key_dim",
        ),
        (MultiHeadAttention(num_heads=1), IMAGE, "expected a sample of 2 axes, got (28, 28, 3); it takes sequences"),
        (TakeStep(index=9), SEQUENCE, "9 steps have no step 9; expected an index from -9 to 8"),
        (ClassToken(), (5,), "expected a sample of 2 axes, got (5,); it takes sequences"),
        (
            PositionalEmbedding(kind="sinusoidal", embeddings_initializer="normal"),
            SEQUENCE,
            "sinusoidal has no embeddings_initializer; learned has",
        ),
        (
            PositionalEmbedding(kind="sinusoidal"),
            (1000, 501),
            "expected at most 500,000 numbers of sinusoidal positions, got 1,000 × 501, with which Keras could not "
            "load the saved network; take kind: learned",
        ),
        (GroupNorm(groups=2), SEQUENCE, "2 groups do not divide 3 channels; expected a divisor of these"),
        (
            GroupNorm(groups=1),
            (6,),
            "expected a sample of 2 or 3 axes, got (6,); it takes sequences and images; on vectors: layer_norm",
        ),
        (
            InstanceNorm(),
            (1, 1, 3),
            "a channel of (1, 1, 3) is one number, which has no variance; expected more than one place",
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
        (Conv2D(filters=1, kernel_size=[3, 9], padding=1), (4, 6, 1), "a window of 3 × 9 does not fit into 6 × 8"),
        (
            Conv2D(filters=1, kernel_size=3, dilation_rate=[2, 3]),
            (6, 6, 1),
            "a window of 5 × 7 does not fit into 6 × 6",
        ),
        (
            Conv2D(filters=6, kernel_size=3, groups=2),
            IMAGE,
            "groups: expected a divisor of 3 channels and 6 filters, got 2",
        ),
        (
            Conv1D(filters=4, kernel_size=3, groups=3),
            SEQUENCE,
            "groups: expected a divisor of 3 channels and 4 filters, got 3",
        ),
        (
            Conv1DTranspose(filters=1, kernel_size=3, strides=2, padding=10),
            SEQUENCE,
            "a padding of 10 leaves nothing of 19",
        ),
        (
            Conv2DTranspose(filters=1, kernel_size=3, strides=[2, 1], padding=1, output_padding=1),
            IMAGE,
            "output_padding: expected no more than a padding in numbers, and less than strides, got [1, 1]",
        ),
        (
            Conv1DTranspose(filters=1, kernel_size=3, strides=2, padding="same", output_padding=1),
            SEQUENCE,
            "output_padding: expected no more than a padding in numbers, and less than strides, got [1]",
        ),
        (
            Conv2DTranspose(filters=1, kernel_size=3),
            SEQUENCE,
            "expected a sample of 3 axes, got (9, 3); it takes images",
        ),
        (Conv3D(filters=1, kernel_size=1), IMAGE, "expected a sample of 4 axes, got (28, 28, 3); it takes volumes"),
        (
            MaxPool2D(pool_size=[2, 3], padding=2),
            (4, 6, 1),
            "a window of padding alone would have no value; expected a padding below pool_size [2, 3], got [2, 2]",
        ),
        (
            AvgPool1D(pool_size=2, padding=2),
            SEQUENCE,
            "a window of padding alone would have no value; expected a padding below pool_size [2], got [2]",
        ),
        (MaxPool2D(), (5,), "expected a sample of 3 axes, got (5,); it takes images"),
        (AvgPool2D(pool_size=7), (9, 6, 1), "a window of 7 × 7 does not fit into 9 × 6"),
        (Activation(function="relu", negative_slope=0.1), (5,), "relu has no negative_slope; leaky_relu has"),
        (Activation(function="elu", alpha=2.0), (5,), "elu has no alpha; celu has"),
        (Activation(function="silu", approximate=True), (5,), "silu has no approximate; gelu has"),
        (Activation(function="swiglu"), SEQUENCE, "swiglu halves the last axis; expected an even number, got 3"),
        (
            MultiHeadAttention(num_heads=1, causal=True, memory_shape=(2, 7)),
            SEQUENCE,
            "causal is for one sequence; a memory has steps of its own, none of which is later",
        ),
        (
            MultiHeadAttention(num_heads=1, memory_shape=(7,)),
            SEQUENCE,
            "expected a sample of 2 axes, got (7,); the memory is a sequence as well",
        ),
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
            "'padding': expected valid, same, 0 to 1,000,000 or a list [height, width] of such, got 'full'",
        ),
        ("max_pool2d", {"strides": 0}, "'strides': expected 1 to 1,000,000 or a list [height, width] of such, got 0"),
        (
            "conv2d",
            {"filters": 1, "kernel_size": [3]},
            "'kernel_size': expected 1 to 1,000,000 or a list [height, width] of such, got [3]",
        ),
        (
            "conv1d",
            {"filters": 1, "kernel_size": [3, 3]},
            "'kernel_size': expected 1 to 1,000,000 or a list [steps] of such, got [3, 3]",
        ),
        (
            "depthwise_conv2d",
            {"kernel_size": 3, "padding": [1, -1]},
            "'padding': expected valid, same, 0 to 1,000,000 or a list [height, width] of such, got [1, -1]",
        ),
        (
            "conv2d",
            {"filters": 1, "kernel_size": 3, "strides": None},
            "'strides': expected 1 to 1,000,000 or a list [height, width] of such, got None",
        ),
        (
            "max_pool3d",
            {"pool_size": [2, 2]},
            "'pool_size': expected 1 to 1,000,000 or a list [depth, height, width] of such, got [2, 2]",
        ),
        (
            "conv3d",
            {"filters": 2, "kernel_size": 1, "groups": 2},
            "'groups': expected 1, since TensorFlow's 3-D convolutions have no groups, got 2",
        ),
        ("reshape", {"target_shape": [1, 1, 1, 1, 1]}, "'target_shape': expected at most 4 items, got 5"),
        ("conv2d", {"filters": 1}, "'kernel_size' is missing"),
        (
            "separable_conv2d",
            {"filters": 1, "kernel_size": 3, "dilation_rate": [1, 0]},
            "'dilation_rate': expected 1 to 1,000,000 or a list [height, width] of such, got [1, 0]",
        ),
        (
            "conv2d_transpose",
            {"filters": 1, "kernel_size": 3, "output_padding": [0, -1]},
            "'output_padding': expected 0 to 1,000,000 or a list [height, width] of such, got [0, -1]",
        ),
        (
            "conv1d_transpose",
            {"filters": 1, "kernel_size": 3, "dilation_rate": 2},
            "unknown parameter 'dilation_rate'; known: bias_initializer, filters, kernel_initializer, kernel_size, "
            "output_padding, padding, strides, use_bias",
        ),
        ("conv1d", {"filters": 1, "kernel_size": 3, "groups": 0}, "'groups': expected 1 to 1,000,000, got 0"),
        (
            "zero_padding",
            {"padding": [1, [3]]},
            "'padding': expected 0 to 1,000,000 or a list, for each axis of one such or [before, after], got [1, [3]]",
        ),
        (
            "cropping",
            {"cropping": "same"},
            "'cropping': expected 0 to 1,000,000 or a list, for each axis of one such or [before, after], got 'same'",
        ),
        (
            "cropping",
            {"cropping": [-1]},
            "'cropping': expected 0 to 1,000,000 or a list, for each axis of one such or [before, after], got [-1]",
        ),
        (
            "up_sampling2d",
            {"size": [2, 0]},
            "'size': expected 1 to 1,000,000 or a list [height, width] of such, got [2, 0]",
        ),
        ("zero_padding", {}, "'padding' is missing"),
        ("flatten", {"order": "C"}, "unknown parameter 'order'; known: "),
        ("dropout", {"rate": 1}, "'rate': expected at least 0 and below 1, got 1"),
        ("batch_norm", {"momentum": 1}, "'momentum': expected at least 0 and below 1, got 1"),
        ("batch_norm", {"epsilon": 0}, "'epsilon': expected above 0 and at most 1,000,000, got 0"),
        (
            "activation",
            {"function": "rleu"},
            "'function': expected 'relu', 'relu6', 'leaky_relu', 'prelu', 'elu', 'selu', 'celu', 'gelu', 'silu', "
            "'mish', 'softplus', 'softsign', 'sigmoid', 'tanh', 'hardtanh', 'hard_sigmoid', 'hard_swish', 'glu', "
            "'swiglu' or 'softmax', got 'rleu'; did you mean 'relu'?",
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
        ("activation", {"function": "celu", "alpha": 0}, "'alpha': expected 1e-06 to 1,000,000, got 0"),
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
    assert error_of(validated, {**LAYERS, **COMPOSITES}[kind], arguments, "m.yaml") == f"m.yaml: {message}"


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
        (GroupNorm(groups=2), {"epsilon": 1e-5}),
        (InstanceNorm(), {"epsilon": 1e-5}),
        (RMSNorm(), {"epsilon": 1e-6}),
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
        (
            MultiHeadAttention(num_heads=1),
            {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros", "masks": "shared"},
        ),
        (PositionalEmbedding(), {"embeddings_initializer": "uniform"}),
        (ClassToken(), {"embeddings_initializer": "zeros"}),
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
        PositionalEmbedding(kind="sinusoidal"),
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


def test_concatenated_arrays_stand_side_by_side_on_the_last_axis(error_of):
    assert Concatenate().joined_shape({"0": (4, 4, 2), "1": (4, 4, 3)}) == (4, 4, 5)
    assert Concatenate().joined_shape({"0": (7,)}) == (7,)
    assert error_of(Concatenate().joined_shape, {"0": (4, 4, 2), "1": (2, 4, 3)}) == (
        "they stand side by side on the last axis, all others must be equal, but "
        "0 gives (4, 4, 2), 1 gives (2, 4, 3); give them the same strides, and padding: same"
    )


@pytest.mark.parametrize(
    ("main", "shortcut", "mend"),
    [
        ((7,), (5,), "dense: {units: 7}"),
        ((9, 4), (9, 3), "conv1d: {filters: 4, kernel_size: 1}"),
        ((4, 4, 8), (8, 8, 3), "conv2d: {filters: 8, kernel_size: 1} with the strides of main"),
        ((4, 4, 8), (8,), "conv2d: {filters: 8, kernel_size: 1} with the strides of main"),
    ],
)
def test_equal_shapes_alone_are_added(main, shortcut, mend, error_of):
    assert Add().joined_shape({"main": main, "shortcut": main, "third": main}) == main
    assert error_of(Add().joined_shape, {"main": main, "shortcut": shortcut}) == (
        f"main gives {main}, shortcut gives {shortcut}; expected equal shapes: give shortcut a layer such as {mend}"
    )


def test_axes_of_one_are_stretched_by_a_product(error_of):
    assert Multiply().joined_shape({"a": (4, 5, 8), "b": (4, 5, 8)}) == (4, 5, 8)
    assert Multiply().joined_shape({"gate": (1, 1, 8), "image": (4, 5, 8), "mask": (4, 5, 1)}) == (4, 5, 8)
    assert error_of(Multiply().joined_shape, {"a": (1, 3), "b": (4, 2)}) == (
        "a gives (1, 3), b gives (4, 2); expected equal shapes, or 1 along an axis: "
        "give b a layer such as conv1d: {filters: 3, kernel_size: 1}"
    )
    assert error_of(Multiply().joined_shape, {"gate": (8,), "image": (4, 5, 8)}) == (
        "gate gives (8,), image gives (4, 5, 8); expected equal numbers of axes: put a reshape before one of them"
    )
