"""Trains a network in Keras on TensorFlow."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from twintrain.config import Train
from twintrain.data.parts import Part
from twintrain.errors import UserError
from twintrain.frameworks.keras import layers, losses, optimizers
from twintrain.models.layers import BatchNorm
from twintrain.models.network import Network
from twintrain.training.batches import Batches


class KerasBackend:
    """A network, its optimizer and its training rows on one device (see `training.loop.Backend`)."""

    def __init__(self, network: Network, train: Train, part: Part) -> None:
        self.network = network
        self.device = _device(train.device)
        if train.threads:
            tf.config.threading.set_intra_op_parallelism_threads(train.threads)
        _set_determinism(train.deterministic)
        _set_precision(network.mode)
        self.dtype = train.dtype
        self.model = layers.build(network, train.dtype, train.seed)
        weights = self.model.trainable_variables
        self.optimizer = optimizers.build(train.optimizer, network.mode, weights)
        self.loss = losses.LOSSES[network.schema.task]
        self.features = tf.constant(part.features)
        self.labels = tf.constant(part.labels)
        compiled = (lambda function: function) if train.keras.run_eagerly else tf.function
        self._run_epoch = compiled(self._epoch)
        self._run_forward = compiled(self._forward)

    def train_epoch(self, batches: Batches) -> tuple[float, float]:
        """Takes one step a batch; returns mean loss and accuracy over the rows, as seen while training."""
        total, hits = self._run_epoch(tf.constant(batches.order), tf.constant(batches.cuts))
        return float(total) / len(batches.order), int(hits) / len(batches.order)

    def _epoch(self, order: tf.Tensor, cuts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The whole epoch is one graph: a call from Python for every batch costs more than a small batch."""
        total = tf.zeros((), tf.float64)
        hits = tf.zeros((), tf.int64)
        for batch in tf.range(len(cuts) - 1):
            rows = order[cuts[batch] : cuts[batch + 1]]
            labels = tf.gather(self.labels, rows)
            loss, logits = self._step(tf.gather(self.features, rows), labels)
            total += tf.cast(loss, tf.float64) * tf.cast(tf.size(rows), tf.float64)
            hits += losses.hits(logits, labels)
        return total, hits

    def _step(self, features: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        before = [tf.identity(layer.moving_variance) for layer, _ in self._aligned_batch_norms()]
        with tf.GradientTape() as tape:
            logits = self.model(features, training=True)
            loss = self.loss(logits, labels)
        weights = self.model.trainable_variables
        # An embedding's gradient comes as the rows that were looked up; the update rules take whole arrays.
        self.optimizer.apply([tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)], weights)
        for (layer, positions), variance in zip(self._aligned_batch_norms(), before, strict=True):
            _unbias(layer, variance, tf.cast(len(features) * positions, self.dtype))
        return loss, logits

    def _aligned_batch_norms(self) -> list[tuple[keras.layers.BatchNormalization, int]]:
        """Batch norm layers whose running variance must be PyTorch's, with the values a row gives each channel."""
        if self.network.mode == "native":
            return []
        return [
            (self.model.get_layer(placed.name), int(np.prod(placed.input_shape[:-1])))
            for placed in self.network.layers
            if isinstance(placed.layer, BatchNorm)
        ]

    def predict(self, features: np.ndarray, batch_size: int = 4096) -> np.ndarray:
        """Returns logits (rows, outputs), with dropout off and running statistics in batch norm."""
        starts = range(0, len(features), batch_size)
        chunks = [tf.constant(features[start : start + batch_size]) for start in starts]
        return np.concatenate([self._run_forward(chunk) for chunk in chunks])

    def _forward(self, features: tf.Tensor) -> tf.Tensor:
        return self.model(features, training=False)

    def weights(self) -> dict[str, np.ndarray]:
        """Returns a copy of all arrays of the network."""
        return layers.get_weights(self.model, self.network)

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Sets all arrays of the network."""
        layers.set_weights(self.model, self.network, weights)

    def state(self) -> dict[str, np.ndarray]:
        """Returns the arrays of the optimizer and the states of the random generators."""
        return {f"{index}": np.array(variable) for index, variable in enumerate(self._state_variables())}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        for index, variable in enumerate(self._state_variables()):
            variable.assign(state[f"{index}"])

    def _state_variables(self) -> list[keras.Variable]:
        generators = [layer.seed_generator for layer in self.model.layers if hasattr(layer, "seed_generator")]
        return [*self.optimizer.variables, *(generator.state for generator in generators)]

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
        """What it ran on: version, device, threads (0: TensorFlow's choice)."""
        threads = tf.config.threading.get_intra_op_parallelism_threads()
        version = f"{keras.__version__} on TensorFlow {tf.__version__}"
        return {"version": version, "device": self.device, "threads": threads}


def _device(wanted: str) -> str:
    seen = tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not seen:
        raise UserError("train.device: gpu, but TensorFlow sees no GPU; expected a GPU, or train.device: auto")
    if wanted == "cpu":
        tf.config.set_visible_devices([], "GPU")
    # Named as PyTorch names it, so that the two can be compared.
    return "cuda" if seen and wanted != "cpu" else "cpu"


def _set_determinism(wanted: bool) -> None:
    if wanted:
        tf.config.experimental.enable_op_determinism()


def _set_precision(mode: str) -> None:
    """Float32 is float32 for both twins: by default TensorFlow rounds convolutions and products on GPUs to TF32."""
    if mode == "aligned":
        tf.config.experimental.enable_tensor_float_32_execution(False)


def _unbias(layer: keras.layers.BatchNormalization, before: tf.Tensor, count: tf.Tensor) -> None:
    """Turns the biased variance that Keras has just mixed in into the unbiased one, n / (n − 1) times as large."""
    kept = before * tf.constant(layer.momentum, before.dtype)
    layer.moving_variance.assign(kept + (layer.moving_variance - kept) * (count / (count - 1)))


Backend = KerasBackend
