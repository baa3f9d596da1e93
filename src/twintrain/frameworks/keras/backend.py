"""Trains a network in Keras."""

import math
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
from keras import ops

from twintrain.frameworks.keras import collectives, losses, networks, optimizers
from twintrain.frameworks.keras.engines import engine_module
from twintrain.frameworks.keras.engines.learner import Learner
from twintrain.frameworks.keras.modules import walk
from twintrain.models.freezing import freeze_layers
from twintrain.models.network import Network
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches
from twintrain.training.checkpoint import under
from twintrain.training.workers.worker import Worker, check_masks


class KerasBackend:
    """A network, its optimizer and training rows on one device (see `training.loop.Backend`)."""

    def __init__(self, network: Network, train: Train) -> None:
        self.train = train
        engine = engine_module()
        self.device = engine.set_up(train, network.mode)
        self.worker = Worker() if engine.SPLITS_BATCHES else Worker.of_environment()
        collectives.join(self.worker, self.device)
        self.model = networks.build(network, train.dtype, train.seed)
        self.network = freeze_layers(networks.known(self.model, network), train.freeze)
        networks.freeze(self.model, self.network)
        if not self.worker.is_alone:
            check_masks(networks.draws_own_masks(self.model))
            collectives.share_statistics(self.model)
        criterion = losses.criterion_of(train.loss, network.schema)
        self.optimizer = optimizers.build(train.optimizer, network.mode, self.model.trainable_variables)
        self.learner = Learner(self.model, criterion, self.optimizer, train, self._aligned_batch_norms(), self.worker)
        self.engine = engine.Engine(self.learner, train)

    def load_rows(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Puts the training rows on the device that the next batches are of, in place of those before."""
        self.engine.load_rows(features, labels)

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, float]:
        """Takes one step a group of batches; returns mean loss and metric over the rows, as seen while training."""
        total, metric = self.engine.train_epoch(batches, rates)
        return total / batches.rows, metric / batches.rows

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """Returns loss and gradients of one batch in training; running statistics are updated, weights are not."""
        loss, gradients = self.engine.gradients(features, labels)
        return loss, networks.name_arrays(self.model, self.network, gradients)

    def from_first(self, numbers: list[float]) -> list[float]:
        """The numbers that the first worker gives."""
        return self.engine.from_first(np.array(numbers)).tolist()

    def scale_metrics(self) -> dict[str, float]:
        """The scale of the loss and how many steps it cost, in float16."""
        return self.learner.loss_scale.metrics()

    def predict(self, features: np.ndarray, batch_size: int = 4096) -> np.ndarray:
        """Returns logits (rows, outputs), with dropout off and running statistics in batch norm."""
        starts = range(0, len(features), batch_size)
        return np.concatenate([self.engine.predict(features[start : start + batch_size]) for start in starts])

    def weights(self) -> dict[str, np.ndarray]:
        """Returns a copy of all arrays of the network."""
        return networks.get_weights(self.model, self.network)

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Sets all arrays of the network."""
        networks.set_weights(self.model, self.network, weights)
        self.learner.loss_scale.keep_statistics()

    def averaged(self) -> AbstractContextManager[None]:
        """Meanwhile the network has the averages of its weights, if `train.ema` wants any."""
        return self.learner.average.in_place()

    def state(self) -> dict[str, np.ndarray]:
        """Returns what optimizer, averages, scale of the loss and random generators keep, and calls of dropout."""
        arrays = {f"optimizer/{name}": array for name, array in optimizers.state(self.optimizer).items()}
        arrays |= {f"average/{name}": array for name, array in self.learner.average.state().items()}
        arrays |= {f"loss_scale/{name}": array for name, array in self.learner.loss_scale.state().items()}
        calls = {f"calls/{name}": np.array(count) for name, count in networks.get_calls(self.model).items()}
        random = {f"random/{name}": np.array(ops.convert_to_numpy(g.state)) for name, g in self._generators().items()}
        return {**arrays, **calls, **random}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        optimizers.load_state(self.optimizer, under("optimizer", state))
        self.learner.average.load_state(under("average", state))
        self.learner.loss_scale.load_state(under("loss_scale", state))
        networks.set_calls(self.model, {name: int(count) for name, count in under("calls", state).items()})
        for name, generator in self._generators().items():
            generator.state.assign(state[f"random/{name}"])

    def _generators(self) -> dict[str, keras.random.SeedGenerator]:
        return {layer.name: layer.seed_generator for layer in walk(self.model) if hasattr(layer, "seed_generator")}

    def parameter_count(self) -> int:
        """Number of weights that training changes."""
        return sum(int(np.prod(weight.shape)) for weight in self.model.trainable_variables)

    def summary(self) -> str:
        """The layers, shapes and parameter counts as Keras prints them."""
        lines: list[str] = []
        # Without a terminal, Keras cuts wider tables at 80 columns.
        self.model.summary(line_length=80, print_fn=lambda line, **_: lines.append(line))
        return "\n".join(lines)

    def facts(self) -> dict[str, Any]:
        """What it ran on: version, device, threads (0: the choice of the library under Keras), memory of a GPU."""
        engine = engine_module()
        version = f"{keras.__version__} on {engine.TITLE}"
        found = {"version": version, "device": self.device, "threads": engine.threads()}
        if self.device == "cuda":
            found["peak_device_memory_mib"] = round(engine.peak_device_memory() / 2**20, 1)
        return found

    def _aligned_batch_norms(self) -> list[tuple[keras.layers.BatchNormalization, int]]:
        """Batch norm layers whose running variance must be PyTorch's, with the values a row gives each channel."""
        if self.network.mode == "native":
            return []
        return [
            (layer, math.prod(layer.output.shape[1:]) // layer.moving_variance.shape[0])
            for layer in walk(self.model)
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]


Backend = KerasBackend
