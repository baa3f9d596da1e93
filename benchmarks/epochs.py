"""An epoch of ours over one of a plain loop, by turns in one process, as a ratio for each of three networks.

python benchmarks/epochs.py torch            over a loop written by hand: forward, backward, fused Adam, batch by batch
python benchmarks/epochs.py keras            over model.fit on arrays
python benchmarks/epochs.py torch vit_tiny   of one network alone

Both train equal networks on equal rows in equal batches. Rounds alternate between the two, and the smallest seconds of
each are compared: on a busy machine every other figure measures the neighbours. For the perceptron in PyTorch also the
matrix products alone, which are a floor.
"""

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, load_network
from twintrain.settings.sections.training import Train
from twintrain.training.batches import epoch_batches

CLASSES, ROUNDS = 10, 5
LABELS = [str(label) for label in range(CLASSES)]


@dataclass(frozen=True)
class Case:
    """A network of conf/models, and how many rows of which shape it is given in batches of which size."""

    model: str
    rows: int
    shape: tuple[int, ...]
    batch_size: int

    def network(self) -> Network:
        """The network for ten classes."""
        schema = Schema(
            dataset="random numbers",
            task="multiclass",
            labels=LABELS,
            input_shape=[*self.shape],
            input_dtype="float",
            categories=None,
            feature_names=None,
            outputs=CLASSES,
        )
        return load_network(self.model, "aligned", schema)

    def part(self) -> Part:
        """Random rows and labels."""
        rng = np.random.default_rng(0)
        features = rng.random((self.rows, *self.shape), np.float32)
        return Part(features, rng.integers(0, CLASSES, self.rows), np.arange(self.rows))


CASES = [
    Case("mlp", 48_000, (784,), 256),  # the course's seven layers
    Case("resnet18_small", 1_600, (32, 32, 3), 64),
    Case("vit_tiny", 3_200, (28, 28, 1), 32),
]


def smallest_seconds(functions: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Calls each function once to warm up and then ROUNDS times in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return {name: min(taken[1:]) for name, taken in seconds.items()}


def ours(framework: str, case: Case, part: Part) -> Callable[[], None]:
    """An epoch as the stage trains it, its metrics included."""
    network = case.network()
    backend = framework_module(framework, "backend").Backend(network, Train())
    backend.load_rows(part.features, part.labels)
    backend.load_weights(draw_weights(network, 0))
    epochs = itertools.count()

    def epoch() -> None:
        batches = epoch_batches(case.rows, case.batch_size, 0, next(epochs))
        backend.train_epoch(batches, np.full(len(batches), 1e-3))

    return epoch


def plain_loop(case: Case, part: Part) -> Callable[[], None]:
    """PyTorch as its tutorials have it, over tensors: no loader, and no metric."""
    import torch
    from torch.nn.functional import cross_entropy

    model = framework_module("torch", "networks").build(case.network(), "float32", 0).train()
    features, labels = torch.from_numpy(part.features), torch.from_numpy(part.labels)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

    def epoch() -> None:
        for rows in torch.randperm(case.rows).split(case.batch_size):
            optimizer.zero_grad()
            cross_entropy(model(features[rows]), labels[rows]).backward()
            optimizer.step()

    return epoch


def plain_fit(case: Case, part: Part) -> Callable[[], None]:
    """Keras as its tutorials have it: compile and fit on arrays."""
    import keras

    model = framework_module("keras", "networks").build(case.network(), "float32", 0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    return lambda: model.fit(part.features, part.labels, batch_size=case.batch_size, epochs=1, verbose=0)


def matrix_products(case: Case) -> Callable[[], None]:
    """The floor of a perceptron: the three products of each layer for each batch, and nothing else."""
    import torch

    kernels = [weight.shape for name, weight in case.network().weights().items() if name.endswith("kernel")]
    sizes = [min(case.batch_size, case.rows - start) for start in range(0, case.rows, case.batch_size)]
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


def compare(framework: str, case: Case) -> None:
    """Prints the seconds of an epoch, and ours over each of the others."""
    part = case.part()
    functions = {"ours": ours(framework, case, part)}
    if framework == "keras":
        functions["model.fit"] = plain_fit(case, part)
    else:
        functions["a loop by hand"] = plain_loop(case, part)
    if framework == "torch" and case.model == "mlp":
        functions["matrix products alone"] = matrix_products(case)
    mine, *others = smallest_seconds(functions).items()
    for name, taken in others:
        told = f"ours {mine[1]:.3f} s, {name} {taken:.3f} s an epoch"
        print(f"{framework}, {case.model}: {told}; ours / {name} = {mine[1] / taken:.2f}", flush=True)


def main(framework: str, *models: str) -> None:
    """Compares the networks that are named, or all."""
    for case in CASES:
        if not models or case.model in models:
            compare(framework, case)


if __name__ == "__main__":
    main(*sys.argv[1:])
