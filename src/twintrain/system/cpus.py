"""The processors that this process may use, and how busy others keep them."""

import os
import time

import psutil

# What a processor's time goes to while nobody uses it; what guests take is a part of other fields already.
IDLE = frozenset(("idle", "iowait", "guest", "guest_nice"))


def usable_cpus() -> list[int]:
    """Numbers of the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def cpus_each(processes: int) -> int:
    """How many processors each of several processes side by side can have, so that none waits for the others."""
    return max(1, len(usable_cpus()) // processes)


class OtherWork:
    """What others do on the usable processors from now on: other processes, and beside a virtual machine other ones.

    Args:
        ours: processes whose work counts as this one's.
    """

    def __init__(self, *ours: int) -> None:
        self._cpus = usable_cpus()
        self._ours = [psutil.Process(), *map(psutil.Process, ours)]
        self._started = time.monotonic()
        self._before = self._seconds()

    def cpus(self) -> float:
        """How many processors others have kept busy since then, in the mean."""
        passed = time.monotonic() - self._started
        busy = (self._seconds() - self._before) / passed if passed > 0 else 0.0
        return min(max(busy, 0.0), float(len(self._cpus)))

    def _seconds(self) -> float:
        """Of processor time that others have taken so far."""
        every = psutil.cpu_times(percpu=True)
        counted = [every[cpu]._asdict() for cpu in self._cpus if cpu < len(every)]
        busy = sum(taken for times in counted for kind, taken in times.items() if kind not in IDLE)
        return busy - sum(times.user + times.system for times in (each.cpu_times() for each in self._ours))
