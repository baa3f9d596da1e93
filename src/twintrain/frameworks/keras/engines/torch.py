"""Keras on PyTorch: a plain loop over the batches."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

from twintrain.errors import UserError
from twintrain.frameworks.keras.engines import pyfunc
from twintrain.frameworks.keras.engines.float64 import keep_float64
from twintrain.frameworks.keras.engines.learner import Learner
from twintrain.frameworks.torch import collectives
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches
from twintrain.training.workers.worker import Worker

TITLE = f"PyTorch {torch.__version__}"
SPLITS_BATCHES = False
sum_over_workers = collectives.sum_over_workers


class Engine:
    """Runs a learner's training and prediction (see `learner.Engine`)."""

    def __init__(self, learner: Learner, train: Train) -> None:
        self.learner = learner

    def load_rows(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Puts the training rows on the device that the next batches are of, in place of those before."""
        self.features = keras.ops.convert_to_tensor(features)
        self.labels = keras.ops.convert_to_tensor(labels)

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, float]:
        """Takes one step a group of batches; returns the loss summed over the rows, and the metric."""
        device = self.labels.device
        order = torch.from_numpy(batches.row_numbers()).to(device)
        # On the device, where the workers of GPUs add them up.
        total, metric = (torch.zeros((), dtype=torch.float64, device=device) for _ in range(2))
        taken = [order[start:end] for start, end in pairwise(batches.cuts.tolist())]
        pieces = list(zip(taken, batches.sizes.tolist(), batches.firsts.tolist(), strict=True))
        for (first, end), rate in zip(pairwise(batches.steps.tolist()), rates.tolist(), strict=True):
            rows = int(batches.sizes[first:end].sum())
            summed: list[torch.Tensor] = []
            for here, size, place in pieces[first:end]:
                loss, found, gradients = self._gradients(self.features[here], self.labels[here], size, place)
                total += loss.detach() * size
                metric += found
                if size < rows:
                    gradients = [gradient * (size / rows) for gradient in gradients]
                summed = [old + new for old, new in zip(summed, gradients, strict=True)] if summed else gradients
            with torch.no_grad():
                self.learner.update(self.learner.summed(summed), rate)
        total, metric = self.learner.summed([total, metric])
        return total.item(), metric.item()

    def _gradients(
        self, features: torch.Tensor, labels: torch.Tensor, size: int, first: int
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Loss, metric and gradients of the scaled loss for those rows of a batch that are here.

        Args:
            size: how many rows the batch has on all workers.
            first: the place in it of the first one here.
        """
        with self.learner.unbiased_variances(size):
            loss, metric = self.learner.forward(features, labels, size, first)
        weights = [weight.value for weight in self.learner.weights]
        scaled = self.learner.loss_scale.scaled(loss)
        return loss, metric, list(torch.autograd.grad(scaled, weights, allow_unused=True, materialize_grads=True))

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients of the weights for one batch in training, given its rows on all workers."""
        size = len(features)
        first, end = self.learner.worker.share(size)
        here = [keras.ops.convert_to_tensor(array[first:end]) for array in (features, labels)]
        loss, _, gradients = self._gradients(*here, size, first)
        loss, *gradients = self.learner.summed([loss.detach(), *gradients])
        return loss.item(), [gradient.cpu().numpy() for gradient in self.learner.loss_scale.unscaled(gradients)]

    def from_first(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the first worker gives, float64 (n,)."""
        return self.learner.from_first(numbers)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Logits of some rows, in inference."""
        with torch.no_grad():
            return self.learner.model(keras.ops.convert_to_tensor(features), training=False).cpu().numpy()


def set_up(train: Train, mode: str) -> str:
    """Prepares the process for a training; returns its device."""
    keep_float64(train.dtype == "float64")
    seen = torch.cuda.is_available()
    if train.device == "gpu" and not seen:
        raise UserError("train.device: gpu, but PyTorch sees no CUDA device; expected a GPU, or train.device: auto")
    if train.device == "cpu":
        keras.device("cpu").__enter__()  # for the whole process
    if train.threads:
        torch.set_num_threads(train.threads)
    if train.deterministic:
        # cuBLAS is deterministic only with a fixed workspace, and reads this when it starts.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same as use_deterministic_algorithms, which imports torch.compile as well: a second.
    torch.set_deterministic_debug_mode("error" if train.deterministic else "default")
    if mode == "aligned":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
    return "cuda" if seen and train.device != "cpu" else "cpu"


def join(worker: Worker, device: str) -> None:
    """Meets the other workers."""
    collectives.join(worker, torch.device(device))


def set_threads(count: int) -> int:
    """Sets the number of CPU threads of an operation; returns it."""
    torch.set_num_threads(count)
    return threads()


def threads() -> int:
    """Number of CPU threads of an operation."""
    return torch.get_num_threads()


def peak_device_memory() -> int:
    """Most bytes that arrays have taken on the GPU in this process."""
    return torch.cuda.max_memory_allocated()


def save_mlflow_model(model: keras.Model, example: np.ndarray, path: Path, **arguments: Any) -> None:
    """Saves a network as the folder of an MLflow model."""
    pyfunc.save_mlflow_model(model, "torch", example, path, **arguments)
