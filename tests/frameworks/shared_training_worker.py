"""Trains networks as one of several workers: python shared_training_worker.py FRAMEWORK OUT DTYPE TRAININGS

TRAININGS names some of `shared_networks.py`, each as NETWORK|SETTINGS, or as NETWORK|SETTINGS|DTYPE where that is
another one, with commas between them. The environment says which worker it is (`training.workers.worker`). Writes what
each makes of every training to OUT-RANK.npz, and by which functions it has met the others.
"""

import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from shared_networks import BATCH_SIZE, STEPS, shared_cases, trainings

from twintrain.data.parts import Part
from twintrain.frameworks import framework_module
from twintrain.settings.sections.precision import array_dtype
from twintrain.training.steps import take_steps
from twintrain.training.workers import exchange
from twintrain.training.workers.worker import Worker

# Of the workers' exchange and of each framework's collectives.
MEETINGS = ("collect", "call", "sum_arrays", "sum_over_workers", "share_statistics")


def main(framework: str, out: str, dtype: str, wanted: list[str]) -> None:
    backend_type = framework_module(framework, "backend").Backend
    met: set[str] = set()
    for module in (exchange, framework_module(framework, "collectives")):
        note_meetings(module, met)
    rank = Worker.of_environment().rank
    results: dict[str, np.ndarray] = {}
    cases = shared_cases()
    for name in wanted:
        network, training, *other = name.split("|")
        case, settings = cases[network], trainings(*other or [dtype])[training]
        part = Part(case.features.astype(array_dtype(settings.dtype)), case.labels, np.arange(len(case.labels)))
        backend = backend_type(case.network, settings)
        backend.load_weights(case.weights)
        for what, array in trained(backend, settings, part, rank).items():
            results[f"{name}|{what}"] = array
    np.savez(f"{out}-{rank}.npz", **results, met=sorted(met))


def note_meetings(module: ModuleType, met: set[str]) -> None:
    """Has the names of a module's functions by which workers meet noted when they are called."""

    def noted(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        met.add(name)
        return function(*arguments)

    for name in MEETINGS:
        if hasattr(module, name):
            setattr(module, name, partial(noted, name, getattr(module, name)))


def trained(backend: Any, settings: Any, part: Part, rank: int) -> dict[str, np.ndarray]:
    """Loss and gradients of the first batch, losses while training, and all arrays after it."""
    untrained, weights = backend.state(), backend.weights()
    loss, gradients = backend.gradients(part.features[:BATCH_SIZE], part.labels[:BATCH_SIZE])
    backend.load_weights(weights)
    backend.load_state(untrained)
    metrics = take_steps(backend, settings, part, 0, STEPS)
    return {
        "loss": np.array(loss),
        "gradients": flat(gradients),
        "training": np.array(metrics),
        "weights": flat(backend.weights()),
        "agreed": np.array(backend.from_first([float(rank) + 1, 1 / 3])),
    }


def flat(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays.values()])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4].split(","))
