"""Starts the workers of a training on this machine, and starts them again where one is lost.

They go on from the last checkpoint then, to the weights that they would have had.
"""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from twintrain.errors import UserError
from twintrain.system.cpus import usable_cpus
from twintrain.system.processes import worker_environment
from twintrain.training.workers import Worker

# Exit status of a worker that something else than the user's settings has stopped: it may go well the next time.
LOST = 75  # EX_TEMPFAIL of sysexits.h
RESTARTS = 3
LOOK_SECONDS = 0.05
# More only wait for each other, and a thousand would stop the machine.
WORKERS_A_CPU = 8
# For the others, when one has ended, to say why they end too.
SECONDS_TO_FOLLOW = 5


def run_workers(command: list[str], count: int, folder: Path, told: Callable[[str], None]) -> None:
    """Runs as many processes of a command, each told which worker it is, to their end.

    Args:
        folder: where the log of each goes: worker-RANK.log.
        told: is given each line that the first worker prints.

    Raises:
        UserError: they are too many, one has refused to go on, or they were lost more often than RESTARTS.
    """
    check_count(count)
    for restarts in range(RESTARTS + 1):
        reason = _run_once(command, count, folder, told)
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


def _run_once(command: list[str], count: int, folder: Path, told: Callable[[str], None]) -> str | None:
    """Returns which worker was lost and how, or None where all have ended well."""
    address = f"127.0.0.1:{_free_port()}"
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(_started(command, Worker(rank, count, address), folder)) for rank in range(count)
        ]
        listener = threading.Thread(target=_listen, args=(processes[0], told), daemon=True)
        listener.start()
        ended = _wait(processes)
        if all(process.returncode == 0 for process in processes):
            listener.join()
            return None
        for rank, process in enumerate(processes):
            if process.returncode == 1:
                raise UserError(_last_line(folder, rank))
        rank = processes.index(ended)
        return f"worker {rank} of {count} {_fate(ended.returncode, folder, rank)}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@contextlib.contextmanager
def _started(command: list[str], worker: Worker, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker, which does not outlive the context."""
    environment = {**worker_environment(), **worker.variables()}
    with _log(folder, worker.rank).open("w", encoding="utf-8") as log:
        printed = subprocess.PIPE if worker.is_first else log
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=log, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _listen(process: subprocess.Popen[str], told: Callable[[str], None]) -> None:
    with contextlib.suppress(ValueError):  # closed meanwhile
        for line in process.stdout:
            told(line)


def _wait(processes: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
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


def _log(folder: Path, rank: int) -> Path:
    return folder / f"worker-{rank}.log"


def _last_line(folder: Path, rank: int) -> str:
    """What a worker said last, without the word error before it."""
    lines = _log(folder, rank).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")] or lines
    return errors[-1].removeprefix("error: ") if errors else "it said nothing"
