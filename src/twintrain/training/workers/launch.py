"""Starts the workers of a training on this machine, and starts them again where one is lost.

They go on from the last checkpoint then, to the weights that they would have had.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from twintrain.errors import UserError
from twintrain.system.cpus import usable_cpus
from twintrain.system.ports import HOST, free_port
from twintrain.system.processes import last_line, refusal, worker_environment
from twintrain.training.workers.worker import Worker

# Where NVIDIA's driver lists them, without a framework that would be loaded to ask.
GPUS = Path("/proc/driver/nvidia/gpus")
# Exit status of a worker that something else than the user's settings has stopped: it may go well the next time.
LOST = 75  # EX_TEMPFAIL of sysexits.h
RESTARTS = 3
LOOK_SECONDS = 0.05
# More only wait for each other, and a thousand would stop the machine.
WORKERS_A_CPU = 8
# For the others, when one has ended, to say why they end too.
SECONDS_TO_FOLLOW = 5


def run_workers(command: list[str], count: int, folder: Path) -> None:
    """Runs as many processes of a command, each told which worker it is, to their end.

    Args:
        folder: where the log of each goes: worker-RANK.log.

    Raises:
        UserError: they are too many, one has refused to go on, or they were lost more often than RESTARTS.
    """
    check_count(count)
    run_to_the_end(lambda: _run_once(command, count, folder), folder)


def run_to_the_end(run_once: Callable[[], str | None], folder: Path) -> None:
    """Starts workers, and again where one is lost.

    Args:
        run_once: returns what was lost, or None where all have ended well.

    Raises:
        UserError: that of `run_once`, or they were lost more often than RESTARTS.
    """
    for restarts in range(RESTARTS + 1):
        reason = run_once()
        if reason is None:
            return
        if restarts < RESTARTS:
            print(f"note: {reason}; all go on from the last checkpoint", file=sys.stderr, flush=True)
    raise UserError(f"{reason}, {RESTARTS + 1} times; the logs of all are in {folder}")


def check_count(count: int) -> None:
    """Raises a UserError where this machine is too small for so many workers."""
    cpus = len(usable_cpus())
    if count > WORKERS_A_CPU * cpus:
        at_most = f"expected at most {WORKERS_A_CPU * cpus} on this machine, of {cpus} CPUs"
        raise UserError(f"train.workers: {count}: {at_most}")


def _run_once(command: list[str], count: int, folder: Path) -> str | None:
    """Returns which worker was lost and how, or None where all have ended well."""
    address = f"{HOST}:{free_port()}"
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(_started(command, Worker(rank, count, address), folder)) for rank in range(count)
        ]
        ended = _wait(processes)
        if all(process.returncode == 0 for process in processes):
            return None
        for rank, process in enumerate(processes):
            if process.returncode == 1:
                raise UserError(_last_line(folder, rank))
        rank = processes.index(ended)
        return f"worker {rank} of {count} {_fate(ended.returncode, folder, rank)}"


@contextlib.contextmanager
def _started(command: list[str], worker: Worker, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, which does not outlive the context."""
    environment = {**worker_environment(), **worker.variables(), **_own_gpu(worker)}
    with log_of(folder, worker.rank).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _own_gpu(worker: Worker) -> dict[str, str]:
    """What has a worker see one GPU, where there are as many as workers; else none of them sees any."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = [str(number) for number, _ in enumerate(GPUS.glob("*"))] if given is None else given.split(",")
    return {"CUDA_VISIBLE_DEVICES": gpus[worker.rank] if len(gpus) >= worker.size else ""} if any(gpus) else {}


def _wait(processes: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Waits until all have ended, or some time longer than the first that fails; returns the first that has."""
    first, give_up = None, float("inf")
    while any(process.poll() is None for process in processes) and time.monotonic() < give_up:
        failed = next((process for process in processes if process.poll()), None)
        if failed and not first:
            first, give_up = failed, time.monotonic() + SECONDS_TO_FOLLOW
        time.sleep(LOOK_SECONDS)
    return first or next((process for process in processes if process.poll()), processes[0])


def _fate(status: int, folder: Path, rank: int) -> str:
    return f"was killed (signal {-status})" if status < 0 else f"was lost: {_last_line(folder, rank)}"


def log_of(folder: Path, rank: int) -> Path:
    """Where what a worker says goes."""
    return folder / f"worker-{rank}.log"


def _last_line(folder: Path, rank: int) -> str:
    log = log_of(folder, rank)
    return refusal(log) or last_line(log)
