"""An epoch of the 7-layer perceptron on 48,000 × 784, batch 256, as ratios within one process.

python benchmarks/epochs.py torch    our epoch over the matrix products alone (forward, and twice backward)
python benchmarks/epochs.py keras    our epoch over a plain model.fit on arrays

Rounds alternate between the two, and the smallest seconds of each are compared: on a busy machine every other figure
measures the neighbours.
"""

import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, load_network
from twintrain.settings.sections.training import Train
from twintrain.training.batches import epoch_batches

ROWS, PIXELS, CLASSES, BATCH_SIZE, ROUNDS = 48_000, 784, 10, 256, 5
LABELS = [str(label) for label in range(CLASSES)]


def smallest_seconds(functions: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Calls each function once to warm up and then ROUNDS times in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return {name: min(taken[1:]) for name, taken in seconds.items()}


def perceptron() -> Network:
    schema = Schema(
        dataset="mnist",
        task="multiclass",
        labels=LABELS,
        input_shape=[PIXELS],
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=CLASSES,
    )
    return load_network("mlp", "aligned", schema)


def matrix_products(network: Network) -> Callable[[], None]:
    """The floor: the three products of each layer for each batch, and nothing else."""
    import torch

    kernels = [weight.shape for name, weight in network.weights().items() if name.endswith("kernel")]
    sizes = [min(BATCH_SIZE, ROWS - start) for start in range(0, ROWS, BATCH_SIZE)]
    operands = {
        size: [(torch.randn(size, i), torch.randn(i, o), torch.randn(size, o)) for i, o in kernels]
        for size in set(sizes)
    }

    def epoch() -> None:
        for size in sizes:
            for index, (inputs, kernel, gradient) in enumerate(operands[size]):
                inputs @ kernel
                inputs.T @ gradient
                if index:  # nothing needs the gradient of the pixels
                    gradient @ kernel.T

    return epoch


def plain_fit(network: Network, part: Part) -> Callable[[], None]:
    """Keras as its tutorials have it: compile and fit on arrays."""
    import keras

    model = framework_module("keras", "networks").build(network, "float32", 0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    return lambda: model.fit(part.features, part.labels, batch_size=BATCH_SIZE, epochs=1, verbose=0)


def main(framework: str) -> None:
    rng = np.random.default_rng(0)
    part = Part(rng.random((ROWS, PIXELS), np.float32), rng.integers(0, CLASSES, ROWS), np.arange(ROWS))
    network = perceptron()
    backend = framework_module(framework, "backend").Backend(network, Train())
    backend.load_rows(part.features, part.labels)
    backend.load_weights(draw_weights(network, 0))
    epochs = itertools.count()

    def train_epoch() -> None:
        batches = epoch_batches(ROWS, BATCH_SIZE, 0, next(epochs))
        backend.train_epoch(batches, np.full(len(batches), 1e-3))

    functions = {"ours": train_epoch}
    if framework == "torch":
        functions["matrix products alone"] = matrix_products(network)
    else:
        functions["plain model.fit"] = plain_fit(network, part)
    seconds = smallest_seconds(functions)
    for name, taken in seconds.items():
        print(f"{framework}: {name} {taken:.3f} s an epoch")
    reference = next(name for name in seconds if name != "ours")
    print(f"{framework}: ours / {reference} = {seconds['ours'] / seconds[reference]:.2f}")


if __name__ == "__main__":
    main(sys.argv[1])
