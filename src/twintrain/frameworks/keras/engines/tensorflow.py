"""Keras on TensorFlow: a whole epoch is one graph."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from twintrain.config import Train
from twintrain.errors import UserError
from twintrain.frameworks.keras.engines.learner import Learner
from twintrain.training.batches import Batches

TITLE = f"TensorFlow {tf.__version__}"
PACKAGE = "tensorflow"


class Engine:
    """Runs a learner's training and prediction (see `learner.Engine`)."""

    def __init__(self, learner: Learner, train: Train, features: np.ndarray, labels: np.ndarray) -> None:
        self.learner = learner
        self.accumulate = train.accumulate
        self.features = tf.constant(features)
        self.labels = tf.constant(labels)
        self._run_epoch, self._run_forward = self._epoch, self._forward
        if not train.framework_options("keras")["run_eagerly"]:
            # Told what to expect, TensorFlow builds one graph for any number of rows, batches and steps.
            integers, numbers = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.float64)
            rows = tf.TensorSpec([None, *self.features.shape[1:]], self.features.dtype)
            self._run_epoch = tf.function(self._epoch, input_signature=(integers, integers, integers, numbers))
            self._run_forward = tf.function(self._forward, input_signature=(rows,))

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, int]:
        """Takes one step a group of batches; returns the loss summed over the rows, and the hits."""
        total, hits = self._run_epoch(*map(tf.constant, (batches.order, batches.cuts, batches.steps, rates)))
        return float(total), int(hits)

    def _epoch(self, order: tf.Tensor, cuts: tf.Tensor, steps: tf.Tensor, rates: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One graph for all steps: a call from Python for every batch costs more than a small batch."""
        total, hits = tf.zeros((), tf.float64), tf.zeros((), tf.int64)
        for step in tf.range(len(rates)):
            first, end = steps[step], steps[step + 1]
            loss, found, gradients = self._batch(order[cuts[first] : cuts[first + 1]])
            total, hits = total + loss, hits + found
            if self.accumulate > 1:
                rows = tf.cast(cuts[end] - cuts[first], gradients[0].dtype)
                gradients = self._share(gradients, cuts, first, rows)
                for batch in tf.range(first + 1, end):
                    loss, found, more = self._batch(order[cuts[batch] : cuts[batch + 1]])
                    total, hits = total + loss, hits + found
                    shares = self._share(more, cuts, batch, rows)
                    gradients = [old + new for old, new in zip(gradients, shares, strict=True)]
            self.learner.update(gradients, rates[step])
        return total, hits

    def _batch(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        loss, hits, gradients = self._gradients(tf.gather(self.features, rows), tf.gather(self.labels, rows))
        return tf.cast(loss, tf.float64) * tf.cast(tf.size(rows), tf.float64), hits, gradients

    def _gradients(self, features: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        with self.learner.unbiased_variances(tf.shape(features)[0]), tf.GradientTape() as tape:
            loss, hits = self.learner.forward(features, labels)
        found = tape.gradient(loss, self.learner.weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        # An embedding's gradient comes as the rows that were looked up; the update rules take whole arrays.
        return loss, hits, [tf.convert_to_tensor(gradient) for gradient in found]

    @staticmethod
    def _share(gradients: list[tf.Tensor], cuts: tf.Tensor, batch: tf.Tensor, rows: tf.Tensor) -> list[tf.Tensor]:
        share = tf.cast(cuts[batch + 1] - cuts[batch], rows.dtype) / rows
        return [gradient * share for gradient in gradients]

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients of the weights for one batch in training."""
        loss, _, gradients = self._gradients(tf.constant(features), tf.constant(labels))
        return float(loss), [gradient.numpy() for gradient in gradients]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Logits of some rows, in inference."""
        return self._run_forward(tf.constant(features)).numpy()

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
        tf.config.threading.set_intra_op_parallelism_threads(train.threads)
    if train.deterministic:
        tf.config.experimental.enable_op_determinism()
    if mode == "aligned":
        # Float32 is float32 for both twins: by default TensorFlow rounds convolutions and products on GPUs to TF32.
        tf.config.experimental.enable_tensor_float_32_execution(False)
    return "cuda" if seen and train.device != "cpu" else "cpu"


def threads() -> int:
    """Number of CPU threads of an operation; 0: TensorFlow's choice."""
    return tf.config.threading.get_intra_op_parallelism_threads()


def log_model(model: keras.Model, example: np.ndarray, **arguments: Any) -> Any:
    """Logs a network to the active MLflow run; returns MLflow's ModelInfo."""
    # mlflow.keras.log_model fails on an input example (MLflow 3.17.2); the TensorFlow flavor takes Keras 3.
    import mlflow.tensorflow

    # MLflow predicts the example with a progress bar.
    keras.config.disable_interactive_logging()
    return mlflow.tensorflow.log_model(model, input_example=example, **arguments)
