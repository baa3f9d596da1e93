"""One command at a time changes a folder; who does is known by name, and who was killed holds nobody up.

The locks are the operating system's, which frees them with the process that holds them. What a command has started
never has them: it does not inherit the open file.
"""

import contextlib
import datetime
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from twintrain.command_line.dvc_files import mend_dvc_files
from twintrain.errors import UserError
from twintrain.system import project
from twintrain.system.passwords import without_passwords
from twintrain.system.stored import DamagedFileError
from twintrain.system.watched import OWNER, SECONDS_TO_END, STAGE, name_of, running

# Beside DVC's own locks, and not in build/: a command that is refused has made nothing.
FOLDER = Path(".dvc/tmp/twintrain")
DVC_LOCK = Path(".dvc/tmp/lock")
DVC_BUSY = Path(".dvc/tmp/rwlock")  # which process of DVC's reads and writes which paths
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 0.6  # for what takes a moment: an owner to write its name, `dvc status`
LONGEST_COMMAND = 100  # characters that are shown of one


class AtWorkError(UserError):
    """Another command has the lock."""


@contextlib.contextmanager
def experiment() -> Iterator[None]:
    """Holds the lock of all that changes params.yaml or runs stages in this folder.

    Raises:
        AtWorkError: another command holds it, or DVC was started by hand and is at work.
    """
    with hold("experiment", "wait for its end, or run beside it in a copy: make run ARGS=--isolated"):
        _wait_for_dvc()
        mend_dvc_files()
        yield


@contextlib.contextmanager
def hold(name: str, way_out: str | None = None) -> Iterator[None]:
    """Holds a lock of this folder; what a dead owner has left running has ended before.

    Args:
        name: of the lock.
        way_out: what whoever is refused can do instead; None: wait until the lock is free.

    Raises:
        AtWorkError: another command has the lock.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    note = FOLDER / f"{name}.json"
    with _acquired(FileLock(FOLDER / f"{name}.lock"), note, way_out):
        if before := _read(note):
            _end_leftovers(lambda environment: environment.get(OWNER) == before["process"])
        project.write_json(note, _this_command())
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


@contextlib.contextmanager
def _acquired(lock: FileLock, note: Path, way_out: str | None) -> Iterator[None]:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if way_out is not None:
            raise AtWorkError(f"another command is at work in this folder{_owner(note)}; {way_out}") from None
        print(f"Waiting for another command to end{_owner(note)}", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _this_command() -> dict[str, str]:
    return {
        "process": name_of(psutil.Process()),
        "host": socket.gethostname(),
        "command": without_passwords(shlex.join(["python", *sys.orig_argv[1:]])),
        "since": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _owner(note: Path) -> str:
    """Who has written a note, in words; it may be about to, and what stands there be of one that was killed."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        owner = _read(note)
        if owner and (owner["host"] != socket.gethostname() or running(owner["process"])):
            command, since = owner["command"][:LONGEST_COMMAND], owner["since"].replace("T", " ")
            return f": {command} (process {owner['process'].partition(':')[0]} on {owner['host']}, since {since})"
        time.sleep(LOOK_SECONDS)
    return ""


def _read(path: Path) -> Any:
    """What a file of JSON has; None where there is none, or a process was killed while it wrote it."""
    try:
        return project.read_json(path)
    except (OSError, DamagedFileError):
        return None


def _wait_for_dvc() -> None:
    """Returns when no DVC is at work here that somebody has started by hand, and nothing of a killed one is left.

    DVC's own note of who is at work stays behind when it is killed, and may be cut short; then it would refuse to
    start, or take any later process of the same number for a DVC.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    while busy := _dvc_at_work():
        if time.monotonic() > give_up:
            raise AtWorkError(f"DVC is at work in this folder{busy}; wait for its end")
        time.sleep(LOOK_SECONDS)
    if DVC_BUSY.exists() and _read(DVC_BUSY) != {}:
        root = str(Path.cwd())
        _end_leftovers(lambda environment: STAGE in environment and environment.get("DVC_ROOT") == root)
        DVC_BUSY.unlink()


def _dvc_at_work() -> str:
    """Says which DVC is, with a space before; "" if none."""
    if DVC_LOCK.exists():
        lock = FileLock(DVC_LOCK)
        try:
            lock.acquire(timeout=0)
            lock.release()
        except Timeout:
            return f": process {DVC_LOCK.read_text(errors='replace').strip()}"
    noted = _read(DVC_BUSY) or {}
    writing = noted.get("write", {}).values()
    reading = (each for readers in noted.get("read", {}).values() for each in readers)
    for entry in (*writing, *reading):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(entry["pid"])
            if any(Path(word).name == "dvc" for word in process.cmdline()):
                return f": {shlex.join(['dvc', *entry['cmd'].split()[1:]])[:LONGEST_COMMAND]} (process {process.pid})"
    return ""


def _end_leftovers(is_left: Callable[[dict[str, str]], bool]) -> None:
    """Waits for processes, known by their environment, that are about to end; kills those that do not."""
    give_up = time.monotonic() + SECONDS_TO_END
    left = _processes(is_left)
    if left:
        print("The command before was killed; waiting for what it had started to end", flush=True)
    _, alive = psutil.wait_procs(left, timeout=max(give_up - time.monotonic(), 0))
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive)


def _processes(is_meant: Callable[[dict[str, str]], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and is_meant(process.environ()):
                found.append(process)
    return found
