"""Keras on JAX: a step is one compiled function from the values of all variables to new ones."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

from twintrain.errors import UserError
from twintrain.frameworks.keras.engines import pyfunc
from twintrain.frameworks.keras.engines.float64 import keep_float64
from twintrain.frameworks.keras.engines.jax_workers import Alone, Together, join
from twintrain.frameworks.keras.engines.learner import Learner
from twintrain.settings.sections.precision import HALF
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches
from twintrain.training.workers.worker import Worker

TITLE = f"JAX {jax.__version__}"
# Read from XLA_FLAGS when JAX first looks for its devices.
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
# Else XLA leaves out roundings to half precision that are followed by a float32, and float16 never overflows.
ROUNDED = "--xla_allow_excess_precision=false"
# XLA cuts batches into the shares of several workers, so that each is given whole ones, as the only worker is.
SPLITS_BATCHES = True

Values = list[jax.Array]


class Engine:
    """Runs a learner's training and prediction (see `learner.Engine`)."""

    def __init__(self, learner: Learner, train: Train) -> None:
        self.learner = learner
        self.sharing = _sharing(train)
        eager = train.framework_options("keras-jax")["run_eagerly"]
        if eager and isinstance(self.sharing, Together):
            raise UserError("train.keras.run_eagerly: true: what is not compiled cannot be shared; expected false")
        shared, compiled = (_uncompiled, _uncompiled) if eager else (self.sharing.compiled, jax.jit)
        self._run_step = shared(self._step)
        self._run_gradients = shared(self._gradients)
        self._run_forward = compiled(self._forward)

    def load_rows(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Puts the training rows on the device that the next batches are of, in place of those before."""
        self.rows = self.sharing.everywhere((jax.numpy.asarray(features), jax.numpy.asarray(labels)))

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, float]:
        """Takes one step a group of batches; returns the loss summed over the rows, and the metric."""
        values, order = self.sharing.everywhere((self._values(), jax.numpy.asarray(batches.row_numbers())))
        totals, metric = [], []
        with self.sharing.answered():
            for (first, end), rate in zip(pairwise(batches.steps.tolist()), rates, strict=True):
                cuts = batches.cuts[first : end + 1].tolist()
                taken = [order[start:stop] for start, stop in pairwise(cuts)]
                values, total, found = self._run_step(values, self.rows, taken, rate)
                totals.append(total)
                metric.append(found)
            self._assign(self.sharing.here(values))
            return float(sum(totals)), float(sum(metric))

    def _step(
        self, values: Values, rows: tuple[jax.Array, jax.Array], batches: list[jax.Array], rate: jax.Array
    ) -> tuple[Values, jax.Array, jax.Array]:
        features, labels = rows
        count = sum(len(batch) for batch in batches)
        total, metric, summed = 0.0, 0, None
        for batch in batches:
            values, loss, found, gradients = self._gradients(values, features[batch], labels[batch])
            total, metric = total + loss.astype("float64") * len(batch), metric + found
            if len(batches) > 1:
                gradients = [gradient * (len(batch) / count) for gradient in gradients]
            summed = gradients if summed is None else [old + new for old, new in zip(summed, gradients, strict=True)]
        with self._scope(values) as scope:
            self.learner.update(summed, rate)
        return self._current(scope), total, metric

    def _gradients(
        self, values: Values, features: jax.Array, labels: jax.Array
    ) -> tuple[Values, jax.Array, jax.Array, Values]:
        """New values of all variables, as of running statistics; loss, metric and gradients of the scaled loss."""
        features, labels = self.sharing.by_rows(features), self.sharing.by_rows(labels)

        def loss_of(weights: Values) -> tuple[jax.Array, tuple[jax.Array, jax.Array, Values]]:
            with self._scope(values, weights) as scope, self.learner.unbiased_variances(len(features)):
                loss, metric = self.learner.forward(features, labels)
                scaled = self.learner.loss_scale.scaled(loss)
            return scaled, (loss, metric, self._current(scope))

        places = {id(variable): place for place, variable in enumerate(self.learner.variables)}
        weights = [values[places[id(weight)]] for weight in self.learner.weights]
        (_, (loss, metric, after)), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        return after, loss, metric, gradients

    def _scope(self, values: Values, weights: Values | None = None) -> keras.StatelessScope:
        """A scope in which variables have these values, the weights others if they are given."""
        mapping = list(zip(self.learner.variables, values, strict=True))
        if weights is not None:
            mapping += zip(self.learner.weights, weights, strict=True)
        return keras.StatelessScope(mapping)

    def _current(self, scope: keras.StatelessScope) -> Values:
        return [scope.get_current_value(variable) for variable in self.learner.variables]

    def _values(self) -> Values:
        return [variable.value for variable in self.learner.variables]

    def _assign(self, values: Values) -> None:
        for variable, value in zip(self.learner.variables, values, strict=True):
            variable.assign(value)

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients of the weights for one batch in training."""
        with self.sharing.answered():
            arguments = self.sharing.everywhere((self._values(), features, labels))
            values, loss, _, gradients = self._run_gradients(*arguments)
            self._assign(self.sharing.here(values))
            return float(loss), [np.array(gradient) for gradient in self.learner.loss_scale.unscaled(gradients)]

    def from_first(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the first worker gives, float64 (n,)."""
        with self.sharing.answered():
            return self.sharing.from_first(numbers)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Logits of some rows, in inference."""
        return np.array(self._run_forward(self._values(), features))

    def _forward(self, values: Values, features: jax.Array) -> jax.Array:
        with self._scope(values):
            return self.learner.model(features, training=False)


def set_up(train: Train, mode: str) -> str:
    """Prepares the process for a training; returns its device as PyTorch would call it."""
    wanted = {DETERMINISTIC: train.deterministic, ROUNDED: train.dtype in HALF}
    given = os.environ.get("XLA_FLAGS", "").split()
    os.environ["XLA_FLAGS"] = " ".join([*given, *(flag for flag in wanted if wanted[flag] and flag not in given)])
    _sharing(train)
    keep_float64(train.dtype == "float64")
    seen = jax.default_backend() == "gpu"
    if train.device == "gpu" and not seen:
        raise UserError("train.device: gpu, but JAX sees no GPU; expected a GPU, or train.device: auto")
    if train.device == "cpu":
        jax.config.update("jax_default_device", jax.local_devices(backend="cpu")[0])
    if mode == "aligned":
        # By default JAX rounds products on GPUs to TF32.
        jax.config.update("jax_default_matmul_precision", "highest")
    return "cuda" if seen and train.device != "cpu" else "cpu"


def _sharing(train: Train) -> Alone | Together:
    """What this process and the other workers have to do with each other."""
    return join(Worker.of_environment(), "cpu" if train.device == "cpu" else None)


def _uncompiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def set_threads(count: int) -> int:
    """Leaves the number of CPU threads as it is, since JAX cannot change it; returns what `threads` does."""
    return threads()


def threads() -> int:
    """Number of CPU threads; 0: JAX's choice, which a process cannot change once it runs."""
    return 0


def peak_device_memory() -> int:
    """Most bytes that arrays have taken on the GPU in this process."""
    return jax.devices()[0].memory_stats()["peak_bytes_in_use"]


def save_mlflow_model(model: keras.Model, example: np.ndarray, path: Path, **arguments: Any) -> None:
    """Saves a network as the folder of an MLflow model."""
    pyfunc.save_mlflow_model(model, "jax", example, path, **arguments)
