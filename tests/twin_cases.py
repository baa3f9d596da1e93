"""The rows of the twin contract test: every kind of layer, and every model of conf/models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.config import Optimizer, Preprocess
from twintrain.data.dataset import load_dataset
from twintrain.data.schema import Schema, network_schema
from twintrain.models.layers import Weight
from twintrain.models.network import Network, load_network, place_layers

ROWS = 37  # batches of 8 leave a last one of 5
BATCH_SIZE = 8
IMAGE = [9, 8, 3]  # odd and even, so that `same` pads both ways
VECTOR = [7]
CODES = [4, 3, 9]
SAME_2 = {"strides": 2, "padding": "same"}

LAYER_CASES: dict[str, tuple[Any, list[Any]]] = {
    "dense": (VECTOR, [{"dense": {"units": 5}}]),
    "dense without bias": (VECTOR, [{"dense": {"units": 5, "use_bias": False}}]),
    "conv2d valid": (IMAGE, [{"conv2d": {"filters": 4, "kernel_size": 3}}]),
    "conv2d valid, strides 2": (IMAGE, [{"conv2d": {"filters": 4, "kernel_size": 3, "strides": 2}}]),
    "conv2d same": (IMAGE, [{"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same"}}]),
    "conv2d same, strides 2": (IMAGE, [{"conv2d": {"filters": 4, "kernel_size": 3, **SAME_2}}]),
    "conv2d same, even kernel": (IMAGE, [{"conv2d": {"filters": 4, "kernel_size": 4, "padding": "same"}}]),
    "conv2d same, strides 3": (IMAGE, [{"conv2d": {"filters": 4, "kernel_size": 2, "strides": 3, "padding": "same"}}]),
    "conv2d without bias": (IMAGE, [{"conv2d": {"filters": 4, "kernel_size": 3, "use_bias": False}}]),
    "max_pool2d valid": (IMAGE, [{"max_pool2d": {"pool_size": 2}}]),
    "max_pool2d same": (IMAGE, [{"max_pool2d": {"pool_size": 3, **SAME_2}}]),
    "avg_pool2d valid": (IMAGE, [{"avg_pool2d": {"pool_size": 2, "strides": 1}}]),
    "avg_pool2d same": (IMAGE, [{"avg_pool2d": {"pool_size": 3, **SAME_2}}]),
    "flatten": (IMAGE, ["flatten"]),
    "flatten of vectors": (VECTOR, ["flatten"]),
    "dropout": (VECTOR, [{"dropout": {"rate": 0.5}}]),
    "batch_norm on vectors": (VECTOR, ["batch_norm"]),
    "batch_norm on images": (IMAGE, [{"batch_norm": {"momentum": 0.7, "epsilon": 0.01}}]),
    "relu": (VECTOR, [{"activation": {"function": "relu"}}]),
    "leaky_relu": (VECTOR, [{"activation": {"function": "leaky_relu"}}]),
    "leaky_relu with a slope": (VECTOR, [{"activation": {"function": "leaky_relu", "negative_slope": 0.3}}]),
    "sigmoid": (VECTOR, [{"activation": {"function": "sigmoid"}}]),
    "tanh": (VECTOR, [{"activation": {"function": "tanh"}}]),
    "embedding": (CODES, ["embedding"]),
    "embedding of one width": (CODES, [{"embedding": {"output_dim": 3}}]),
    "deep, several classes": (
        IMAGE,
        [
            {"conv2d": {"filters": 4, "kernel_size": 3, **SAME_2}},
            "batch_norm",
            {"activation": {"function": "relu"}},
            {"max_pool2d": {"pool_size": 2}},
            "flatten",
            {"dense": {"units": 6}},
            "batch_norm",
            {"activation": {"function": "tanh"}},
        ],
    ),
}
DROPOUT_RATE = 0.2
MODEL_CASES = {
    "cnn": "mnist5k",
    "mlp": "mnist5k",
    "car_embedding": "car",
    "car_embedding_tuned": "car",
    "diabetes_mlp": "diabetes",
    "logic_mlp": "xor",
}

OPTIMIZERS = {
    "sgd": Optimizer(name="sgd", learning_rate=0.05),
    "momentum": Optimizer(name="sgd", learning_rate=0.02, momentum=0.9),
    "nesterov": Optimizer(name="sgd", learning_rate=0.02, momentum=0.9, nesterov=True),
    "adam": Optimizer(name="adam", learning_rate=0.01),
}
EVERY_OPTIMIZER = ("dense", "batch_norm on images", "embedding", "cnn")


@dataclass(frozen=True)
class Case:
    """A network with rows to feed it and arrays to put into it."""

    network: Network
    features: np.ndarray
    labels: np.ndarray
    weights: dict[str, np.ndarray]

    @property
    def has_dropout(self) -> bool:
        return any(placed.kind == "dropout" for placed in self.network.layers)


def cases(mode: str = "aligned") -> dict[str, Case]:
    """All rows. Layers end in a dense head; every second one is binary, so that both losses are met."""
    found = {}
    for index, (name, (shape, layers)) in enumerate(LAYER_CASES.items()):
        outputs = 1 if index % 2 else 3
        head = ["flatten"] if shape is IMAGE and "flatten" not in layers else []
        network = place_layers(
            [*layers, *head, {"dense": {"units": "outputs"}}], "case", mode, _schema(shape, outputs), Path("case")
        )
        found[name] = _case(network, seed=index)
    for index, (model, dataset) in enumerate(MODEL_CASES.items()):
        schema = network_schema(dataset, load_dataset(dataset), Preprocess())
        found[model] = _case(load_network(model, mode, schema), seed=100 + index)
    return found


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


def _schema(shape: list[int], outputs: int) -> Schema:
    codes = shape is CODES
    return Schema(
        dataset="case",
        task="binary" if outputs == 1 else "multiclass",
        labels=["0", "1"] if outputs == 1 else ["0", "1", "2"],
        input_shape=[len(shape)] if codes else shape,
        input_dtype="int64" if codes else "float",
        categories=shape if codes else None,
        feature_names=None,
        outputs=outputs,
    )


def _case(network: Network, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    schema = network.schema
    if schema.categories:
        features = np.stack([rng.integers(0, size, ROWS) for size in schema.categories], axis=1)
    else:
        features = rng.normal(size=(ROWS, *schema.input_shape))
    labels = rng.integers(0, max(schema.outputs, 2), ROWS)
    weights = {name: _draw(weight, name, rng) for name, weight in network.weights().items()}
    return Case(network, features, labels, weights)


def _draw(weight: Weight, name: str, rng: np.random.Generator) -> np.ndarray:
    """Nothing at zero or one, as biases and batch statistics are at first: a twin that left them out would pass."""
    if name.endswith("variance"):
        return rng.uniform(0.5, 1.5, weight.shape)
    return rng.normal(0, 1 / np.sqrt(max(weight.fan_in, 4)), weight.shape)
