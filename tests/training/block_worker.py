"""Trains with and without blocks and augmentation in one framework: python block_worker.py FRAMEWORK OUT.npz"""

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import place_layers
from twintrain.settings.sections.optimizers import Schedule
from twintrain.settings.sections.training import Augmentation, Train
from twintrain.training.loop import fit
from twintrain.verification.recorder import varied

ROWS, BATCH_SIZE = 37, 8
SCHEMA = Schema(
    dataset="made up",
    task="multiclass",
    labels=["a", "b", "c"],
    input_shape=[9, 8, 3],
    input_dtype="float",
    categories=None,
    feature_names=None,
    outputs=3,
)
# Images, batch norm, and dropout, whose masks depend on the number of the call; no more, since JAX compiles each anew.
LAYERS = [
    {"conv2d": {"filters": 4, "kernel_size": 3}},
    "batch_norm",
    {"dropout": {"rate": 0.3}},
    {"conv2d": {"filters": 3, "kernel_size": 3}},
    "batch_norm",
    "flatten",
    {"dense": {"units": "outputs"}},
]
NETWORK = place_layers(LAYERS, "blocks", "aligned", SCHEMA, "made up")
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(ROWS, *SCHEMA.input_shape)).astype(np.float32).astype(np.float64)
PART = Part(FEATURES, RNG.integers(0, 3, ROWS), np.arange(ROWS))
EPOCHS = 3
AUGMENTED = {"augmentation": Augmentation(shift=1, rotation=20.0, crop=0.7, flip=0.5, erasing=0.5)}
STEP_BYTES = 2 * BATCH_SIZE * PART.features[:1].nbytes
TRAININGS = {
    "whole": {},
    "a step a block": {"block_bytes": 1},
    "two steps a block": {"block_bytes": 2 * STEP_BYTES},
    "gradients logged": {"log_gradients": True},
    "augmented": AUGMENTED,
    "augmented, a step a block": {**AUGMENTED, "block_bytes": 1},
}


def train(backend_type: type, changes: dict, stops: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    """All arrays after a training that is interrupted after some epochs and gone on with."""
    settings = Train(
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        accumulate=2,
        dtype="float64",
        schedule=Schedule(name="one_cycle"),
        restore_best_weights=False,
        **changes,
    )
    with tempfile.TemporaryDirectory() as folder:
        for stop in (*stops, EPOCHS):
            backend = backend_type(NETWORK, settings)
            backend.load_weights(varied(draw_weights(NETWORK, 0)))
            with contextlib.suppress(KeyboardInterrupt):
                history = fit(backend, {"train": PART, "val": PART}, settings, Path(folder) / "c", "c", until(stop))
    watched = {name: np.array([epoch[name] for epoch in history.epochs]) for name in history.epochs[0]}
    return {**backend.weights(), **watched, "graphs": np.array(graphs(backend))}


def until(stop: int) -> Callable[[int, dict[str, float]], None]:
    """Interrupts a training after so many epochs, unless they are all."""

    def on_epoch(epoch: int, _: dict[str, float]) -> None:
        if epoch + 1 == stop < EPOCHS:
            raise KeyboardInterrupt

    return on_epoch


def graphs(backend: Any) -> int:
    """How many graphs TensorFlow has made of an epoch; elsewhere 1."""
    function = getattr(getattr(backend, "engine", None), "_run_epoch", None)
    return function.experimental_get_tracing_count() if function else 1


def main(framework: str, out: Path) -> None:
    backend_type = framework_module(framework, "backend").Backend
    found = {name: train(backend_type, changes) for name, changes in TRAININGS.items()}
    found["augmented, interrupted"] = train(backend_type, AUGMENTED, stops=(2,))
    np.savez(out, **{f"{name}|{key}": array for name, arrays in found.items() for key, array in arrays.items()})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
