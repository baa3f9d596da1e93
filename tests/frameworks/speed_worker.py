"""Times steps of a network of 4 million weights as one of several workers: python speed_worker.py FRAMEWORK OUT"""

import os
import sys
import time

import numpy as np
from twin_cases import case_of, function, one

from twintrain.data.parts import Part
from twintrain.frameworks import framework_module
from twintrain.settings.sections.training import Train
from twintrain.training.steps import take_steps
from twintrain.training.workers.worker import Worker

UNITS = 1650  # 784 · 1650 + 1650² + 1650 · 10, and biases
BATCH_SIZE = 2048
BATCHES = 4
STEPS = 12


def main(framework: str, out: str) -> None:
    """Writes samples a second, all workers together, after one epoch that builds what is built once."""
    cpus = sorted(os.sched_getaffinity(0))
    # Not every library under Keras keeps to one thread that is told to; a processor keeps it to that.
    os.sched_setaffinity(0, {cpus[Worker.of_environment().rank % len(cpus)]})
    layers = [one("dense", units=UNITS), function("relu")] * 2
    case = case_of([784], layers, 10, seed=0)
    rng = np.random.default_rng(0)
    rows = BATCH_SIZE * BATCHES
    part = Part(rng.normal(size=(rows, 784)).astype(np.float32), rng.integers(0, 10, rows), np.arange(rows))
    train = Train(batch_size=BATCH_SIZE, threads=1, epochs=100)
    backend = framework_module(framework, "backend").Backend(case.network, train)
    take_steps(backend, train, part, 0, BATCHES)
    backend.weights()  # waits for what is still being computed
    started = time.perf_counter()
    take_steps(backend, train, part, BATCHES, BATCHES + STEPS)
    backend.weights()
    speed = STEPS * BATCH_SIZE / (time.perf_counter() - started)
    np.savez(f"{out}-{Worker.of_environment().rank}.npz", speed=speed)


if __name__ == "__main__":
    main(*sys.argv[1:])
