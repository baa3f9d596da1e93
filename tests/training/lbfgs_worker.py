"""Trains XOR with LBFGS, which PyTorch alone has: python lbfgs_worker.py OUT.npz"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from twintrain.data.dataset import load_dataset
from twintrain.data.parts import Part
from twintrain.data.schema import network_schema
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network
from twintrain.settings.sections.data import Preprocess
from twintrain.settings.sections.optimizers import Optimizer
from twintrain.settings.sections.training import Train
from twintrain.training.loop import fit

EPOCHS = 6
STOPPED_AT = 2
# From other initial weights, such as those of seed 3, steps of a fixed length overshoot for good.
SEED = 5
TABLE = Part(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64), np.array([0, 1, 1, 0]), np.arange(4))
# Without a line search, and with the one that it has
OPTIMIZERS = {
    "fixed": Optimizer(name="lbfgs", learning_rate=0.5),
    "strong_wolfe": Optimizer(name="lbfgs", learning_rate=1.0, line_search_fn="strong_wolfe"),
}


def train(optimizer: Optimizer, epochs: int, checkpoint: Path) -> dict[str, np.ndarray]:
    """All weights after some epochs, and the loss of each epoch."""
    network = load_network(
        "conf/models/logic_mlp.yaml", "aligned", network_schema("xor", load_dataset("xor"), Preprocess())
    )
    settings = Train(epochs=epochs, batch_size=None, dtype="float64", optimizer=optimizer, restore_best_weights=False)
    backend = framework_module("torch", "backend").Backend(network, settings)
    backend.load_weights(draw_weights(network, SEED))
    history = fit(backend, {"train": TABLE, "val": TABLE}, settings, checkpoint, "xor", lambda *_: None)
    return {**backend.weights(), "val_loss": np.array([metrics["val_loss"] for metrics in history.epochs])}


def main(out: Path) -> None:
    results = {}
    for name, optimizer in OPTIMIZERS.items():
        with tempfile.TemporaryDirectory() as folder:
            whole = train(optimizer, EPOCHS, Path(folder) / "whole.npz")
            train(optimizer, STOPPED_AT, Path(folder) / "parts.npz")
            parts = train(optimizer, EPOCHS, Path(folder) / "parts.npz")
        results |= {f"{name}|whole|{key}": array for key, array in whole.items()}
        results |= {f"{name}|parts|{key}": array for key, array in parts.items()}
    np.savez(out, **results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
