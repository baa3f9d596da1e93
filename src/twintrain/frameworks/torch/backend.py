"""Trains a network in PyTorch."""

import os
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torchinfo

from twintrain.errors import UserError
from twintrain.frameworks.torch import averages, collectives, gradients, losses, networks, optimizers
from twintrain.frameworks.torch.loss_scale import LossScale, are_finite
from twintrain.models.freezing import freeze_layers
from twintrain.models.network import Network
from twintrain.settings.sections.precision import SCALED, array_dtype
from twintrain.settings.sections.training import Train
from twintrain.training.batches import Batches
from twintrain.training.checkpoint import under
from twintrain.training.workers.worker import Worker, check_masks


class TorchBackend:
    """A network, its optimizer and training rows on one device (see `training.loop.Backend`)."""

    def __init__(self, network: Network, train: Train) -> None:
        self.train = train
        self.device = _device(train.device)
        if train.threads:
            torch.set_num_threads(train.threads)
        _set_determinism(train.deterministic)
        _set_precision(network.mode)
        self.model = networks.build(network, train.dtype, train.seed).to(self.device)
        self.network = freeze_layers(networks.known(self.model, network), train.freeze)
        self.frozen_norms = networks.freeze(self.model, self.network)
        self.worker = Worker.of_environment()
        self.dropouts = networks.shared_dropouts(self.model).values()
        if not self.worker.is_alone:
            check_masks(networks.draws_own_masks(self.model))
            collectives.join(self.worker, self.device)
            collectives.share_statistics(self.model)
        self.parameters = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.optimizer = optimizers.build(train.optimizer, network.mode, self.parameters, train.torch.fused)
        self.average = averages.Average(self.parameters if train.ema else [], train.ema or 0.0)
        self.criterion = losses.criterion_of(train.loss, network.schema)
        self.loss_scale = LossScale(train.dtype == SCALED, list(self.model.buffers()))
        self.regularization, self.clip = train.regularization, train.clip

    def load_rows(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Puts the training rows on the device that the next batches are of, in place of those before."""
        self.features, self.labels = self._tensor(features), self._tensor(labels)

    def train_epoch(self, batches: Batches, rates: np.ndarray) -> tuple[float, float]:
        """Takes one step a group of batches; returns mean loss and metric over the rows, as seen while training."""
        self._set_training()
        order = torch.from_numpy(batches.row_numbers()).to(self.device)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        metric = torch.zeros((), dtype=torch.float64, device=self.device)
        taken = [order[start:end] for start, end in pairwise(batches.cuts.tolist())]
        pieces = list(zip(taken, batches.sizes.tolist(), batches.firsts.tolist(), strict=True))
        for (first, end), rate in zip(pairwise(batches.steps.tolist()), rates.tolist(), strict=True):
            loss, found = self._step(pieces[first:end], rate)
            total += loss
            metric += found
        (metric,) = self._sum([metric])
        return total.item() / batches.rows, metric.item() / batches.rows

    def _set_training(self) -> None:
        self.model.train()
        for norm in self.frozen_norms:
            norm.eval()

    def _step(self, pieces: list[tuple[torch.Tensor, int, int]], rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes one step; returns the loss summed over the rows, and the metric over those that are here, before it.

        Args:
            pieces: of each batch the rows that are here, how many it has everywhere, and the place of the first here.
        """
        rows = sum(size for _, size, _ in pieces)
        seen: list[tuple[torch.Tensor, torch.Tensor]] = []
        are_good: list[bool] = []

        def evaluate() -> torch.Tensor:
            total, metric, found = self._evaluate(pieces, rows)
            seen.append((total, metric))
            # Before limits, which make numbers of infinite ones.
            are_good.append(not self.loss_scale.is_on or are_finite(found))
            found = gradients.penalize(found, self.parameters, self.regularization.l1, self.regularization.l2)
            found = gradients.clip(found, self.clip.norm, self.clip.value)
            for weight, gradient in zip(self.parameters, found, strict=True):
                weight.grad = gradient
            return total / rows + self._penalty()

        optimizers.set_learning_rate(self.optimizer, rate)
        if not self.loss_scale.is_on:
            # Given as a closure, because LBFGS evaluates the loss several times a step.
            self.optimizer.step(evaluate)
            self.average.update()
            return seen[0]
        evaluate()
        if are_good[0]:
            self.optimizer.step()
            self.average.update()
        self.loss_scale.follow(are_good[0])
        return seen[0]

    def _evaluate(
        self, pieces: list[tuple[torch.Tensor, int, int]], rows: int
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """The loss of a step summed over its rows, the metric over those that are here, and the loss's gradients."""
        self.optimizer.zero_grad(set_to_none=True)
        total = metric = 0
        for here, size, first in pieces:
            loss, found = self._forward(self.features[here], self.labels[here], first)
            self._add_gradients(loss, len(here), size, rows)
            total, metric = total + loss.detach() * len(here), metric + found
        # A module that takes no part in the forward pass has no gradient.
        found = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in self.parameters]
        *found, total = self._sum([*found, total])
        return total, metric, self.loss_scale.unscaled(found)

    def _add_gradients(self, loss: torch.Tensor, here: int, size: int, rows: int) -> None:
        """Adds the gradients of a batch's loss, weighed by its share of a step's rows.

        Those of a scaled loss are weighed after they are taken, as in Keras: before, they would leave float16's range
        at another scale.

        Args:
            here: rows of the batch that are here, of `size` on all workers; `rows` are those of the step.
        """
        if not self.loss_scale.is_on:
            (loss if here == rows else loss * (here / rows)).backward()
            return
        scaled = self.loss_scale.scaled(loss if here == size else loss * (here / size))
        found = torch.autograd.grad(scaled, self.parameters, allow_unused=True, materialize_grads=True)
        for weight, gradient in zip(self.parameters, found, strict=True):
            weighed = gradient if size == rows else gradient * (size / rows)
            weight.grad = weighed if weight.grad is None else weight.grad + weighed

    def _penalty(self) -> torch.Tensor | float:
        """What `gradients.penalize` adds the gradient of: LBFGS looks at the loss as well."""
        l1, l2 = self.regularization.l1, self.regularization.l2
        if not l1 and not l2:
            return 0.0
        kernels = [weight.detach() for weight in self.parameters if weight.ndim > 1]
        return sum(l1 * kernel.abs().sum() + l2 / 2 * kernel.square().sum() for kernel in kernels)

    def _sum(self, arrays: list[torch.Tensor]) -> list[torch.Tensor]:
        return arrays if self.worker.is_alone else collectives.sum_arrays(arrays)

    def _forward(
        self, features: torch.Tensor, labels: torch.Tensor, first: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        for dropout in self.dropouts:
            dropout.first_row = first
        return self.criterion(self.model(features), labels)

    def gradients(self, features: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """Returns loss and gradients of one batch in training; running statistics are updated, weights are not."""
        self._set_training()
        first, end = self.worker.share(len(features))
        loss, _ = self._forward(self._tensor(features[first:end]), self._tensor(labels[first:end]), first)
        loss = loss if self.worker.is_alone else loss * ((end - first) / len(features))
        scaled = self.loss_scale.scaled(loss)
        found = torch.autograd.grad(scaled, self.parameters, allow_unused=True, materialize_grads=True)
        *found, loss = self._sum([*found, loss])
        return loss.item(), networks.name_arrays(self.model, self.network, self.loss_scale.unscaled(list(found)))

    def from_first(self, numbers: list[float]) -> list[float]:
        """The numbers that the first worker gives."""
        given = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        return self._sum([given if self.worker.is_first else torch.zeros_like(given)])[0].tolist()

    def scale_metrics(self) -> dict[str, float]:
        """The scale of the loss and how many steps it cost, in float16."""
        return self.loss_scale.metrics()

    def predict(self, features: np.ndarray, batch_size: int = 4096) -> np.ndarray:
        """Returns logits (rows, outputs), with dropout off and running statistics in batch norm."""
        self.model.eval()
        with torch.inference_mode():
            starts = range(0, len(features), batch_size)
            chunks = (self._tensor(features[start : start + batch_size]) for start in starts)
            return torch.cat([self.model(chunk).cpu() for chunk in chunks]).numpy()

    def weights(self) -> dict[str, np.ndarray]:
        """Returns a copy of all arrays of the network."""
        return networks.get_weights(self.model, self.network)

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Sets all arrays of the network."""
        networks.set_weights(self.model, self.network, weights)
        self.loss_scale.keep_statistics()

    def averaged(self) -> AbstractContextManager[None]:
        """Meanwhile the network has the averages of its weights, if `train.ema` wants any."""
        return self.average.in_place()

    def state(self) -> dict[str, np.ndarray]:
        """Returns what optimizer, averages, scale of the loss and random generator keep, and calls of dropout."""
        arrays = {f"optimizer/{name}": array for name, array in optimizers.state(self.optimizer).items()}
        arrays |= {f"average/{name}": array for name, array in self.average.state().items()}
        arrays |= {f"loss_scale/{name}": array for name, array in self.loss_scale.state().items()}
        calls = {f"calls/{name}": np.array(count) for name, count in networks.get_calls(self.model).items()}
        return {**arrays, **calls, "random": _generator(self.device).get_state().numpy()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        optimizers.load_state(self.optimizer, under("optimizer", state))
        self.average.load_state(under("average", state))
        self.loss_scale.load_state(under("loss_scale", state))
        networks.set_calls(self.model, {name: int(count) for name, count in under("calls", state).items()})
        _generator(self.device).set_state(torch.from_numpy(state["random"]))

    def parameter_count(self) -> int:
        """Number of weights that training changes."""
        return sum(weight.numel() for weight in self.parameters)

    def summary(self) -> str:
        """The layers, shapes and parameter counts as torchinfo prints them."""
        schema = self.network.schema
        dtype = array_dtype(self.train.dtype) if schema.input_dtype == "float" else schema.input_dtype
        example = self._tensor(np.zeros((2, *schema.input_shape), dtype))
        columns = ("input_size", "output_size", "num_params", "mult_adds")
        return str(torchinfo.summary(self.model, input_data=example, col_names=columns, verbose=0, mode="eval"))

    def facts(self) -> dict[str, Any]:
        """What it ran on: version, device, threads, memory of a GPU."""
        found = {"version": torch.__version__, "device": self.device.type, "threads": torch.get_num_threads()}
        if self.device.type == "cuda":
            found["peak_device_memory_mib"] = round(torch.cuda.max_memory_allocated(self.device) / 2**20, 1)
        return found

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)


def _device(wanted: str) -> torch.device:
    seen = torch.cuda.is_available()
    if wanted == "gpu" and not seen:
        raise UserError("train.device: gpu, but PyTorch sees no CUDA device; expected a GPU, or train.device: auto")
    return torch.device("cuda" if seen and wanted != "cpu" else "cpu")


def _set_determinism(wanted: bool) -> None:
    if wanted:
        # cuBLAS is deterministic only with a fixed workspace, and reads this when it starts.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same as use_deterministic_algorithms, which imports torch.compile as well: a second.
    torch.set_deterministic_debug_mode("error" if wanted else "default")


def _set_precision(mode: str) -> None:
    """Float32 is float32 for both twins: by default PyTorch rounds convolutions on GPUs to TF32, and no products."""
    if mode == "aligned":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


def _generator(device: torch.device) -> torch.Generator:
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0]
    return torch.default_generator


Backend = TorchBackend
