"""Prints what a batch in fixed shards would give and cost in PyTorch: python shards_worker.py

Fixed shards, summed in one order whatever the number of workers, would have the same bits on any number.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

SHARDS = 4
REPEATS = 9
BATCHES = (64, 256, 2048)
UNITS = 1650


def main() -> None:
    """A row a size of batch: numbers that other bits stand in, and times."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = nn.Sequential(nn.Linear(784, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, 10))
    print("| batch | logits of other bits | gradients of other bits | time in shards / at once |\n|---|---|---|---|")
    for rows in BATCHES:
        features = torch.randn(rows, 784)
        at_once, in_shards = (partial(step, network, features.chunk(count), rows) for count in (1, SHARDS))
        (logits, gradients), (others, summed) = at_once(), in_shards()
        ratio = seconds(in_shards) / seconds(at_once)
        print(f"| {rows} | {share(logits, others):.0%} | {share(gradients, summed):.0%} | {ratio:.2f} |", flush=True)


def step(network: nn.Module, pieces: tuple[torch.Tensor, ...], rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of all rows, and the gradients, summed over the pieces in their order."""
    network.zero_grad()
    logits = [network(piece) for piece in pieces]
    for each in logits:
        (each.square().sum() / rows).backward()
    return torch.cat(logits).detach(), torch.cat([weight.grad.ravel() for weight in network.parameters()])


def share(first: torch.Tensor, second: torch.Tensor) -> float:
    return (first != second).double().mean().item()


def seconds(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
