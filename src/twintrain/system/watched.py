"""Ends a process when the one that it belongs to has ended, even by kill -9: an orphan would train on for nobody.

python -P watched.py -m MODULE ARG…    runs a module that ends with its owner
python -P watched.py FILE ARG…         or a file

Who starts a process hands itself down in TWINTRAIN_OWNER; a stage belongs to the DVC that runs it, too. This file
imports nothing of the project: a model that is served brings code of its own.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

import psutil

OWNER = "TWINTRAIN_OWNER"  # PID:START
STAGE = "DVC_STAGE"  # set by DVC for the commands that it runs
LOOK_SECONDS = 0.2
SECONDS_TO_END = 30  # for a process that is told to end: to close its runs
# Two readings of when a process began, in seconds since the machine did, differ by rounding alone.
SAME_START_SECONDS = 1.5


def name_of(process: psutil.Process) -> str:
    """What tells a process from all others of this machine, since it started."""
    return f"{process.pid}:{_start(process):.2f}"


def this_as_owner() -> dict[str, str]:
    """The variable with which a process that is started now belongs to this one."""
    return {OWNER: name_of(psutil.Process())}


def running(name: str) -> psutil.Process | None:
    """The process of a name, if it still runs."""
    process = listed(name)
    return process if process and _runs(process) else None


def listed(name: str) -> psutil.Process | None:
    """The process of a name, if it runs, or is dead and nobody has waited for it."""
    pid, _, start = name.partition(":")
    with contextlib.suppress(psutil.NoSuchProcess, ValueError, OverflowError):
        process = psutil.Process(int(pid))
        if abs(_start(process) - float(start)) < SAME_START_SECONDS:
            return process
    return None


def _start(process: psutil.Process) -> float:
    """When a process started, in seconds since the machine did: whoever sets the clock changes both times of day."""
    return process.create_time() - psutil.boot_time()


def watch_owners() -> None:
    """Ends this process, and the group that it leads, as soon as one of its owners has ended; none: it never does."""
    given = os.environ.get(OWNER)
    owners = [running(given)] if given else []
    if STAGE in os.environ and (dvc := dvc_above()):
        owners.append(dvc)
    if owners:
        threading.Thread(target=_end_with, args=(owners,), name="watch owners", daemon=True).start()


def _end_with(owners: list[psutil.Process | None]) -> None:
    while all(owner and _runs(owner) for owner in owners):
        time.sleep(LOOK_SECONDS)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        _send(sign)
        time.sleep(SECONDS_TO_END)


def _send(sign: signal.Signals) -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), sign)
    else:
        os.kill(os.getpid(), sign)


def _runs(process: psutil.Process) -> bool:
    """Whether it does; a dead one that nobody has waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def dvc_above() -> psutil.Process | None:
    """The nearest process above that is DVC; a shell may stand between."""
    for process in psutil.Process().parents():
        with contextlib.suppress(psutil.Error):
            if any(Path(word).name == "dvc" for word in process.cmdline()):
                return process
    return None


def _run(arguments: list[str]) -> None:
    """Runs what the arguments name as if Python had been started with them."""
    # Told to end, it ends as after Ctrl-C: DVC lets go of its locks then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    watch_owners()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _run(sys.argv[1:])
