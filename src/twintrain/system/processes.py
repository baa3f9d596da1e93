"""Processes of our own: one framework a process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from twintrain.system import watched

LOOK_SECONDS = 0.05
SECONDS_TO_END = 30  # for Ray, Slurm or Kubernetes to end what they have started


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
    end_group_of(leader.pid, seconds)
    leader.wait()


def end_group_of(number: int, seconds: float) -> None:
    """As `end_group`, of a group whose leader is no child of this process; its number is that of the leader."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where all are dead
            os.killpg(number, sign)
        if _has_ended(number, seconds):
            break


def _has_ended(group: int, seconds: float) -> bool:
    """Waits until no process of the group runs."""
    give_up = time.monotonic() + seconds
    while group_runs(group):
        if time.monotonic() > give_up:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def group_runs(group: int) -> bool:
    """Whether any process of a group runs; a dead one that nobody has waited for does not."""
    return any(_is_in(group, process) for process in psutil.process_iter())


def _is_in(group: int, process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False


def run_program(command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Runs a program that starts others, be it by Ray, to its end, and ends what is left of them; returns its status.

    Args:
        environment: that of the program, which is given a folder for Ray beside it.
        log: where what all of them say goes.
    """
    # Ray's processes may end before they have cleaned up.
    with log.open("w", encoding="utf-8") as said, TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        variables = {**environment, "RAY_TMPDIR": temporary}
        streams = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
        process = subprocess.Popen(command, env=variables, **streams, start_new_session=True)
        try:
            return process.wait()
        finally:
            end_group(process, SECONDS_TO_END)


def refusal(log: Path) -> str | None:
    """The error of the user's that processes have ended with, if any."""
    errors = [line for line in _lines(log) if line.startswith("error: ")]
    return errors[-1].removeprefix("error: ") if errors else None


def last_line(log: Path) -> str:
    """What was said last."""
    lines = _lines(log)
    return lines[-1].strip() if lines else "it said nothing"


def _lines(log: Path) -> list[str]:
    return log.read_text("utf-8", "replace").strip().splitlines() if log.is_file() else []
