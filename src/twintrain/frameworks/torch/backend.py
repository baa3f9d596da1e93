"""Trains a network in PyTorch."""

import os
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torchinfo

from twintrain.config import Train
from twintrain.data.parts import Part
from twintrain.errors import UserError
from twintrain.frameworks.torch import layers, losses, optimizers
from twintrain.models.network import Network
from twintrain.training.batches import Batches


class TorchBackend:
    """A network, its optimizer and its training rows on one device (see `training.loop.Backend`)."""

    def __init__(self, network: Network, train: Train, part: Part) -> None:
        self.network = network
        self.device = _device(train.device)
        if train.threads:
            torch.set_num_threads(train.threads)
        _set_determinism(train.deterministic)
        _set_precision(network.mode)
        self.dtype = train.dtype
        self.model = layers.build(network, train.dtype, train.seed).to(self.device)
        weights = list(self.model.parameters())
        self.optimizer = optimizers.build(train.optimizer, network.mode, weights, train.torch.fused)
        self.loss = losses.LOSSES[network.schema.task]
        self.features = self._tensor(part.features)
        self.labels = self._tensor(part.labels)

    def train_epoch(self, batches: Batches) -> tuple[float, float]:
        """Takes one step a batch; returns mean loss and accuracy over the rows, as seen while training."""
        self.model.train()
        order = torch.from_numpy(batches.order).to(self.device)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        hits = torch.zeros((), dtype=torch.int64, device=self.device)
        for start, end in pairwise(batches.cuts.tolist()):
            rows = order[start:end]
            labels = self.labels[rows]
            self.optimizer.zero_grad(set_to_none=True)
            logits = self.model(self.features[rows])
            loss = self.loss(logits, labels)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * (end - start)
            hits += losses.hits(logits, labels)
        return total.item() / len(order), hits.item() / len(order)

    def predict(self, features: np.ndarray, batch_size: int = 4096) -> np.ndarray:
        """Returns logits (rows, outputs), with dropout off and running statistics in batch norm."""
        self.model.eval()
        with torch.inference_mode():
            chunks = self._tensor(features).split(batch_size)
            return torch.cat([self.model(chunk) for chunk in chunks]).cpu().numpy()

    def weights(self) -> dict[str, np.ndarray]:
        """Returns a copy of all arrays of the network."""
        return layers.get_weights(self.model, self.network)

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Sets all arrays of the network."""
        layers.set_weights(self.model, self.network, weights)

    def state(self) -> dict[str, np.ndarray]:
        """Returns the arrays of the optimizer and the state of the random generator."""
        slots = self.optimizer.state_dict()["state"]
        arrays = {f"{i}/{name}": _array(value) for i, slot in slots.items() for name, value in slot.items()}
        return {**arrays, "random": _generator(self.device).get_state().numpy()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Sets what `state` returned."""
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for name, array in state.items():
            if name != "random":
                index, slot = name.split("/")
                slots.setdefault(int(index), {})[slot] = torch.from_numpy(array)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        _generator(self.device).set_state(torch.from_numpy(state["random"]))

    def parameter_count(self) -> int:
        """Number of weights that training changes."""
        return sum(weight.numel() for weight in self.model.parameters() if weight.requires_grad)

    def summary(self) -> str:
        """The layers, shapes and parameter counts as torchinfo prints them."""
        example = self.features[:2].clone()  # torchinfo counts the whole storage behind a slice
        columns = ("input_size", "output_size", "num_params", "mult_adds")
        return str(torchinfo.summary(self.model, input_data=example, col_names=columns, verbose=0, mode="eval"))

    def facts(self) -> dict[str, Any]:
        """What it ran on: version, device, threads."""
        return {"version": torch.__version__, "device": self.device.type, "threads": torch.get_num_threads()}

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
    torch.use_deterministic_algorithms(wanted)


def _set_precision(mode: str) -> None:
    """Float32 is float32 for both twins: by default PyTorch rounds convolutions on GPUs to TF32, and no products."""
    if mode == "aligned":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


def _generator(device: torch.device) -> torch.Generator:
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0]
    return torch.default_generator


def _array(value: torch.Tensor) -> np.ndarray:
    return value.detach().cpu().numpy().copy()


Backend = TorchBackend
