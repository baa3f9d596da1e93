"""Keras on TensorFlow: a whole epoch is one graph."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from twintrain.errors import UserError
from twintrain.frameworks.keras.engines.learner import Learner
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches

TITLE = f"TensorFlow {tf.__version__}"
SHARES_ROWS = False


class Engine:
    """Runs a learner's training and prediction (see `learner.Engine`)."""

    def __init__(self, learner: Learner, train: Train) -> None:
        self.learner = learner
        self.accumulate = train.accumulate
        self.eager = train.framework_options("keras")["run_eagerly"]
        self._run_epoch: Callable[..., Any] | None = None
        self._run_forward: Callable[..., Any] | None = None

    def load_rows(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Puts the training rows on the device that the next batches are of, in place of those before."""
        self.rows = tf.constant(features), tf.constant(labels)

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, float]:
        """Takes one step a group of batches; returns the loss summed over the rows, and the metric."""
        arguments = *self.rows, *map(tf.constant, (batches.order, batches.cuts, batches.steps, rates))
        self._run_epoch = self._run_epoch or self._compiled(self._epoch, arguments)
        total, metric = self._run_epoch(*arguments)
        return float(total), float(metric)

    def _compiled(self, function: Callable[..., Any], arguments: tuple[tf.Tensor, ...]) -> Callable[..., Any]:
        """One graph for any number of rows, batches and steps: TensorFlow is told what to expect."""
        if self.eager:
            return function
        signature = [tf.TensorSpec([None, *argument.shape[1:]], argument.dtype) for argument in arguments]
        return tf.function(function, input_signature=signature)

    def _epoch(
        self,
        features: tf.Tensor,
        labels: tf.Tensor,
        order: tf.Tensor,
        cuts: tf.Tensor,
        steps: tf.Tensor,
        rates: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        """One graph for all steps: a call from Python for every batch costs more than a small batch."""
        rows = features, labels
        total, metric = tf.zeros((), tf.float64), tf.zeros((), tf.float64)
        for step in tf.range(len(rates)):
            first, end = steps[step], steps[step + 1]
            loss, found, gradients = self._batch(rows, order[cuts[first] : cuts[first + 1]])
            total, metric = total + loss, metric + found
            if self.accumulate > 1:
                count = tf.cast(cuts[end] - cuts[first], gradients[0].dtype)
                gradients = self._share(gradients, cuts, first, count)
                for batch in tf.range(first + 1, end):
                    loss, found, more = self._batch(rows, order[cuts[batch] : cuts[batch + 1]])
                    total, metric = total + loss, metric + found
                    shares = self._share(more, cuts, batch, count)
                    gradients = [old + new for old, new in zip(gradients, shares, strict=True)]
            self.learner.update(gradients, rates[step])
        return total, metric

    def _batch(
        self, rows: tuple[tf.Tensor, tf.Tensor], taken: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        loss, metric, gradients = self._gradients(*(tf.gather(array, taken) for array in rows))
        return tf.cast(loss, tf.float64) * tf.cast(tf.size(taken), tf.float64), metric, gradients

    def _gradients(self, features: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        with self.learner.unbiased_variances(tf.shape(features)[0]), tf.GradientTape() as tape:
            loss, metric = self.learner.forward(features, labels)
        found = tape.gradient(loss, self.learner.weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        # An embedding's gradient comes as the rows that were looked up; the update rules take whole arrays.
        return loss, metric, [tf.convert_to_tensor(gradient) for gradient in found]

    @staticmethod
    def _share(gradients: list[tf.Tensor], cuts: tf.Tensor, batch: tf.Tensor, count: tf.Tensor) -> list[tf.Tensor]:
        share = tf.cast(cuts[batch + 1] - cuts[batch], count.dtype) / count
        return [gradient * share for gradient in gradients]

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients of the weights for one batch in training."""
        loss, _, gradients = self._gradients(tf.constant(features), tf.constant(labels))
        return float(loss), [gradient.numpy() for gradient in gradients]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Logits of some rows, in inference."""
        arguments = (tf.constant(features),)
        self._run_forward = self._run_forward or self._compiled(self._forward, arguments)
        return self._run_forward(*arguments).numpy()

    def _forward(self, features: tf.Tensor) -> tf.Tensor:
        return self.learner.model(features, training=False)


def set_up(train: Train, mode: str) -> str:
    """Prepares the process for a training; returns its device as PyTorch would call it."""
    seen = tf.config.list_physical_devices("GPU")
    if train.device == "gpu" and not seen:
        raise UserError("train.device: gpu, but TensorFlow sees no GPU; expected a GPU, or train.device: auto")
    if train.device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    if train.threads:
        set_threads(train.threads)
    if train.deterministic:
        tf.config.experimental.enable_op_determinism()
    if mode == "aligned":
        # Float32 is float32 for both twins: by default TensorFlow rounds convolutions and products on GPUs to TF32.
        tf.config.experimental.enable_tensor_float_32_execution(False)
    return "cuda" if seen and train.device != "cpu" else "cpu"


def set_threads(count: int) -> int:
    """Sets the number of CPU threads of an operation, before the first one; returns it."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    return threads()


def threads() -> int:
    """Number of CPU threads of an operation; 0: TensorFlow's choice."""
    return tf.config.threading.get_intra_op_parallelism_threads()


def peak_device_memory() -> int:
    """Most bytes that arrays have taken on the GPU in this process."""
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def save_mlflow_model(model: keras.Model, example: np.ndarray, path: Path, **arguments: Any) -> None:
    """Saves a network as the folder of an MLflow model."""
    # mlflow.keras fails on an input example (MLflow 3.17.2); the TensorFlow flavor takes Keras 3.
    import mlflow.tensorflow

    mlflow.tensorflow.save_model(model, str(path), input_example=example, **arguments)
