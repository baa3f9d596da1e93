"""What the workers of a training compute together in PyTorch: sums of gradients and of statistics over all of them.

Sums are the same to the bit on all workers, and so the weights stay the same. PyTorch's own SyncBatchNorm refuses CPUs,
and DistributedDataParallel takes the mean over workers, which is another where their shares are not equally large.
"""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psutil
import torch
from torch import distributed, nn

from twintrain.training.workers.worker import SECONDS_TO_ANSWER, Worker

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def join(worker: Worker, device: torch.device) -> None:
    """Meets the other workers."""
    if worker.is_alone or distributed.is_initialized():
        return
    if device.type != "cuda" and (interface := _interface(worker.host())):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)  # else Gloo takes what the host's own name stands for
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=f"tcp://{worker.address}",
        rank=worker.rank,
        world_size=worker.size,
        timeout=timedelta(seconds=SECONDS_TO_ANSWER),
    )


def _interface(host: str) -> str | None:
    """The network interface that has an address of this host."""
    every = psutil.net_if_addrs().items()
    return next((name for name, addresses in every if host in [each.address for each in addresses]), None)


def sum_arrays(arrays: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The sums over all workers of arrays of one type, in one message."""
    flat = torch.cat([array.detach().reshape(-1) for array in arrays])
    distributed.all_reduce(flat)
    parts = flat.split([array.numel() for array in arrays])
    return [part.view(array.shape) for part, array in zip(parts, arrays, strict=True)]


def sum_over_workers(values: torch.Tensor) -> torch.Tensor:
    """The sum of an array over all workers, any shape → the same, through which gradients flow.

    What goes back is the sum of their gradients, since the loss of each depends on it.
    """
    return _Sum.apply(values)


def share_statistics(model: nn.Module) -> None:
    """Has the batch norms of a network take the statistics of all workers; else they are what they were."""
    for module in model.modules():
        if isinstance(module, BATCH_NORMS):
            kind = type(module)
            module.__class__ = type(kind.__name__, (_SharedStatistics, kind), {})


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        return sum_arrays([values])[0]

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        return sum_arrays([gradient])[0]


class _SharedStatistics(nn.modules.batchnorm._BatchNorm):
    """Batch norm by the statistics of the rows of all workers; out of training it is as before."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(rows, channels, …) → the same."""
        if not self.training:
            return super().forward(values)
        axes = [0, *range(2, values.ndim)]
        shape = (1, -1, *[1] * (values.ndim - 2))
        rows = values.new_tensor([values.numel() // values.shape[1]])
        *_, count = total = sum_over_workers(torch.cat([values.sum(axes), rows]))
        mean = total[:-1] / count
        centered = values - mean.view(shape)
        variance = sum_over_workers(centered.square().sum(axes)) / count
        self._keep(mean.detach(), variance.detach() * (count / (count - 1)))
        scaled = centered * torch.rsqrt(variance + self.eps).view(shape)
        scaled = scaled if self.weight is None else scaled * self.weight.view(shape)
        return scaled if self.bias is None else scaled + self.bias.view(shape)

    def _keep(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        """Mixes the statistics of a batch into the running ones."""
        if self.running_mean is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.mul_(1 - share).add_(mean * share)
        self.running_var.mul_(1 - share).add_(variance * share)
