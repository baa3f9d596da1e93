"""Records twins of which one has a mistake: python broken_worker.py FRAMEWORK FOLDER

FOLDER has one experiment a mistake (`workers.write_experiment`), in a folder of its name. A mistake is made in one
framework alone, as somebody who ports a network makes it.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.layers import window
from twintrain.models.network import load_network
from twintrain.settings.params import Params
from twintrain.settings.sections.optimizers import Clip, Optimizer
from twintrain.settings.sections.training import Train
from twintrain.system import project
from twintrain.training import blocks, steps
from twintrain.verification.layers import RECORDING
from twintrain.verification.recorder import Recorder


def none(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """No mistake."""


def epsilon(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Keras's own epsilon in batch norm."""

    def batch_norm(placed):
        settings = {"momentum": placed.layer.momentum, "epsilon": 1e-3}
        return networks.keras.layers.BatchNormalization(**settings, name=placed.name)

    if framework == "keras":
        patch.setitem(networks.BUILDERS, "batch_norm", batch_norm)


def padding(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """PyTorch's symmetric padding where `same` puts an odd cell after."""
    if framework == "torch":
        patch.setattr(window, "same_padding", lambda size, kernel, stride: (kernel // 2, kernel // 2))


def gates(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """The kernel of an LSTM copied with the gates f and c exchanged."""
    original = networks.set_weights

    def exchanged(model, network, weights):
        i, f, c, o = np.split(weights["lstm_1/kernel"], 4, axis=1)
        original(model, network, {**weights, "lstm_1/kernel": np.concatenate([i, c, f, o], axis=1)})

    if framework == "keras":
        patch.setattr(networks, "set_weights", exchanged)


def bias(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """A dense layer without its bias."""
    original = networks.BUILDERS["dense"]

    def dense(placed):
        if placed.name != "dense_1":
            return original(placed)
        return networks.keras.layers.Dense(placed.layer.units, use_bias=False, name=placed.name)

    if framework == "keras":
        patch.setitem(networks.BUILDERS, "dense", dense)


def l2(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Keras's L2, whose gradient is twice as large."""
    gradients = framework_module(framework, "gradients")
    original = gradients.penalize
    if framework == "keras":
        patch.setattr(gradients, "penalize", lambda found, weights, l1, l2: original(found, weights, l1, 2 * l2))


def short_batch(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """No step on the short last batch of an epoch."""
    feed = blocks.Feed
    original = feed.train_steps

    def without_last(self, epoch, rates, first=0):
        whole = self.steps - 1
        if framework != "keras" or first + len(rates) <= whole:
            return original(self, epoch, rates, first)
        return original(self, epoch, rates[: whole - first], first) if first < whole else (0.0, 0.0)

    patch.setattr(feed, "train_steps", without_last)


def accuracy(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """A training accuracy that is half of what it should be."""
    original = blocks.Feed.train_steps

    def halved(self, *arguments):
        loss, metric = original(self, *arguments)
        return loss, metric / 2 if framework == "keras" else metric

    patch.setattr(blocks.Feed, "train_steps", halved)


def beta_2(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Adam with 0.99 for 0.999."""
    _with_train(framework, patch, lambda train: train.model_copy(update={"optimizer": _changed(train, beta_2=0.99)}))


def schedule(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """A learning rate that goes down a step late."""
    original = steps.learning_rates

    def late(*arguments):
        rates = original(*arguments)
        return np.concatenate([rates[:1], rates[:-1]]) if framework == "keras" else rates

    patch.setattr(steps, "learning_rates", late)


def clip(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """A limit of the norm that is twice as large."""
    _with_train(framework, patch, lambda train: train.model_copy(update={"clip": Clip(norm=2 * train.clip.norm)}))


def accumulate(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Gradients of two batches are added, for their mean."""
    if framework == "keras":
        from twintrain.frameworks.keras.engines import tensorflow

        right = tensorflow.Engine._batch

        def unweighed(self: tensorflow.Engine, batches: tuple[Any, ...], number: Any, _: Any) -> Any:
            bounds = batches[3]
            return right(self, batches, number, bounds[number + 1] - bounds[number])

        patch.setattr(tensorflow.Engine, "_batch", unweighed)


def saved(framework: str, networks: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """A file that holds another network than was saved."""
    saving = framework_module(framework, "saving")
    if framework == "keras":
        load, weights = saving.load, saving.load_weights
        patch.setattr(saving, "load", lambda path: lambda rows: load(path)(rows) + 1e-3)
        patch.setattr(saving, "load_weights", lambda *given: {n: a + 1e-3 for n, a in weights(*given).items()})


def _changed(train: Train, **options: float) -> Optimizer:
    return train.optimizer.model_copy(update=options)


def _with_train(framework: str, patch: pytest.MonkeyPatch, change: Callable[[Train], Train]) -> None:
    """Has Keras train with other settings than it was told."""
    backend = framework_module(framework, "backend").Backend
    original = backend.__init__
    if framework == "keras":
        patch.setattr(backend, "__init__", lambda self, network, train: original(self, network, change(train)))


MISTAKES = {
    mistake.__name__: mistake
    for mistake in (
        *(none, epsilon, padding, gates, bias, l2),
        *(short_batch, accuracy, beta_2, schedule, clip, accumulate, saved),
    )
}


@contextlib.contextmanager
def mistaken(name: str, framework: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        MISTAKES[name](framework, framework_module(framework, "networks"), patch)
        yield


def record(framework: str, folder: Path) -> None:
    params = Params.model_validate(project.read_json(folder / "experiment.json"))
    network = load_network(params.model, params.mode, Schema.load(folder))
    parts = {name: Part.load(folder / name, "float64") for name in PARTS}
    with mistaken(folder.name, framework):
        recorder = Recorder(framework, network, params, parts, "float64")
        found = recorder.record(perturbed=False)
        if folder.name == saved.__name__:
            recorder.add_reloaded(found, logged=False)
        if found.arrays:
            recorder.record_layers(folder / RECORDING.format(framework, "float64"))
        found.save(folder / f"{framework}.npz")
        recorder.record(perturbed=True).save(folder / f"{framework}-perturbed.npz")


if __name__ == "__main__":
    for experiment in sorted(path for path in Path(sys.argv[2]).iterdir() if path.is_dir()):
        record(sys.argv[1], experiment)
