"""The one training loop: epochs, validation, early stopping, best weights, checkpoints.

It drives any backend (`frameworks/*/backend.py`) and knows no framework and no MLflow.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from twintrain.data.parts import Part
from twintrain.errors import UserError
from twintrain.evaluation.metrics import metric_of
from twintrain.evaluation.running import Mean, runs
from twintrain.evaluation.targets import row_losses, row_metrics
from twintrain.models.network import Network
from twintrain.settings.sections.precision import SCALED
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches
from twintrain.training.blocks import Feed
from twintrain.training.checkpoint import Checkpoint
from twintrain.training.loss_scale import finite_gradients
from twintrain.training.memory import peak_memory_mib
from twintrain.training.schedule import learning_rates
from twintrain.training.workers.worker import Worker

Weights = dict[str, np.ndarray]
GRADIENT_NORM = "first_layer_gradient_norm"


class DivergenceError(UserError):
    """A loss that is not a number: the training cannot go on."""


class Backend(Protocol):
    """What the loop asks of a framework.

    Attributes:
        network: what it trains.
        worker: whose rows of each batch it is given, where several train.
    """

    network: Network
    worker: Worker

    def load_rows(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Puts the training rows on the device that the next batches are of, in place of those before."""

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, float]:
        """Takes one step a group of batches; returns mean loss and metric over the rows, as seen while training.

        Args:
            batches: those rows of them that this worker has.
            rates: float64 (steps,), the learning rate of each step.
        """

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        """Returns loss and gradients of one batch in training; running statistics are updated, weights are not.

        Given all rows of the batch, each worker computes with its own.
        """

    def from_first(self, numbers: list[float]) -> list[float]:
        """Returns the numbers that the first worker gives."""

    def scale_metrics(self) -> dict[str, float]:
        """In float16 the scale of the loss and how many steps were skipped so far; else nothing."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Returns logits (rows, outputs), with dropout off and running statistics in batch norm."""

    def weights(self) -> Weights:
        """Returns a copy of all arrays of the network, named and laid out as `Network.weights`."""

    def load_weights(self, weights: Weights) -> None:
        """Sets all arrays of the network."""

    def averaged(self) -> AbstractContextManager[None]:
        """Meanwhile the network has the averages of its weights, if `train.ema` wants any."""

    def state(self) -> Weights:
        """Returns what must be kept beside the weights to go on training: optimizer, random generators."""

    def load_state(self, state: Weights) -> None:
        """Sets what `state` returned."""


