"""Keras on TensorFlow: a whole epoch is one graph."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from twintrain.errors import UserError
from twintrain.frameworks.keras.engines.learner import Learner
from twintrain.settings.sections.training import Train
from twintrain.system.ports import free_port
from twintrain.training.batches import Batches
from twintrain.training.workers.exchange import written
from twintrain.training.workers.worker import SECONDS_TO_ANSWER, Worker

TITLE = f"TensorFlow {tf.__version__}"
SPLITS_BATCHES = False

Strategy = tf.distribute.MultiWorkerMirroredStrategy


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
        bounds = np.concatenate([[0], np.cumsum(batches.sizes)])
        places = (batches.row_numbers(), batches.cuts, bounds, batches.firsts)
        arguments = *self.rows, *map(tf.constant, (*places, batches.steps, rates))
        self._run_epoch = self._run_epoch or self._compiled(self._epoch, arguments)
        total, metric = self.learner.summed(list(self._run_epoch(*arguments)))
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
        bounds: tf.Tensor,
        firsts: tf.Tensor,
        steps: tf.Tensor,
        rates: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        """One graph for all steps: a call from Python for every batch costs more than a small batch."""
        batches = (features, labels), order, cuts, bounds, firsts
        total, metric = tf.zeros((), tf.float64), tf.zeros((), tf.float64)
        for step in tf.range(len(rates)):
            first, end = steps[step], steps[step + 1]
            rows = bounds[end] - bounds[first]
            loss, found, gradients = self._batch(batches, first, rows)
            total, metric = total + loss, metric + found
            if self.accumulate > 1:
                for batch in tf.range(first + 1, end):
                    loss, found, more = self._batch(batches, batch, rows)
                    total, metric = total + loss, metric + found
                    gradients = [old + new for old, new in zip(gradients, more, strict=True)]
            self.learner.update(self.learner.summed(gradients), rates[step])
        return total, metric

    def _batch(
        self, batches: tuple[Any, ...], number: tf.Tensor, rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Loss summed over the rows, metric, and gradients weighed by the batch's share of a step's rows.

        Args:
            batches: features and labels of all rows, row numbers, cuts and firsts of `Batches`; bounds are the cuts
                where the rows of all workers are counted.
            rows: how many the step has on all workers.
        """
        arrays, order, cuts, bounds, firsts = batches
        taken = order[cuts[number] : cuts[number + 1]]
        size = bounds[number + 1] - bounds[number]
        first = 0 if self.learner.worker.is_alone else tf.cast(firsts[number], tf.int32)
        loss, metric, gradients = self._gradients(*(tf.gather(array, taken) for array in arrays), size, first)
        if self.accumulate > 1:
            share = tf.cast(size, loss.dtype) / tf.cast(rows, loss.dtype)
            gradients = [gradient * share for gradient in gradients]
        return tf.cast(loss, tf.float64) * tf.cast(size, tf.float64), metric, gradients

    def _gradients(
        self, features: tf.Tensor, labels: tf.Tensor, size: Any, first: Any
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Loss, metric and gradients of the scaled loss for those rows of a batch that are here.

        Args:
            size: how many rows the batch has on all workers.
            first: the place in it of the first one here.
        """
        with self.learner.unbiased_variances(size), tf.GradientTape() as tape:
            loss, metric = self.learner.forward(features, labels, size, first)
            scaled = self.learner.loss_scale.scaled(loss)
        found = tape.gradient(scaled, self.learner.weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        # An embedding's gradient comes as the rows that were looked up; the update rules take whole arrays.
        return loss, metric, [tf.convert_to_tensor(gradient) for gradient in found]

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients of the weights for one batch in training, given its rows on all workers."""
        size = len(features)
        first, end = self.learner.worker.share(size)
        loss, _, gradients = self._gradients(*map(tf.constant, (features[first:end], labels[first:end])), size, first)
        loss, *gradients = self.learner.summed([loss, *gradients])
        return float(loss), [gradient.numpy() for gradient in self.learner.loss_scale.unscaled(gradients)]

    def from_first(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the first worker gives, float64 (n,)."""
        return self.learner.from_first(numbers)

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


def join(worker: Worker, device: str) -> None:
    """Meets the other workers."""
    _strategy(worker)


@tf.custom_gradient
def sum_over_workers(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The sum of an array over all workers, any shape → the same, through which gradients flow."""
    return _sum(values), _sum


def _sum(values: tf.Tensor) -> tf.Tensor:
    strategy = _strategy(Worker.of_environment())
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=SECONDS_TO_ANSWER)

    def summed() -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        # A tensor of this very replica: of others TensorFlow may not know where they are.
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(values), options)

    return strategy.run(summed)


@functools.cache
def _strategy(worker: Worker) -> Strategy:
    """What TensorFlow's workers add up by; nothing else of it is used, and variables stay outside of it."""
    address = written(worker.host(), free_port())
    cluster = tf.train.ClusterSpec({"worker": worker.exchange(address, SECONDS_TO_ANSWER)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type="worker", task_id=worker.rank, rpc_layer="grpc"
    )
    # What is summed outside of a graph is little, unless run_eagerly asks for it.
    tf.get_logger().addFilter(lambda record: "eagerly has significant overhead" not in record.getMessage())
    return Strategy(resolver)


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
