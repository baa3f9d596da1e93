"""Networks small enough to be computed by hand, with the figures that came out."""

from pathlib import Path
from typing import Literal

import numpy as np

from twintrain.data.schema import Schema
from twintrain.models.network import Network, place_layers

# Backpropagation by hand, from a slide of a deep-learning course: 2-2-2 sigmoids without biases, error ½ Σ (o − t)²,
# one step of gradient descent with learning rate 0.5. W1 and W2 lead to the first hidden unit, W3 and W4 to the
# second, W5 and W6 to the first output, W7 and W8 to the second.
INPUTS, TARGETS, LEARNING_RATE = [0.1, 0.2], [0.4, 0.6], 0.5
HIDDEN_WEIGHTS, OUTPUT_WEIGHTS = [[0.3, 0.25], [0.4, 0.35]], [[0.45, 0.4], [0.7, 0.6]]
BY_HAND = {
    "hidden": [0.51998934, 0.52747230],
    "outputs": [0.60944600, 0.66384491],
    "error": 0.02397190,
    "hidden weights after": [[0.29959556, 0.24919112], [0.39964496, 0.34928991]],
    "output weights after": [[0.43703857, 0.38685205], [0.69629578, 0.59624247]],
    "outputs after": [0.60617688, 0.66295848],
    "error after": 0.02323634,
}

# Weights of x₁ and x₂, and the bias: the perceptron gates of the same course.
GATES = {"and": (0.5, 0.5, -0.7), "nand": (-0.5, -0.5, 0.7), "or": (0.6, 0.6, -0.5)}
ROWS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
TRUTH = {"and": [0, 0, 0, 1], "nand": [1, 1, 1, 0], "or": [0, 1, 1, 1], "xor": [0, 1, 1, 0]}


def slide_network(depth: Literal[1, 2]) -> Network:
    """The network of the slide, up to its hidden units or whole."""
    layers = [{"dense": {"units": 2, "use_bias": False}}, {"activation": {"function": "sigmoid"}}] * depth
    return place_layers(layers, "slide", "aligned", _schema("multiclass", 2), Path("slide"))


def slide_weights(depth: Literal[1, 2]) -> dict[str, np.ndarray]:
    """Kernels are (inputs, units)."""
    kernels = {"dense_0/kernel": HIDDEN_WEIGHTS, "dense_2/kernel": OUTPUT_WEIGHTS}
    return {name: np.array(kernel).T for name, kernel in list(kernels.items())[:depth]}


def gate_network() -> Network:
    """Two inputs, one dense unit."""
    return place_layers([{"dense": {"units": 1}}], "gate", "aligned", _schema("binary", 1), Path("gate"))


def gate_weights(gate: str) -> dict[str, np.ndarray]:
    """The arrays of one gate."""
    first, second, bias = GATES[gate]
    return {"dense_0/kernel": np.array([[first], [second]]), "dense_0/bias": np.array([bias])}


def _schema(task: Literal["binary", "multiclass"], outputs: int) -> Schema:
    return Schema(
        dataset="by hand",
        task=task,
        labels=["0", "1"],
        input_shape=[2],
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=outputs,
    )
