"""Ends processes as a power cut does."""

import contextlib
import time

import psutil


def kill_tree(pid: int) -> None:
    """kill -9 of a process and of all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        leader.suspend()  # starts nothing more
        family = [leader, *leader.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        while any(_lives(process) for process in family):
            time.sleep(0.01)


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