@dataclass
class History:
    """What happened, epoch by epoch.

    Attributes:
        epochs: of each epoch train_loss, val_loss, and the metric: train_accuracy and val_accuracy, or of mae or iou;
            GRADIENT_NORM if `train.log_gradients`; in float16 loss_scale, and skipped_steps so far.
        seconds: wall time of each epoch's training steps, validation left out.
        best_epoch: the epoch (from 0) that last lowered val_loss by more than `min_delta`.
        peak_memory_mib: the largest of `memory.peak_memory_mib` after each epoch, those before an interrupt included.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int = 0
    peak_memory_mib: float = 0.0

    @property
    def best_loss(self) -> float:
        return self.epochs[self.best_epoch]["val_loss"]

    @property
    def seconds_to_best(self) -> float:
        return sum(self.seconds[: self.best_epoch + 1])

    @property
    def epochs_per_second(self) -> float:
        """Without the first epoch, where there are others: it also builds graphs and fills caches."""
        steady = self.seconds[1:] or self.seconds
        return len(steady) / sum(steady)


def fit(
    backend: Backend,
    parts: dict[str, Part],
    train: Train,
    checkpoint_path: Path,
    fingerprint: str,
    on_epoch: Callable[[int, dict[str, float]], None],
    is_first: bool = True,
) -> History:
    """Trains a backend on parts["train"], watching parts["val"].

    Goes on from a checkpoint with the same fingerprint; the caller removes it once the outcome is safe. With
    `restore_best_weights` the backend ends with the weights of the best epoch, else with the last ones; with `ema`,
    these are averages.

    Args:
        fingerprint: tells this training from others; changes with its data, network and settings.
        on_epoch: is told epoch number (from 0) and metrics, those before a resumed checkpoint included.
        is_first: whether it validates and leaves checkpoints; of several workers one does, for all.
    """
    history, best = _resume(backend, checkpoint_path, fingerprint)
    for epoch, metrics in enumerate(history.epochs):
        on_epoch(epoch, metrics)
    feed = Feed(backend, parts["train"], train)
    start = len(history.epochs)
    watched = metric_of(parts["val"].labels)
    names = ("train_loss", f"train_{watched}", "val_loss", f"val_{watched}")
    for epoch in range(start, train.epochs):
        if _out_of_patience(history, train):
            break
        rates = _rates(train, epoch, feed.steps, history)
        further = {GRADIENT_NORM: gradient_norm(backend, *feed.first_batch(epoch))} if train.log_gradients else {}
        started = time.perf_counter()
        trained = feed.train_steps(epoch, rates)
        history.seconds.append(time.perf_counter() - started)
        further |= backend.scale_metrics() if train.dtype == SCALED else {}
        with backend.averaged():
            # One validates for all, so that they never part over a last digit.
            validated = _validate(backend, parts["val"], train) if is_first else [0.0, 0.0]
            values = (*trained, *backend.from_first(validated))
            history.epochs.append({**dict(zip(names, values, strict=True)), **further})
            _expect_finite(history.epochs[epoch], epoch, train.dtype)
            if epoch == 0 or history.epochs[epoch]["val_loss"] < history.best_loss - train.early_stopping.min_delta:
                history.best_epoch = epoch
                best = backend.weights()
        history.peak_memory_mib = max(history.peak_memory_mib, peak_memory_mib())
        if is_first and _is_checkpointed(epoch, history, train):
            Checkpoint(fingerprint, backend.weights(), backend.state(), best, history.__dict__).save(checkpoint_path)
        on_epoch(epoch, history.epochs[epoch])
    with backend.averaged():
        last = backend.weights()
    backend.load_weights(best if train.restore_best_weights else last)
    return history


def _validate(backend: Backend, part: Part, train: Train) -> list[float]:
    """Loss and metric."""
    loss, metric, schema = Mean(), Mean(), backend.network.schema
    for run in runs(part.features, part.labels):
        logits, labels = backend.predict(part.features[run]), part.labels[run]
        loss.add(row_losses(logits, labels, train.loss, schema))
        metric.add(row_metrics(logits, labels, schema))
    return [loss.value, metric.value]


def gradient_norm(backend: Backend, features: np.ndarray, labels: np.ndarray) -> float:
    """L2 norm of the gradient of the first layer's kernel (or table), and the backend as it was before.

    Of the mean loss over the first batch of an epoch before its first step, with that step's dropout masks, without
    penalties and limits. Where it vanishes in a deep network, the first layers learn nothing.
    """
    weights, state = backend.weights(), backend.state()
    _, gradients = finite_gradients(backend, features, labels)
    backend.load_weights(weights)
    backend.load_state(state)
    kernel = next(gradient for gradient in gradients.values() if gradient.ndim > 1)
    return float(np.linalg.norm(kernel.astype(np.float64)))


def _resume(backend: Backend, path: Path, fingerprint: str) -> tuple[History, Weights]:
    checkpoint = Checkpoint.load(path, fingerprint)
    if checkpoint is None:
        return History(), backend.weights()
    backend.load_weights(checkpoint.weights)
    backend.load_state(checkpoint.state)
    return History(**checkpoint.history), checkpoint.best_weights


def _rates(train: Train, epoch: int, steps: int, history: History) -> np.ndarray:
    """The learning rate of each step of an epoch."""
    val_losses = [metrics["val_loss"] for metrics in history.epochs]
    return learning_rates(train.schedule, train.optimizer.learning_rate, epoch, train.epochs, steps, val_losses)


def _expect_finite(metrics: dict[str, float], epoch: int, dtype: str) -> None:
    remedy = "a smaller train.optimizer.learning_rate"
    if dtype == SCALED:
        remedy += f", train.dtype: bfloat16 or split.scale: standard, as {SCALED} ends at 65,504"
    for name, value in metrics.items():
        if not np.isfinite(value):
            raise DivergenceError(f"{name} is {value} in epoch {epoch + 1}; try {remedy}")


def _is_checkpointed(epoch: int, history: History, train: Train) -> bool:
    """Every `checkpoint_every` epochs and at the end: a training that has ended is never repeated.

    Not at all where that is more than all epochs.
    """
    ends = epoch + 1 == train.epochs or _out_of_patience(history, train)
    return (epoch + 1) % train.checkpoint_every == 0 or (ends and train.checkpoint_every <= train.epochs)


def _out_of_patience(history: History, train: Train) -> bool:
    patience = train.early_stopping.patience
    return patience is not None and len(history.epochs) - 1 - history.best_epoch >= patience
