"""Records twins of which one has a mistake: python tests/broken_worker.py FRAMEWORK FOLDER

FOLDER has one experiment a mistake (`workers.write_experiment`), in a folder of its name. A mistake is made in one
framework alone, as somebody who ports a network makes it.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from twintrain import project
from twintrain.config import Params
from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.network import load_network
from twintrain.verification.worker import Recorder


def none(framework: str, layers: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """No mistake."""


def epsilon(framework: str, layers: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Keras's own epsilon in batch norm."""

    def batch_norm(placed):
        settings = {"momentum": placed.layer.momentum, "epsilon": 1e-3}
        return layers.keras.layers.BatchNormalization(**settings, name=placed.name)

    if framework == "keras":
        patch.setitem(layers.BUILDERS, "batch_norm", batch_norm)


def padding(framework: str, layers: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """PyTorch's symmetric padding where `same` puts an odd cell after."""
    if framework == "torch":
        patch.setattr(layers, "same_padding", lambda size, kernel, stride: (kernel // 2, kernel // 2))


def gates(framework: str, layers: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """The kernel of an LSTM copied with the gates f and c exchanged."""
    original = layers.set_weights

    def exchanged(model, network, weights):
        i, f, c, o = np.split(weights["lstm_1/kernel"], 4, axis=1)
        original(model, network, {**weights, "lstm_1/kernel": np.concatenate([i, c, f, o], axis=1)})

    if framework == "keras":
        patch.setattr(layers, "set_weights", exchanged)


def bias(framework: str, layers: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """A dense layer without its bias."""
    original = layers.BUILDERS["dense"]

    def dense(placed):
        if placed.name != "dense_1":
            return original(placed)
        return layers.keras.layers.Dense(placed.layer.units, use_bias=False, name=placed.name)

    if framework == "keras":
        patch.setitem(layers.BUILDERS, "dense", dense)


def l2(framework: str, layers: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Keras's L2, whose gradient is twice as large."""
    gradients = framework_module(framework, "gradients")
    original = gradients.penalize
    if framework == "keras":
        patch.setattr(gradients, "penalize", lambda found, weights, l1, l2: original(found, weights, l1, 2 * l2))


MISTAKES = {mistake.__name__: mistake for mistake in (none, epsilon, padding, gates, bias, l2)}


@contextlib.contextmanager
def mistaken(name: str, framework: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        MISTAKES[name](framework, framework_module(framework, "layers"), patch)
        yield


def record(framework: str, folder: Path) -> None:
    params = Params.model_validate(project.read_json(folder / "experiment.json"))
    network = load_network(params.model, params.mode, Schema.load(folder))
    parts = {name: Part.load(folder / name, "float64") for name in PARTS}
    with mistaken(folder.name, framework):
        recorder = Recorder(framework, network, params, parts, "float64")
        recorder.record(perturbed=False).save(folder / f"{framework}.npz")
        recorder.record(perturbed=True).save(folder / f"{framework}-perturbed.npz")


if __name__ == "__main__":
    for experiment in sorted(path for path in Path(sys.argv[2]).iterdir() if path.is_dir()):
        record(sys.argv[1], experiment)
