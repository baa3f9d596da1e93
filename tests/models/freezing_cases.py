"""Networks with frozen layers, and the trainings that they are held to."""

from typing import Any

import numpy as np
from twin_cases import OPTIMIZERS

from twintrain.data.schema import Schema
from twintrain.models.network import Network, place_layers
from twintrain.settings.sections.optimizers import Clip, Optimizer, Regularization

ROWS = 24
BATCH_SIZE = 8
STEPS = 9
ADAM = Optimizer(name="adam", learning_rate=0.01)

# Layers, patterns that freeze some of them, and the names of those.
NETWORKS: dict[str, tuple[list[Any], list[int], list[str], set[str]]] = {
    "image": (
        [
            {"conv2d": {"filters": 3, "kernel_size": 3}},
            "batch_norm",
            {"activation": {"function": "prelu"}},
            {"residual": {"layers": [{"conv2d": {"filters": 3, "kernel_size": 3, "padding": "same"}}]}},
            "batch_norm",
            "flatten",
            {"dense": {"units": 5}},
            {"dropout": {"rate": 0.3}},
            {"dense": {"units": "outputs"}},
        ],
        [6, 5, 2],
        ["batch_norm_1", "residual_*", "dense_6"],
        {"batch_norm_1", "residual_3_layers_conv2d_0", "dense_6"},
    ),
    "sequence": (
        [
            {"bidirectional": {"layer": {"lstm": {"units": 3, "return_sequences": True}}}},
            "batch_norm",
            "class_token",
            "positional_embedding",
            {"multi_head_attention": {"num_heads": 2, "use_bias": False}},
            {"gru": {"units": 4}},
            {"dense": {"units": "outputs"}},
        ],
        [5, 3],
        ["bidirectional_0", "batch_norm_1", "class_token_2", "multi_head_*"],
        {
            *("bidirectional_0_forward_lstm_0", "bidirectional_0_backward_lstm_0", "batch_norm_1"),
            *("class_token_2", "multi_head_attention_4"),
        },
    ),
    "vector": (
        [{"dense": {"units": 4}}, "batch_norm", {"dense": {"units": 4}}, {"dense": {"units": "outputs"}}],
        [3],
        ["*_1", "dense_2"],
        {"batch_norm_1", "dense_2"},
    ),
}
TRAININGS: dict[str, dict[str, Any]] = {
    "decayed": {"optimizer": OPTIMIZERS["adamw with amsgrad"]},
    "penalised and clipped": {
        "optimizer": ADAM,
        "regularization": Regularization(l1=0.01, l2=0.1),
        "clip": Clip(norm=0.05),
    },
    "accumulated": {"optimizer": ADAM, "accumulate": 2},
}


def network(name: str) -> Network:
    """A network of NETWORKS without its frozen layers, for three classes."""
    layers, shape, *_ = NETWORKS[name]
    schema = Schema(
        dataset="made up",
        task="multiclass",
        labels=["a", "b", "c"],
        input_shape=shape,
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=3,
    )
    return place_layers(layers, name, "aligned", schema, "made up")


def rows(shape: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Features float64 (rows, *shape) and labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, *shape)), rng.integers(0, 3, ROWS)
