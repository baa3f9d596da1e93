"""What is learnt and how, in Keras's own operations alone, so that it is the same on every engine."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import keras
import numpy as np
from keras import KerasTensor, ops

from twintrain.frameworks.keras import averages, collectives, gradients, optimizers
from twintrain.frameworks.keras.loss_scale import LossScale, are_finite
from twintrain.frameworks.keras.modules import walk
from twintrain.frameworks.keras.networks import shared_dropouts
from twintrain.settings.sections.precision import SCALED
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches
from twintrain.training.workers.worker import Worker


class Engine(Protocol):
    """What Keras leaves to the library under it.

    Beside it, its file says whether it SPLITS_BATCHES among workers itself; one that does not has `join`, which meets
    the other workers, and `sum_over_workers` (see `collectives`).
    """

    def load_rows(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Puts the training rows on the device that the next batches are of, in place of those before."""

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, float]:
        """Takes one step a group of batches; returns the loss summed over the rows, and the metric."""

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients of the weights for one batch in training, given its rows on all workers."""

    def from_first(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the first worker gives, float64 (n,)."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Logits of some rows, in inference."""


class Learner:
    """A network, its loss and its update rule.

    Attributes:
        weights: what is trained.
        average: of them, where `train.ema` wants one.
        loss_scale: what the loss is multiplied by before its gradients are taken.
        batch_norms: layers whose running variance must be the unbiased one, with the values that a row gives each
            channel.
        worker: whose rows of each batch it is given.
    """

    def __init__(
        self,
        model: keras.Model,
        criterion: Callable[[KerasTensor, KerasTensor], tuple[KerasTensor, KerasTensor]],
        optimizer: keras.optimizers.Optimizer,
        train: Train,
        batch_norms: list[tuple[keras.layers.BatchNormalization, int]],
        worker: Worker,
    ) -> None:
        self.model = model
        self.criterion = criterion
        self.optimizer = optimizer
        self.train = train
        self.batch_norms = batch_norms
        self.worker = worker
        self.dropouts = shared_dropouts(model).values()
        self.weights = model.trainable_variables
        self.average = averages.Average(self.weights if train.ema else [], train.ema or 0.0)
        norms = [layer for layer in walk(model) if isinstance(layer, keras.layers.BatchNormalization)]
        statistics = [variable for norm in norms for variable in (norm.moving_mean, norm.moving_variance)]
        self.loss_scale = LossScale(train.dtype == SCALED, statistics)

    @property
    def variables(self) -> list[keras.Variable]:
        """All that a training step may change."""
        return [*self.model.variables, *self._moved_by_steps, *self.loss_scale.numbers, *self.loss_scale.kept]

    @property
    def _moved_by_steps(self) -> list[keras.Variable]:
        """What a step moves besides the weights."""
        return [*self.optimizer.variables, *self.average.arrays, self.average.steps]

    def forward(self, features: Any, labels: Any, size: Any = None, first: Any = 0) -> tuple[KerasTensor, KerasTensor]:
        """Loss of a batch in training, of several workers the part that rests on the rows here; metric of these.

        The parts of all workers add up to the loss. It is weighed here and not its gradient, since the loss of each
        worker depends on the batch statistics of all.

        Args:
            size: how many rows the batch has on all workers.
            first: the place in it of the first row here.
        """
        for dropout in self.dropouts:
            dropout.first_row = first
        loss, metric = self.criterion(self.model(features, training=True), labels)
        if not self.worker.is_alone:
            loss = loss * (ops.cast(ops.shape(labels)[0], loss.dtype) / ops.cast(size, loss.dtype))
        return loss, metric

    @contextlib.contextmanager
    def unbiased_variances(self, rows: Any) -> Iterator[None]:
        """Makes running variances that a forward pass updates what PyTorch's would be.

        Keras mixes in the biased variance of the batch; the unbiased one is n / (n − 1) times as large.

        Args:
            rows: how many the batch has on all workers.
        """
        before = [ops.copy(layer.moving_variance.value) for layer, _ in self.batch_norms]
        yield
        for (layer, positions), variance in zip(self.batch_norms, before, strict=True):
            count = ops.cast(rows * positions, variance.dtype)
            kept = variance * ops.convert_to_tensor(layer.momentum, variance.dtype)
            layer.moving_variance.assign(kept + (layer.moving_variance - kept) * (count / (count - 1)))

    def summed(self, arrays: list[Any]) -> list[Any]:
        """The sums of arrays of one type over all workers."""
        return arrays if self.worker.is_alone else collectives.sum_arrays(arrays)

    def from_first(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the first worker gives, float64 (n,)."""
        given = numbers if self.worker.is_first else np.zeros_like(numbers)
        return ops.convert_to_numpy(self.summed([given])[0])

    def update(self, found: list[Any], rate: Any) -> None:
        """Takes one step with the gradients of the scaled loss, or skips it where one of them is not finite."""
        found = self.loss_scale.unscaled(found)
        if not self.loss_scale.is_on:
            self._take_step(found, rate)
            return
        is_finite = are_finite(found)
        moved = [*self.weights, *self._moved_by_steps]
        before = [ops.copy(variable.value) for variable in moved]
        # Taken in any case, since no library but PyTorch decides while it runs; then all is put back.
        self._take_step([ops.where(is_finite, gradient, ops.zeros_like(gradient)) for gradient in found], rate)
        for variable, old in zip(moved, before, strict=True):
            variable.assign(ops.where(is_finite, variable.value, old))
        self.loss_scale.follow(is_finite)

    def _take_step(self, found: list[Any], rate: Any) -> None:
        regularization, clip = self.train.regularization, self.train.clip
        found = gradients.penalize(found, self.weights, regularization.l1, regularization.l2)
        found = gradients.clip(found, clip.norm, clip.value)
        optimizers.set_learning_rate(self.optimizer, rate)
        self.optimizer.apply(found, self.weights)
        self.average.update()
