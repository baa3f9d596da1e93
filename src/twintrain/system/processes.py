"""Processes of our own: one framework a process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from twintrain.system import watched

LOOK_SECONDS = 0.05


@contextlib.contextmanager
def changed_environment(values: dict[str, str | None]) -> Iterator[None]:
    """Has variables of this process's environment other values, or with None no value, for a while."""
    before = {name: os.environ.get(name) for name in values}
    _set_environment(values)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def worker_environment() -> dict[str, str]:
    """The environment of a child process that runs a module of this package, and ends with this process."""
    source = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **watched.this_as_owner()}


def distant_environment() -> dict[str, str]:
    """That of a child process that has others started on other machines, where they would look for this one in vain."""
    owners = (watched.OWNER, watched.STAGE)
    return {name: value for name, value in worker_environment().items() if name not in owners}


def watched_command(*arguments: str) -> list[str]:
    """The command that runs a module of another package (`-m dvc …`), or a file, and ends with this process.

    Its environment must have `watched.this_as_owner()`.
    """
    # -P: neither the folder of that file nor the current one is a place to import from.
    return [sys.executable, "-P", watched.__file__, *arguments]


def end_group(leader: subprocess.Popen[bytes], seconds: float) -> None:
    """Ends a process that leads a group (or session) of its own, and all of that group.

    They are asked to end (SIGTERM), and killed where some are left `seconds` later. A leader may be the first to end:
    its children are waited for like itself.
    """
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where all are dead
            os.killpg(leader.pid, sign)
        if _has_ended(leader.pid, seconds):
            break
    leader.wait()


def _has_ended(group: int, seconds: float) -> bool:
    """Waits until no process of the group runs; a dead one that nobody has waited for does not."""
    give_up = time.monotonic() + seconds
    while any(_is_in(group, process) for process in psutil.process_iter()):
        if time.monotonic() > give_up:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _is_in(group: int, process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
