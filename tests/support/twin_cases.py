"""The rows of the twin contract test: every kind of layer, and every model of conf/models."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.data.dataset import load_dataset
from twintrain.data.schema import Schema, network_schema
from twintrain.models.entries import Block
from twintrain.models.layers import LAYERS
from twintrain.models.layers.layer import Weight
from twintrain.models.network import Network, load_network, place_layers
from twintrain.settings.sections.data import Preprocess
from twintrain.settings.sections.losses import Loss
from twintrain.settings.sections.optimizers import Clip, Optimizer, Regularization, Schedule
from twintrain.settings.sections.training import Augmentation, Train

ROWS = 37  # batches of 8 leave a last one of 5
BATCH_SIZE = 8
EPOCHS = 20  # of 5 steps
IMAGE = [9, 8, 3]  # odd and even, so that `same` pads both ways
VECTOR = [7]
CODES = [4, 3, 9]
COLUMNS = ["price", "doors", "safety"]  # of CODES
TABLE = [6]
ENCODED = ["age", "age missing", "pay", "city=a", "city=b", "city missing"]  # columns of TABLE
OF_COLUMNS = ["age", "age", "pay", "city", "city", "city"]  # that these are of
SAME_2 = {"strides": 2, "padding": "same"}

SMALL_IMAGE = [5, 4, 3]
SEQUENCE = [6, 3]
TOKENS = [5, 3, 7, 7]  # categories of each position
PADDED_TOKENS = [6] * 5  # as many steps, some of them padding; one row is nothing else
PADDED = "padded sequences"
EVEN = {"kernel_size": 4, "padding": "same"}


def one(kind: str, /, **arguments: Any) -> dict[str, Any]:
    """A layer as it is written in a model file."""
    return {kind: arguments}


def function(name: str, **arguments: Any) -> dict[str, Any]:
    return one("activation", function=name, **arguments)


APPROXIMATE_GELU, CELU = function("gelu", approximate=True), function("celu", alpha=0.7)
# What overflows, and what has a kink at 0, where the frameworks may have other derivatives.
EXTREME = "activations at 0 and of large numbers"
DROPPED = {"num_heads": 1, "key_dim": 3, "causal": True, "dropout": 0.3}
UNBOUNDED = ("relu", "elu", "silu", "mish", "softplus", "softsign", "hard_swish", "glu")
LARGE = 100.0
RESIDUAL_OF_INCEPTION = one(
    "residual",
    layers=[
        one(
            "inception",
            branches=[
                [one("conv2d", filters=2, kernel_size=1), "batch_norm", function("relu")],
                [one("separable_conv2d", filters=2, kernel_size=3, padding="same"), one("dropout", rate=0.3)],
                [one("max_pool2d", pool_size=3, strides=1, padding="same")],
                [],
            ],
        ),
        "batch_norm",
    ],
    shortcut=[one("conv2d", filters=10, kernel_size=1)],
)


def placed(entry: dict[str, Any], name: str | None = None, sources: list[str] | str | None = None) -> dict[str, Any]:
    """An entry with what stands beside its kind."""
    beside = {"name": name, "from": sources}
    return {**entry, **{key: value for key, value in beside.items() if value}}


# Blocks that rows may use.
BLOCKS = {
    "branch": Block(
        parameters={"kernel": None, "function": "relu"},
        layers=[
            one("conv2d", filters=4, kernel_size="$kernel", padding="same"),
            placed(function("$function"), "active"),
            placed(one("add"), sources=["active", "input"]),
        ],
    )
}
# Two branches that are joined, and what comes out joined again with a gate and with what all began with.
GRAPH = [
    placed(one("conv2d", filters=4, kernel_size=2), "stem"),
    placed(one("branch", kernel=3), "wide", "stem"),
    {**placed(one("branch", kernel=1, function="tanh"), "deep", "stem"), "repeat": 2},
    placed(one("add"), "sum", ["wide", "deep", "stem"]),
    placed(one("global_avg_pool"), "means", "stem"),
    placed(one("reshape", target_shape=[1, 1, 4]), "gate"),
    placed(one("multiply"), "gated", ["sum", "gate"]),
    placed(one("concatenate"), sources=["gated", "stem", "deep"]),
]

# Input shape and layers; the worker puts a dense head behind them.
LAYER_CASES: dict[str, tuple[list[int], list[Any]]] = {
    "dense": (VECTOR, [one("dense", units=5)]),
    "dense without bias": (VECTOR, [one("dense", units=5, use_bias=False)]),
    "dense on sequences": (SEQUENCE, [one("dense", units=4)]),
    "conv1d valid, strides 2": (SEQUENCE, [one("conv1d", filters=4, kernel_size=3, strides=2)]),
    "conv1d same, even kernel": (SEQUENCE, [one("conv1d", filters=4, **EVEN)]),
    "conv1d same, strides 2, without bias": (
        SEQUENCE,
        [one("conv1d", filters=4, kernel_size=3, use_bias=False, **SAME_2)],
    ),
    "conv2d valid": (IMAGE, [one("conv2d", filters=4, kernel_size=3)]),
    "conv2d valid, strides 2": (IMAGE, [one("conv2d", filters=4, kernel_size=3, strides=2)]),
    "conv2d same": (IMAGE, [one("conv2d", filters=4, kernel_size=3, padding="same")]),
    "conv2d same, strides 2": (IMAGE, [one("conv2d", filters=4, kernel_size=3, **SAME_2)]),
    "conv2d same, even kernel": (IMAGE, [one("conv2d", filters=4, **EVEN)]),
    "conv2d same, strides 3": (IMAGE, [one("conv2d", filters=4, kernel_size=2, strides=3, padding="same")]),
    "conv2d without bias": (IMAGE, [one("conv2d", filters=4, kernel_size=3, use_bias=False)]),
    "convolutions of sequences, padding in numbers": (
        SEQUENCE,
        [
            one("conv1d", filters=4, kernel_size=[3], strides=2, padding=[3]),
            one("conv1d", filters=4, kernel_size=3, padding=1),
        ],
    ),
    "convolutions of two numbers": (
        IMAGE,
        [
            one("conv2d", filters=4, kernel_size=[3, 2], strides=[1, 2], padding=[1, 3]),
            one("conv2d", filters=3, kernel_size=[2, 3], strides=[2, 1], padding="same"),
            one("depthwise_conv2d", kernel_size=[3, 2], strides=[2, 1], padding=[2, 1]),
            one("depthwise_conv2d", kernel_size=[2, 3], strides=[1, 2], padding="same"),
            one("separable_conv2d", filters=3, kernel_size=[1, 2], strides=[2, 1], padding=[0, 2]),
        ],
    ),
    "conv1d in groups and dilated": (
        [9, 4],
        [
            one("conv1d", filters=6, kernel_size=2, groups=2, dilation_rate=3, strides=[2], padding="same"),
            one("conv1d", filters=6, kernel_size=3, groups=6, dilation_rate=[2], padding=1),
        ],
    ),
    "conv2d in groups": (
        [5, 4, 4],
        [
            one("conv2d", filters=6, kernel_size=[2, 3], groups=2, strides=[2, 1], padding="same"),
            one("conv2d", filters=12, kernel_size=2, groups=6, padding=1, use_bias=False),
        ],
    ),
    "convolutions of images, dilated": (
        IMAGE,
        [
            one("conv2d", filters=4, kernel_size=[2, 3], dilation_rate=[3, 2], padding="same"),
            one("conv2d", filters=4, kernel_size=3, dilation_rate=2, strides=[2, 1], padding=[2, 1], groups=2),
            one("depthwise_conv2d", kernel_size=2, dilation_rate=[1, 2], padding=[0, 1]),
            one("separable_conv2d", filters=3, kernel_size=2, dilation_rate=2, strides=[1, 2], padding="same"),
        ],
    ),
    "conv1d_transpose": (
        [3, 2],
        [
            one("conv1d_transpose", filters=3, kernel_size=4, strides=[2]),
            one("conv1d_transpose", filters=2, kernel_size=3, strides=2, padding="same"),
            one("conv1d_transpose", filters=2, kernel_size=3, strides=2, padding=1, output_padding=1, use_bias=False),
            one("conv1d_transpose", filters=3, kernel_size=2, strides=3, padding=[1]),
        ],
    ),
    "conv2d_transpose": (
        [2, 3, 2],
        [
            one("conv2d_transpose", filters=3, kernel_size=[3, 2], strides=[2, 1]),
            one("conv2d_transpose", filters=2, kernel_size=[1, 3], strides=2, padding="same"),
            one("conv2d_transpose", filters=2, kernel_size=[4, 3], padding=[2, 1]),
            one("conv2d_transpose", filters=1, kernel_size=[3, 1], strides=[2, 3], padding=[1, 0]),
        ],
    ),
    "conv2d_transpose of windows apart": (
        [2, 2, 2],
        [
            one("conv2d_transpose", filters=2, kernel_size=[2, 1], strides=3),
            one("conv2d_transpose", filters=2, kernel_size=3, strides=2, padding=1, output_padding=[1, 0]),
            one("conv2d_transpose", filters=1, kernel_size=[5, 4], strides=[2, 3], padding="same"),
        ],
    ),
    "depthwise_conv2d": (IMAGE, [one("depthwise_conv2d", kernel_size=3)]),
    "depthwise_conv2d of two filters, same, strides 2": (
        IMAGE,
        [one("depthwise_conv2d", kernel_size=3, depth_multiplier=2, **SAME_2)],
    ),
    "depthwise_conv2d of one channel, without bias": (
        [5, 4, 1],
        [one("depthwise_conv2d", depth_multiplier=2, use_bias=False, **EVEN)],
    ),
    "separable_conv2d": (IMAGE, [one("separable_conv2d", filters=4, kernel_size=3)]),
    "separable_conv2d of two filters, same, strides 2": (
        IMAGE,
        [one("separable_conv2d", filters=4, kernel_size=3, depth_multiplier=2, use_bias=False, **SAME_2)],
    ),
    "max_pool1d": (SEQUENCE, ["max_pool1d"]),
    "max_pool1d same": (SEQUENCE, [one("max_pool1d", pool_size=3, **SAME_2)]),
    "max_pool2d valid": (IMAGE, [one("max_pool2d", pool_size=2)]),
    "max_pool2d same": (IMAGE, [one("max_pool2d", pool_size=3, **SAME_2)]),
    "avg_pool1d": (SEQUENCE, [one("avg_pool1d", pool_size=3, strides=2)]),
    "avg_pool1d same": (SEQUENCE, [one("avg_pool1d", pool_size=4, **SAME_2)]),
    "avg_pool2d valid": (IMAGE, [one("avg_pool2d", pool_size=2, strides=1)]),
    "avg_pool2d same": (IMAGE, [one("avg_pool2d", pool_size=3, **SAME_2)]),
    "pools of sequences, padding in numbers": (
        SEQUENCE,
        [
            one("max_pool1d", pool_size=3, strides=[2], padding=2),
            one("avg_pool1d", pool_size=[3], strides=1, padding=[2]),
            one("dense", units=4),
        ],
    ),
    "pools of two numbers": (
        IMAGE,
        [
            one("conv2d", filters=3, kernel_size=1),
            one("max_pool2d", pool_size=[3, 2], strides=[1, 2], padding=[2, 1]),
            one("avg_pool2d", pool_size=[2, 3], strides=[2, 1], padding=[1, 2]),
            one("max_pool2d", pool_size=[2, 3], strides=[1, 2], padding="same"),
            one("avg_pool2d", pool_size=[3, 2], strides=[2, 1], padding="same"),
        ],
    ),
    "global_avg_pool of images": (IMAGE, ["global_avg_pool"]),
    "global_avg_pool of sequences": (SEQUENCE, ["global_avg_pool"]),
    "global_max_pool": (
        IMAGE,
        [one("conv2d", filters=4, kernel_size=3), "global_max_pool"],
    ),
    "global_max_pool of sequences": (SEQUENCE, [one("dense", units=4), "global_max_pool"]),
    "conv3d": (
        [4, 5, 8],
        [
            one("reshape", target_shape=[5, 4, 4, 2]),
            one("conv3d", filters=4, kernel_size=[2, 3, 1], strides=[1, 2, 2], padding="same"),
            one("conv3d", filters=2, kernel_size=2, padding=[1, 0, 1]),
            one("conv3d", filters=2, kernel_size=[3, 1, 2], dilation_rate=[2, 1, 1], use_bias=False),
            "batch_norm",
            one("dropout", rate=0.2),
        ],
    ),
    "conv3d of one channel and one place": (
        [5, 3, 3],
        [
            one("reshape", target_shape=[5, 3, 3, 1]),
            one("conv3d", filters=4, kernel_size=[1, 1, 2], strides=[2, 1, 3], padding="same"),
        ],
    ),
    "pools of volumes": (
        [9, 10],
        [
            one("reshape", target_shape=[3, 5, 3, 2]),
            one("conv3d", filters=3, kernel_size=1),
            one("max_pool3d", pool_size=[1, 3, 2], strides=1, padding=[0, 2, 1]),
            one("avg_pool3d", pool_size=2, strides=[1, 2, 1], padding="same"),
            one("avg_pool3d", pool_size=[3, 1, 2], strides=[2, 1, 1], padding=[1, 0, 1]),
            one("max_pool3d", padding="same"),
            one("zero_padding", padding=[[1, 0], 0, 1]),
            one("cropping", cropping=[0, 0, [0, 1]]),
            one("inception", branches=[[], [one("conv3d", filters=1, kernel_size=1)]]),
            "layer_norm",
            one("inception", branches=[["global_avg_pool"], ["global_max_pool"]]),
        ],
    ),
    "zero_padding and cropping": (
        SMALL_IMAGE,
        [
            one("zero_padding", padding=[1, [0, 2]]),
            one("conv2d", filters=3, kernel_size=2),
            one("cropping", cropping=[[0, 2], 1]),
            one("zero_padding", padding=1),
        ],
    ),
    "zero_padding and cropping of sequences": (
        SEQUENCE,
        [
            one("zero_padding", padding=[[2, 1]]),
            one("conv1d", filters=4, kernel_size=2),
            one("cropping", cropping=[[0, 3]]),
            one("zero_padding", padding=2),
        ],
    ),
    "up_sampling2d": (
        [3, 2, 2],
        [
            one("conv2d", filters=3, kernel_size=1),
            one("up_sampling2d", size=[2, 3]),
            one("conv2d", filters=2, kernel_size=3, padding="same", strides=2),
            one("up_sampling2d", size=[3, 2], interpolation="bilinear"),
            one("conv2d", filters=2, kernel_size=2, padding=1, strides=2),
        ],
    ),
    "flatten": (IMAGE, ["flatten"]),
    "flatten of vectors": (VECTOR, ["flatten"]),
    "flatten of sequences": (SEQUENCE, [one("dense", units=4), "flatten"]),
    "reshape of images to sequences": (SMALL_IMAGE, [one("reshape", target_shape=[4, 15]), one("dense", units=4)]),
    "reshape of sequences to images": (
        [6, 4],
        [one("reshape", target_shape=[4, 3, 2]), one("conv2d", filters=3, kernel_size=2)],
    ),
    "reshape of images to images": (SMALL_IMAGE, [one("reshape", target_shape=[3, 5, 4]), "batch_norm"]),
    "dropout": (VECTOR, [one("dense", units=6), one("dropout", rate=0.5)]),
    "dropout on images": (SMALL_IMAGE, [one("conv2d", filters=4, kernel_size=2), one("dropout", rate=0.3)]),
    "dropout on sequences": (SEQUENCE, [one("dropout", rate=0.3), one("dense", units=4)]),
    "spatial_dropout on images": (SMALL_IMAGE, [one("spatial_dropout", rate=0.4)]),
    "spatial_dropout on sequences": (SEQUENCE, [one("dense", units=4), one("spatial_dropout", rate=0.4)]),
    "batch_norm on vectors": (VECTOR, ["batch_norm"]),
    "batch_norm on sequences": (SEQUENCE, [one("batch_norm", momentum=0.7)]),
    "batch_norm on images": (IMAGE, [one("batch_norm", momentum=0.7, epsilon=0.01)]),
    "layer_norm on vectors": (VECTOR, ["layer_norm"]),
    "layer_norm on sequences": (SEQUENCE, [one("layer_norm", epsilon=0.01)]),
    "layer_norm on images": (SMALL_IMAGE, ["layer_norm"]),
    "norms of vectors": (
        VECTOR,
        [one("dense", units=6), one("batch_norm", scale=False), "rms_norm", one("dense", units=5), "unit_norm"],
    ),
    "norms of sequences": (
        SEQUENCE,
        [
            one("dense", units=6),
            one("group_norm", groups=3),
            one("batch_norm", center=False),
            one("instance_norm", epsilon=0.1),
            one("rms_norm", epsilon=0.01),
            "unit_norm",
        ],
    ),
    "norms of images": (
        SMALL_IMAGE,
        [
            one("conv2d", filters=4, kernel_size=2),
            one("group_norm", groups=2, epsilon=0.01),
            one("batch_norm", scale=False, center=False),
            "rms_norm",
            one("conv2d", filters=3, kernel_size=2),
            one("instance_norm", epsilon=0.1),
            "unit_norm",
        ],
    ),
    "relu": (VECTOR, [function("relu")]),
    "relu6": (VECTOR, [one("dense", units=30), function("relu6")]),
    "leaky_relu": (VECTOR, [function("leaky_relu")]),
    "leaky_relu with a slope": (VECTOR, [function("leaky_relu", negative_slope=0.3)]),
    "prelu on vectors": (VECTOR, [function("prelu")]),
    "prelu on sequences": (SEQUENCE, [function("prelu", alpha_initializer=0.1)]),
    "prelu on images": (SMALL_IMAGE, [function("prelu")]),
    "elu": (VECTOR, [function("elu")]),
    "selu": (VECTOR, [function("selu")]),
    "gelu": (VECTOR, [function("gelu")]),
    "silu": (VECTOR, [function("silu")]),
    "sigmoid": (VECTOR, [function("sigmoid")]),
    "tanh": (VECTOR, [function("tanh")]),
    "hardtanh": (VECTOR, [function("hardtanh")]),
    "smooth activations": (
        VECTOR,
        [one("dense", units=8), CELU, *map(function, ("mish", "softsign", "softplus")), APPROXIMATE_GELU],
    ),
    "hard_swish and gates": (
        SEQUENCE,
        [one("dense", units=12), *map(function, ("hard_swish", "glu", "swiglu"))],
    ),
    "hard_sigmoid": (VECTOR, [one("dense", units=6), function("hard_sigmoid")]),
    "gates on images": (SMALL_IMAGE, [one("conv2d", filters=8, kernel_size=2), function("swiglu"), function("glu")]),
    EXTREME: (
        VECTOR,
        [
            one("dense", units=4),
            one("inception", branches=[[function(name)] for name in UNBOUNDED] + [[APPROXIMATE_GELU], [CELU]]),
            "layer_norm",
        ],
    ),
    "softmax activation on vectors": (VECTOR, [function("softmax")]),
    "softmax activation on sequences": (SEQUENCE, [function("softmax")]),
    "softmax activation on images": (SMALL_IMAGE, [function("softmax")]),
    "softmax head": (VECTOR, [one("dense", units=5), one("dropout", rate=0.2), "softmax"]),
    "embedding": (CODES, ["embedding"]),
    "embedding of one width": (CODES, [one("embedding", output_dim=3)]),
    "embedding of tokens": (TOKENS, [one("embedding", input="tokens")]),
    "embedding of tokens of one width": (
        TOKENS,
        [one("embedding", input="tokens", output_dim=3), one("lstm", units=3)],
    ),
    "multi_head_attention": (
        [5, 6],
        [one("multi_head_attention", num_heads=2), one("multi_head_attention", num_heads=3, key_dim=5, use_bias=False)],
    ),
    "causal attention with dropout": (
        [5, 6],
        [one("multi_head_attention", num_heads=3, causal=True), one("multi_head_attention", **DROPPED)],
    ),
    "tokens and positions": (
        SEQUENCE,
        [
            one("positional_embedding", kind="sinusoidal"),
            "class_token",
            "positional_embedding",
            one("multi_head_attention", num_heads=1),
            one("take_step", index=0),
        ],
    ),
    "simple_rnn": (SEQUENCE, [one("simple_rnn", units=4)]),
    "simple_rnn, sequences, without bias": (
        SEQUENCE,
        [one("simple_rnn", units=4, return_sequences=True, use_bias=False)],
    ),
    "lstm": (SEQUENCE, [one("lstm", units=4)]),
    "lstm, sequences": (SEQUENCE, [one("lstm", units=4, return_sequences=True)]),
    "lstm without bias": (SEQUENCE, [one("lstm", units=4, use_bias=False)]),
    "gru": (SEQUENCE, [one("gru", units=4)]),
    "gru, sequences, without bias": (SEQUENCE, [one("gru", units=4, return_sequences=True, use_bias=False)]),
    "bidirectional simple_rnn": (SEQUENCE, [one("bidirectional", layer=one("simple_rnn", units=4))]),
    "bidirectional lstm, sequences": (
        SEQUENCE,
        [one("bidirectional", layer=one("lstm", units=3, return_sequences=True)), one("lstm", units=3)],
    ),
    "bidirectional gru": (SEQUENCE, [one("bidirectional", layer=one("gru", units=3))]),
    "bidirectional gru, sequences": (
        SEQUENCE,
        [one("bidirectional", layer=one("gru", units=3, return_sequences=True))],
    ),
    "add, concatenate and multiply on images, in blocks": (SMALL_IMAGE, GRAPH),
    "add, concatenate and multiply on sequences": (
        SEQUENCE,
        [
            placed(one("dense", units=4), "rnn"),  # as a part of the next layer is called in PyTorch
            placed(one("gru", units=4, return_sequences=True), "states", "input"),
            placed(one("multiply"), "gated", ["states", "rnn"]),
            placed(one("concatenate"), "both", ["gated", "input"]),
            placed(one("lstm", units=3), "end"),
            placed(one("simple_rnn", units=3), "other_end", "both"),
            placed(one("add"), None, ["end", "other_end"]),
        ],
    ),
    "inception on vectors": (VECTOR, [one("inception", branches=[[one("dense", units=3), function("tanh")], []])]),
    "inception on sequences": (
        SEQUENCE,
        [one("inception", branches=[[one("conv1d", filters=3, **EVEN)], [one("gru", units=3, return_sequences=True)]])],
    ),
    "residual on vectors": (VECTOR, [one("residual", layers=[one("dense", units=7), function("silu")])]),
    "residual with a shortcut, strides 2": (
        SMALL_IMAGE,
        [
            one(
                "residual",
                layers=[one("conv2d", filters=4, kernel_size=3, **SAME_2), function("prelu")],
                shortcut=[one("conv2d", filters=4, kernel_size=1, strides=2, padding="same"), "batch_norm"],
            )
        ],
    ),
    "residual with a shortcut, written out": (
        SMALL_IMAGE,
        [
            one("conv2d", filters=4, kernel_size=3, **SAME_2),
            placed(function("prelu"), "main"),
            placed(one("conv2d", filters=4, kernel_size=1, strides=2, padding="same"), None, "input"),
            placed(one("batch_norm"), "shortcut"),
            placed(one("add"), None, ["main", "shortcut"]),
        ],
    ),
    "inception on sequences, written out": (
        SEQUENCE,
        [
            placed(one("conv1d", filters=3, **EVEN), "a"),
            placed(one("gru", units=3, return_sequences=True), "b", "input"),
            placed(one("concatenate"), None, ["a", "b"]),
        ],
    ),
    "inception inside a residual": (SMALL_IMAGE, [RESIDUAL_OF_INCEPTION, "global_avg_pool"]),
    "deep, several classes": (
        IMAGE,
        [
            one("conv2d", filters=4, kernel_size=3, **SAME_2),
            "batch_norm",
            function("relu"),
            one("max_pool2d", pool_size=2),
            "flatten",
            one("dense", units=6),
            "batch_norm",
            function("tanh"),
        ],
    ),
    PADDED: (
        PADDED_TOKENS,
        [
            one("embedding", input="tokens", output_dim=4, mask_zero=True),
            one("dropout", rate=0.2),
            placed(one("multi_head_attention", num_heads=2, dropout=0.3, causal=True), "mixed"),
            placed(one("lstm", units=4, return_sequences=True)),
            placed(function("softmax"), "states"),
            placed(one("add"), None, ["states", "mixed"]),
            one("bidirectional", layer=one("gru", units=2, return_sequences=True)),
            placed(one("layer_norm"), "normed"),
            placed(one("bidirectional", layer=one("simple_rnn", units=2)), "ends"),
            placed(one("global_avg_pool"), "mean", "normed"),
            placed(one("global_max_pool"), "largest", "normed"),
            placed(one("take_step", index=-2), "last", "normed"),
            placed(one("concatenate"), None, ["ends", "mean", "largest", "last"]),
        ],
    ),
    "multi_head_attention to a padded memory": (
        PADDED_TOKENS,
        [
            one("embedding", input="tokens", output_dim=4, mask_zero=True),
            "class_token",
            placed(one("multi_head_attention", num_heads=1, use_bias=False), "memory"),
            placed(one("take_step", index=0)),
            placed(one("reshape", target_shape=[2, 2]), "query"),
            placed(one("multi_head_attention", num_heads=2, key_dim=3), "mixed", ["query", "memory"]),
            placed(one("multi_head_attention", num_heads=1, dropout=0.3), None, ["mixed", "query"]),
        ],
    ),
    "time_distributed": (
        [4, 36],
        [
            one("time_distributed", layer=one("dense", units=12)),
            one("time_distributed", layer=one("reshape", target_shape=[3, 2, 2])),
            one("time_distributed", layer=one("conv2d", filters=3, kernel_size=2)),
            one("time_distributed", layer="layer_norm"),
            one("time_distributed", layer=one("time_distributed", layer=one("dense", units=2))),
            one("time_distributed", layer="flatten"),
        ],
    ),
    "columns": (
        TABLE,
        [
            placed(one("columns", names=["pay", "city"]), "wide"),
            placed(one("columns", names=["age"]), None, "input"),
            placed(one("dense", units=3), "deep"),
            placed(one("concatenate"), None, ["deep", "wide"]),
        ],
    ),
    "columns of codes": (
        CODES,
        [
            placed(one("columns", names=["doors"])),
            placed(one("embedding", output_dim=4), "doors"),
            placed(one("columns", names=["safety", "price"]), None, "input"),
            placed(one("embedding"), "others"),
            placed(one("concatenate"), None, ["doors", "others"]),
        ],
    ),
    "layers called like parts of others": (
        [5, 4],
        [
            placed(one("dense", units=4), "att_query"),
            placed(one("multi_head_attention", num_heads=1), "att"),
            placed(one("positional_embedding"), "place"),
            placed(one("layer_norm"), "place_arrays"),
            one("time_distributed", layer=one("reshape", target_shape=[2, 2])),
            one("time_distributed", layer=one("bidirectional", layer=one("simple_rnn", units=2))),
        ],
    ),
}
# Rows in a long form, with those in the short one: they are drawn the same numbers.
WRITTEN_OUT = {
    "residual with a shortcut, written out": "residual with a shortcut, strides 2",
    "inception on sequences, written out": "inception on sequences",
}
DROPOUT_RATE = 0.2
MASK_SEED, MASK_CALLS, MASK_ROWS = 7, 3, 11
MODEL_CASES = {
    "cnn": "mnist5k",
    "mlp": "mnist5k",
    "conventions": "mnist5k",
    "car_embedding": "car",
    "car_embedding_tuned": "car",
    "diabetes_mlp": "diabetes",
    "logic_mlp": "xor",
    "wide_mlp": "mnist5k",
    "wide_mlp_dropout": "mnist5k",
    "wide_mlp_batch_norm": "mnist5k",
    "deep_mlp_tanh": "mnist5k",
    "autoencoder": "mnist5k",
    "image_classifier": "mnist5k",
    "net": "mnist5k",
    "color_cnn": "cifar10",
    "inception": "cifar10",
    "lstm": "timeseries",
    "linear": "timeseries",
    "regression_mlp": "diabetes_progression",
    "perceptron": "xor",
    "airline_mlp": "diabetes",
    "table_mlp": "diabetes",
    "wide_and_deep": "diabetes",
    "image_cnn": "mnist5k",
    "vit_tiny": "mnist5k",
    "transformer_encoder": "timeseries",
    "unet_digits": "noisy_digits",
    "text_embedding": "reviews",
    "text_lstm": "reviews",
    "transformer_text": "reviews",
    "multitask": "mnist5k",
}
# Further targets of those models that have some.
TARGETS = {"multitask": {"parity": {"even": ["0", "2", "4", "6", "8"], "odd": ["1", "3", "5", "7", "9"]}}}
# Models whose layers have rows of their own, put together as others are: the slow tests have them.
FURTHER_MODELS = (
    *("conventions", "wide_mlp", "wide_mlp_dropout", "wide_mlp_batch_norm", "deep_mlp_tanh", "image_classifier", "net"),
    *("color_cnn", "inception", "linear", "perceptron", "airline_mlp", "table_mlp", "image_cnn"),
    *("wide_and_deep", "car_embedding_tuned", "regression_mlp", "diabetes_mlp", "vit_tiny", "transformer_encoder"),
    "unet_digits",
    *("text_embedding", "text_lstm", "transformer_text"),
)
# Differ from a row in the number of units alone, or in an activation or a test that has a row of its own, or are put
# together of what rows have, and verified by their presets: of a batch of 8, deep ones are chaotic or slow.
LIKE_ANOTHER = (
    "small_mlp",
    *("resnet18", "resnet18_small", "alexnet_small", "mobilenet_v2", "mobilenet_v2_small"),
    *(f"deep_mlp_{name}" for name in ["sigmoid", "relu", "relu6", "elu", "selu", "leaky_relu", "prelu", "hardtanh"]),
)

OPTIMIZERS = {
    "sgd": Optimizer(name="sgd", learning_rate=0.05),
    "momentum": Optimizer(name="sgd", learning_rate=0.02, momentum=0.9),
    "nesterov": Optimizer(name="sgd", learning_rate=0.02, momentum=0.9, nesterov=True),
    "adagrad": Optimizer(name="adagrad", learning_rate=0.05),
    "adagrad from a start": Optimizer(
        name="adagrad", learning_rate=0.05, initial_accumulator_value=0.1, lr_decay=0.01, epsilon=1e-7
    ),
    "adadelta": Optimizer(name="adadelta", learning_rate=1.0),
    "adadelta, options": Optimizer(name="adadelta", learning_rate=0.5, rho=0.95, epsilon=1e-5),
    "rmsprop": Optimizer(name="rmsprop", learning_rate=0.01),
    "rmsprop with momentum": Optimizer(name="rmsprop", learning_rate=0.005, momentum=0.9, rho=0.9, epsilon=1e-6),
    "rmsprop centered": Optimizer(name="rmsprop", learning_rate=0.005, momentum=0.5, centered=True),
    "adam": Optimizer(name="adam", learning_rate=0.01),
    "amsgrad": Optimizer(name="adam", learning_rate=0.01, amsgrad=True, beta_1=0.8, beta_2=0.9, epsilon=1e-6),
    "adamax": Optimizer(name="adamax", learning_rate=0.01),
    "nadam": Optimizer(name="nadam", learning_rate=0.01),
    "nadam, options": Optimizer(name="nadam", learning_rate=0.01, momentum_decay=0.1, beta_1=0.8),
    "adamw": Optimizer(name="adamw", learning_rate=0.01),
    "adamw with amsgrad": Optimizer(name="adamw", learning_rate=0.01, weight_decay=0.3, amsgrad=True),
    "rprop": Optimizer(name="rprop", learning_rate=0.01),
    "rprop, options": Optimizer(name="rprop", learning_rate=0.01, etas=[0.6, 1.5], step_sizes=[1e-3, 0.03]),
    "lion": Optimizer(name="lion", learning_rate=0.003),
    "lion, options": Optimizer(name="lion", learning_rate=0.003, beta_1=0.8, beta_2=0.9, weight_decay=0.3),
    "lamb": Optimizer(name="lamb", learning_rate=0.01),
    "lamb, options": Optimizer(name="lamb", learning_rate=0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-4, weight_decay=0.3),
    "asgd": Optimizer(name="asgd", learning_rate=0.05),
    "asgd, options": Optimizer(name="asgd", learning_rate=0.05, lambd=0.1, alpha=0.5),
}
# Every optimizer on tables whose rows are not all in a batch, and on the dense head; a graph costs Keras a second.
EVERY_OPTIMIZER = ("embedding of one width",)
SOME_OPTIMIZERS = dict.fromkeys(("batch_norm on images", "cnn"), ("sgd", "momentum", "nesterov", "adam"))


def further_rows() -> tuple[str, ...]:
    """Rows that the slow tests have: the models above, and layers that the fast ones have in another row.

    Fast are rows named as a kind of layer, those that are the first with a kind or with a function, and those that
    optimizers and trainings are compared on.
    """
    fast = {*LAYERS, *SOME_OPTIMIZERS, *(row for row, _ in TRAININGS.values())}
    found, met = [], set()
    for name, (_, layers) in LAYER_CASES.items():
        new = kinds(layers) | functions(layers)
        if name not in fast and new <= met:
            found.append(name)
        met |= new
    return (*found, *FURTHER_MODELS)


def logged_rows() -> set[str]:
    """Rows that go through MLflow too, which asks no more of a layer than its file: each kind of layer, all models."""
    return {*LAYER_CASES, *MODEL_CASES} - set(further_rows()) | {*FURTHER_MODELS}


def optimizers_for(case: str) -> tuple[str, ...]:
    """Names of the optimizers that a row is trained with."""
    return tuple(OPTIMIZERS) if case in EVERY_OPTIMIZER else SOME_OPTIMIZERS.get(case, ("sgd",))


# Dropout leaves some channels of a batch of 8 without variance, which batch_norm divides by: rounding grows a
# thousandfold every ten steps, and a framework parts from itself as it does from the other. So it does on inputs of
# hundreds.
CHAOTIC = ("car_embedding", "car_embedding_tuned", EXTREME)
# Models that each framework is asked to start by itself.
NATIVE = ("cnn", "mlp", "car_embedding")

# What else can be set about a training, with the row that is trained so; each is SGD.
TRAININGS: dict[str, tuple[str, dict[str, Any]]] = {
    "label smoothing": ("dense", {"loss": Loss(label_smoothing=0.1)}),
    "class weights": ("dense", {"loss": Loss(class_weights=[0.5, 2.0, 1.3])}),
    "mse": ("dense", {"loss": Loss(name="mse")}),
    "mae": ("dense", {"loss": Loss(name="mae")}),
    "huber": ("dense", {"loss": Loss(name="huber", delta=0.3)}),
    "binary label smoothing": (
        "dense without bias",
        {"loss": Loss(label_smoothing=0.1, class_weights=[0.3, 2.0])},
    ),
    "binary mse": ("dense without bias", {"loss": Loss(name="mse")}),
    "binary mae": ("dense without bias", {"loss": Loss(name="mae")}),
    "binary huber": ("dense without bias", {"loss": Loss(name="huber", delta=0.3)}),
    "focal": ("dense", {"loss": Loss(name="focal")}),
    "kl divergence": ("dense", {"loss": Loss(name="kl_divergence", label_smoothing=0.1)}),
    "hinge": ("dense", {"loss": Loss(name="hinge")}),
    "cosine": ("dense", {"loss": Loss(name="cosine")}),
    "warm-up and steps": ("dense", {"schedule": Schedule(name="step", step_size=5, gamma=0.5, warmup=7)}),
    "one cycle": ("dense", {"schedule": Schedule(name="one_cycle")}),
    "l1 and l2": ("dense", {"regularization": Regularization(l1=0.01, l2=0.1)}),
    "clipped by norm": ("dense", {"clip": Clip(norm=0.1)}),
    "clipped by value": ("dense", {"clip": Clip(value=0.03)}),
    "moving average": ("dense", {"ema": 0.9}),
    "batches of 32": ("dense", {"batch_size": 4 * BATCH_SIZE}),
    "4 batches a step": ("dense", {"accumulate": 4}),
    "augmented images": (
        "cnn",
        {"augmentation": Augmentation(shift=2, rotation=15.0, crop=0.8, flip=0.5, erasing=0.5)},
    ),
    "weights of targets": ("multitask", {"loss": Loss(label_smoothing=0.1, weights={"digit": 0.7, "parity": 2.0})}),
    "mixed images of several targets": ("multitask", {"augmentation": Augmentation(mixup=0.4, cutmix=1.0)}),
    "mixed images": ("cnn", {"augmentation": Augmentation(flip=0.5, mixup=0.4, cutmix=1.0)}),
    "all at once": (
        "batch_norm on images",
        {
            "loss": Loss(label_smoothing=0.1),
            "schedule": Schedule(name="cosine", minimum=1e-3, warmup=3),
            "regularization": Regularization(l1=1e-3, l2=0.01),
            "clip": Clip(norm=0.5, value=0.1),
            "accumulate": 2,
        },
    ),
}


def trainings_for(case: str) -> dict[str, Train]:
    """The trainings of a row by name, plain SGD first."""
    found = {f"by {name}": {"optimizer": OPTIMIZERS[name]} for name in ("sgd", *optimizers_for(case))}
    found |= {f"with {name}": settings for name, (row, settings) in TRAININGS.items() if row == case}
    common = {"dtype": "float64", "epochs": EPOCHS, "batch_size": BATCH_SIZE, "optimizer": OPTIMIZERS["sgd"]}
    return {name: Train(**{**common, **settings}) for name, settings in found.items()}


@dataclass(frozen=True)
class Case:
    """A network with rows to feed it and arrays to put into it."""

    network: Network
    features: np.ndarray
    labels: np.ndarray
    weights: dict[str, np.ndarray]


@functools.cache
def cases(mode: str = "aligned") -> dict[str, Case]:
    """All rows. Layers end in a dense head; every second one is binary, so that both losses are met."""
    found = {}
    rows = list(LAYER_CASES)
    for name, (shape, layers) in LAYER_CASES.items():
        index = rows.index(WRITTEN_OUT.get(name, name))
        found[name] = case_of(shape, layers, _outputs(index, layers), seed=index, mode=mode)
    found[EXTREME] = _extreme(found[EXTREME])
    for index, (model, dataset) in enumerate(MODEL_CASES.items()):
        schema = network_schema(dataset, load_dataset(dataset), Preprocess(further=TARGETS.get(model)))
        found[model] = _case(load_network(model, mode, schema), seed=100 + index)
    return found


def case_of(shape: list[int], layers: list[Any], outputs: int, seed: int, mode: str = "aligned") -> Case:
    """A row of layers that are given as in a model file."""
    network = place_layers(_with_logits(layers), "case", mode, _schema(shape, outputs), Path("case"), BLOCKS)
    return _case(network, seed)


def _extreme(case: Case) -> Case:
    """Large numbers, and one row of zeros that stay zeros before the activations."""
    features = case.features * LARGE
    features[0] = 0
    return replace(case, features=features, weights={**case.weights, "dense_0/bias": np.zeros(4)})


def kinds(entries: list[Any]) -> set[str]:
    """Kinds of all layers in a list, at any depth."""
    found = set()
    for entry in entries:
        kind, arguments = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        if kind in BLOCKS:
            found |= kinds(BLOCKS[kind].layers)
            continue
        nested = [*arguments.get("branches", []), arguments.get("layers", []), arguments.get("shortcut", [])]
        nested.append([arguments["layer"]] if "layer" in arguments else [])
        found |= {kind}.union(*map(kinds, nested))
    return found


def functions(entries: list[Any]) -> set[str]:
    """Functions of the activations in a list, those within other layers left out."""
    return {entry["activation"]["function"] for entry in entries if isinstance(entry, dict) and "activation" in entry}


def mask_networks() -> dict[str, Network]:
    """Networks whose second layer drops, on every kind of sample: the places where masks are compared."""
    rows = {
        "dropout on vectors": (VECTOR, [one("dense", units=9), one("dropout", rate=DROPOUT_RATE)]),
        "dropout on sequences": (SEQUENCE, [one("dense", units=9), one("dropout", rate=DROPOUT_RATE)]),
        "dropout on images": (IMAGE, ["batch_norm", one("dropout", rate=DROPOUT_RATE)]),
        "spatial_dropout on sequences": (SEQUENCE, [one("dense", units=9), one("spatial_dropout", rate=DROPOUT_RATE)]),
        "spatial_dropout on images": (IMAGE, ["batch_norm", one("spatial_dropout", rate=DROPOUT_RATE)]),
    }
    return {
        name: place_layers(_with_logits(layers), "case", "aligned", _schema(shape, 3), Path("case"))
        for name, (shape, layers) in rows.items()
    }


def native_case() -> Case:
    """A network that leaves all to each framework but the initializers of its first layer."""
    written = {"kernel_initializer": "zeros", "bias_initializer": "ones"}
    layers = [
        {"dense": {"units": 4, **written}},
        "batch_norm",
        {"activation": {"function": "leaky_relu"}},
        {"dense": {"units": "outputs"}},
    ]
    return _case(place_layers(layers, "case", "native", _schema(VECTOR, 1), Path("case")), seed=0)


def _outputs(index: int, layers: list[Any]) -> int:
    return 1 if index % 2 and layers[-1] != "softmax" else 3


def _with_logits(layers: list[Any]) -> list[Any]:
    """Flattens what may not be a vector, and ends in logits, before a softmax where there is one."""
    head = ["softmax"] if layers[-1] == "softmax" else []
    return [*layers[: len(layers) - len(head)], "flatten", one("dense", units="outputs"), *head]


def _schema(shape: list[int], outputs: int) -> Schema:
    codes = any(shape is each for each in (CODES, TOKENS, PADDED_TOKENS))
    return Schema(
        dataset="case",
        task="binary" if outputs == 1 else "multiclass",
        labels=["0", "1"] if outputs == 1 else ["0", "1", "2"],
        input_shape=[len(shape)] if codes else shape,
        input_dtype="int64" if codes else "float",
        categories=shape if codes else None,
        feature_names=COLUMNS if shape is CODES else ENCODED if shape is TABLE else None,
        columns=COLUMNS if shape is CODES else OF_COLUMNS if shape is TABLE else None,
        outputs=outputs,
    )


def _case(network: Network, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    schema = network.schema
    if schema.input_dims:
        features = np.stack([rng.integers(0, size, ROWS) for size in schema.input_dims], axis=1)
        if schema.tokens or schema.categories == PADDED_TOKENS:
            features = _padded(features, rng)
    else:
        features = rng.normal(size=(ROWS, *schema.input_shape))
    if schema.task == "regression":
        labels = rng.normal(size=(ROWS, schema.outputs))
    elif schema.task == "segmentation":
        labels = rng.random((ROWS, schema.outputs)) < 0.3
    else:
        labels = rng.integers(0, len(schema.labels), ROWS)
    weights = {name: _draw(weight, name, rng) for name, weight in network.weights().items()}
    return Case(network, features, labels, weights)


def _padded(tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows of any length, padded behind, before, or anywhere; the first is padding alone."""
    rows, steps = tokens.shape
    place = np.arange(steps) + rng.integers(-steps, steps + 1, (rows, 1))
    tokens = np.where((place < 0) | (place >= steps), 0, tokens)
    tokens[0] = 0
    return tokens


def _draw(weight: Weight, name: str, rng: np.random.Generator) -> np.ndarray:
    """Nothing at zero or one, as biases and batch statistics are at first: a twin that left them out would pass."""
    if name.endswith("variance"):
        return rng.uniform(0.5, 1.5, weight.shape)
    return rng.normal(0, 1 / np.sqrt(max(weight.fan_in, 4)), weight.shape)
