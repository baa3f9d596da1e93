"""Times sums of arrays over workers in PyTorch: python sum_worker.py OUT

The environment says which worker it is. Writes bytes and seconds, the median of each size.
"""

import statistics
import sys
import time

import numpy as np
import torch

from twintrain.frameworks.torch.collectives import join, sum_arrays
from twintrain.training.workers.worker import Worker

NUMBERS = (1, 10_000, 100_000, 1_000_000, 4_000_000)
REPEATS = 15


def main(out: str) -> None:
    torch.set_num_threads(1)
    worker = Worker.of_environment()
    join(worker, torch.device("cpu"))
    found = [seconds(torch.ones(count)) for count in NUMBERS]
    if worker.is_first:
        np.savez(out, bytes=np.multiply(NUMBERS, 4), seconds=found)


def seconds(array: torch.Tensor) -> float:
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        sum_arrays([array])
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    main(sys.argv[1])
