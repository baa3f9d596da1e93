"""What the machine does while a stage runs, as MLflow's own monitor measures and names it, into the run's journal."""

import contextlib
import math
import os
import threading
from collections.abc import Callable
from typing import Any

from twintrain.errors import UserError, shown

INTERVAL = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"
SHORTEST, LONGEST = 0.1, 3600.0  # seconds
PREFIX = "system/"


class Monitor:
    """A thread that hands on a sample of each interval; use as a context.

    Args:
        after: seconds after which it begins: it loads MLflow, which takes longer than a short stage does.

    Raises:
        UserError: the interval of the environment is no number.
    """

    def __init__(self, log_metrics: Callable[[dict[str, float], int], Any], after: float = 0.0) -> None:
        self._after = after
        self._log_metrics = log_metrics
        self._interval = _interval()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="monitor", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        # A full disk, or too many files: the stage meets it too, and tells of it.
        with contextlib.suppress(OSError):
            self._sample()

    def _sample(self) -> None:
        if self._ended.wait(self._after):
            return
        monitors = _monitors()
        step = 0
        while monitors:
            for monitor in monitors:
                monitor.collect_metrics()
            if self._ended.wait(self._interval):
                return
            found = {name: value for monitor in monitors for name, value in monitor.aggregate_metrics().items()}
            self._log_metrics({f"{PREFIX}{name}": value for name, value in found.items()}, step)
            for monitor in monitors:
                monitor.clear_metrics()
            step += 1


def _interval() -> float:
    """The seconds between two samples that the environment asks for, within limits."""
    given = os.environ.get(INTERVAL) or "1"
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if math.isnan(seconds):
        raise UserError(f"{INTERVAL}: expected a number of seconds, got {shown(given)}; unset it, or mend it")
    return min(max(seconds, SHORTEST), LONGEST)


def _monitors() -> list[Any]:
    """MLflow's, of what this machine has; none where MLflow cannot be imported."""
    try:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor
        from mlflow.system_metrics.metrics.rocm_monitor import ROCMMonitor
    except ImportError:
        return []
    found = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
    for monitor in (GPUMonitor, ROCMMonitor):
        try:
            return [*found, monitor()]
        except Exception:  # there is no such GPU, or no package that would ask it
            continue
    return found
