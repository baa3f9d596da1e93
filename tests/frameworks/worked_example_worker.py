"""Computes the worked examples in one framework: python worked_example_worker.py FRAMEWORK OUT.npz"""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from worked_examples import (
    GATES,
    INPUTS,
    LEARNING_RATE,
    ROWS,
    TARGETS,
    gate_network,
    gate_weights,
    slide_network,
    slide_weights,
)

from twintrain.frameworks import framework_module
from twintrain.models.network import Network
from twintrain.settings.sections.losses import Loss
from twintrain.settings.sections.optimizers import Optimizer


def main(framework: str, out: str) -> None:
    networks = framework_module(framework, "networks")
    # TensorFlow and Keras take a second more to import where they find these, and others find them all the same.
    assert not {"jax", "sklearn", "matplotlib"} & set(sys.modules)
    assert importlib.util.find_spec("sklearn")
    np.savez(out, **backpropagation(framework, networks), **gates(framework, networks))


def backpropagation(framework: str, networks: ModuleType) -> dict[str, Any]:
    network = slide_network(depth=2)
    model = built(networks, network, slide_weights(depth=2))
    inputs, targets = np.array([INPUTS]), np.array([TARGETS])
    results = {
        "hidden": outputs_of(framework, built(networks, slide_network(depth=1), slide_weights(depth=1)), inputs),
        "outputs": outputs_of(framework, model, inputs),
    }
    # The mean over two outputs of one row is the slide's half of their sum.
    loss = framework_module(framework, "losses").build(Loss(name="mse"), "regression")
    optimizers = framework_module(framework, "optimizers")
    step = {"torch": torch_step, "keras": keras_step}[framework]
    results["error"] = step(model, loss, optimizers, inputs, targets)
    after = networks.get_weights(model, network)
    return {
        **results,
        "hidden weights after": after["dense_0/kernel"].T,
        "output weights after": after["dense_2/kernel"].T,
        "outputs after": outputs_of(framework, model, inputs),
        "error after": step(model, loss, optimizers, inputs, targets),
    }


def torch_step(model: Any, loss: Callable, optimizers: ModuleType, inputs: np.ndarray, targets: np.ndarray) -> float:
    """Takes one step; returns the error before it."""
    import torch

    settings = Optimizer(name="sgd", learning_rate=LEARNING_RATE)
    optimizer = optimizers.build(settings, "aligned", list(model.parameters()), fused=True)
    optimizer.zero_grad()
    error = loss(model(torch.from_numpy(inputs)), torch.from_numpy(targets))
    error.backward()
    optimizer.step()
    return error.item()


def keras_step(model: Any, loss: Callable, optimizers: ModuleType, inputs: np.ndarray, targets: np.ndarray) -> float:
    """Takes one step; returns the error before it."""
    import tensorflow as tf

    weights = model.trainable_variables
    optimizer = optimizers.build(Optimizer(name="sgd", learning_rate=LEARNING_RATE), "aligned", weights)
    with tf.GradientTape() as tape:
        error = loss(model(inputs, training=True), tf.constant(targets))
    optimizer.apply(tape.gradient(error, weights), weights)
    return float(error)


def gates(framework: str, networks: ModuleType) -> dict[str, np.ndarray]:
    """What each gate says to the four rows; XOR is AND of NAND and OR."""
    said = {gate: gate_of(framework, networks, gate, ROWS) for gate in GATES}
    between = np.stack([said["nand"], said["or"]], axis=1).astype(np.float64)
    return {**said, "xor": gate_of(framework, networks, "and", between)}


def gate_of(framework: str, networks: ModuleType, gate: str, inputs: np.ndarray) -> np.ndarray:
    return outputs_of(framework, built(networks, gate_network(), gate_weights(gate)), inputs)[:, 0] > 0


def built(networks: ModuleType, network: Network, weights: dict[str, np.ndarray]) -> Any:
    model = networks.build(network, "float64", seed=0)
    networks.set_weights(model, network, weights)
    return model


def outputs_of(framework: str, model: Any, inputs: np.ndarray) -> np.ndarray:
    if framework == "torch":
        import torch

        return model(torch.from_numpy(inputs)).detach().numpy()
    return np.array(model(inputs))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
