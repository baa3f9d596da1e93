"""What a saved network costs in use: the time of a prediction, the bytes of its file."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]

BATCHES = (1, 256)
WARM_UP_SECONDS, SECONDS = 0.2, 0.5
FEWEST, MOST = 5, 200


def inference_cost(predict: Predict, features: np.ndarray, path: Path, threads: int) -> dict[str, Any]:
    """What a saved network costs.

    Args:
        predict: from features (rows, …) to outputs, on the CPU (a framework's `saving.load`).
        features: some rows; where they are fewer than a batch, they are repeated.
        path: file of the network.
        threads: that predict takes; 0: as many as the library under it likes.

    Returns:
        file_bytes; latency_N_ms and latency_N_p95_ms for batches of N rows; inference_device, inference_threads.
    """
    found: dict[str, Any] = {"file_bytes": path.stat().st_size}
    for rows in BATCHES:
        median, p95 = latency(predict, features[np.arange(rows) % len(features)])
        found |= {f"latency_{rows}_ms": round(median, 4), f"latency_{rows}_p95_ms": round(p95, 4)}
    return {**found, "inference_device": "cpu", "inference_threads": threads}


def latency(predict: Predict, rows: np.ndarray) -> tuple[float, float]:
    """Median and 95th percentile of the milliseconds that a call takes, from a NumPy array to a NumPy array.

    The first calls, which also build graphs and fill caches, are not counted: FEWEST, and more until WARM_UP_SECONDS
    are over. Of those that follow there are at most MOST, and no more than fit into SECONDS, but FEWEST in any case.
    """
    _call(predict, rows, WARM_UP_SECONDS)
    median, p95 = np.percentile(_call(predict, rows, SECONDS), (50, 95)) * 1000
    return float(median), float(p95)


def _call(predict: Predict, rows: np.ndarray, seconds: float) -> list[float]:
    """Calls again and again; returns the seconds of each call."""
    taken: list[float] = []
    while len(taken) < FEWEST or (sum(taken) < seconds and len(taken) < MOST):
        started = time.perf_counter()
        predict(rows)
        taken.append(time.perf_counter() - started)
    return taken


def inference_threads(wanted: int | None) -> int:
    """The CPU threads that all frameworks predict with, so that none is faster for taking more of them.

    Args:
        wanted: train.threads; null: OMP_NUM_THREADS, else the CPUs that this process may use.
    """
    given = os.environ.get("OMP_NUM_THREADS", "")
    if wanted or given.isdecimal():
        return wanted or max(int(given), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
