"""The threads that a framework computes with, and how they wait for each other."""

import os

from twintrain.system.cpus import usable_cpus

# PyTorch's threads wait for each other by OpenMP, at first in a loop that keeps a processor. By default that lasts
# 300,000 turns, some milliseconds: on a busy machine that is the time in which the one waited for does not run.
# docs/cost.md has what was measured.
SPINS = 30_000


def patient_threads() -> dict[str, str]:
    """Variables of the environment that OpenMP must find when a framework is loaded; none where the user has some."""
    return {} if {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys() else {"GOMP_SPINCOUNT": str(SPINS)}


def inference_threads(wanted: int | None) -> int:
    """The CPU threads that all frameworks predict with, so that none is faster for taking more of them.

    Args:
        wanted: train.threads; null: OMP_NUM_THREADS, else the CPUs that this process may use.
    """
    given = os.environ.get("OMP_NUM_THREADS", "")
    if wanted or given.isdecimal():
        return wanted or max(int(given), 1)
    return len(usable_cpus())
