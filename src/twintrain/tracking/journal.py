"""What a run logs, on this disk before anything else: one JSON line a call, files and models beside it.

A journal is a folder of `build/journal`. `calls.jsonl` is written by the process whose run it is, a line at a time, so
that a process which is killed loses nothing that it has logged. `confirmed.jsonl` says what MLflow's store has, and is
written by whoever brings the lines there (`delivery`). A journal that the store has whole is removed.

The process that writes it has a lock on it from the beginning, and whoever brings what a dead one has left takes that
lock first: the operating system knows best who lives.

Lines are numbered from 0. The first one says which run it is of: a new one, or one that exists.
"""

import contextlib
import json
import os
import shutil
import threading
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple, Self

from filelock import FileLock, Timeout

from twintrain.system.passwords import without_password
from twintrain.system.project import link_or_copy
from twintrain.tracking.journal_lines import append_line, read_lines
from twintrain.tracking.owner import Owner
from twintrain.tracking.store import SQLITE, project_root, store_uri

FOLDER = "TWINTRAIN_JOURNAL"  # where journals are, in a copy of the project that will be removed
CALLS, CONFIRMED = "calls.jsonl", "confirmed.jsonl"
END = "end"
BEGUN_SECONDS = 60  # after which a process has written its first line, or never will
Call = dict[str, Any]


class Ref(NamedTuple):
    """A run, by the id that MLflow gave it, or by its journal where MLflow has not given any yet."""

    run_id: str | None
    journal: str | None

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Self:
        """The run of an entry of results/metrics.json, or of a run.json, which older ones have no journal in."""
        return cls(entry["run_id"], entry.get("journal"))


def journals_folder() -> Path:
    """Where this project's journals are."""
    return Path(os.environ.get(FOLDER) or project_root(Path.cwd()) / "build" / "journal")


def this_store() -> str:
    """The store as journals name it: without a password, and where it lies in a project also when that is moved."""
    uri, here = store_uri(Path.cwd()), f"{SQLITE}{journals_folder().parents[1]}/"
    return without_password(uri.replace(here, SQLITE, 1) if uri.startswith(here) else uri)


class Journal:
    """The journal of one run.

    Attributes:
        folder: its name is the key, by which the run in the store is known too.
        calls: all lines.
        confirmed: what the store has answered, by the number of the line.
        tried: lines that may have reached the store without an answer.
        lost: the id of a run that the store had, and has no more.
        is_own: whether this process has begun it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[Call] = []
        self.confirmed: dict[int, dict[str, Any]] = {}
        self.tried: set[int] = set()
        self.lost: str | None = None
        self.is_own = False
        self._lock = threading.Lock()
        self._file_lock = FileLock(folder / "lock", timeout=0, thread_local=False)

    @classmethod
    def begin(cls, call: str, **arguments: Any) -> Self:
        """Makes a journal, of this process, with its first line."""
        key = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        journal = cls(journals_folder() / key)
        journal.folder.mkdir(parents=True)
        journal.is_own = True
        try:
            journal._file_lock.acquire()
            journal.append(call, owner=str(Owner.here()), store=this_store(), **arguments)
        except OSError:  # no room
            journal.release()
            shutil.rmtree(journal.folder, ignore_errors=True)
            raise
        return journal

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads a journal, whoever wrote it; a last line that was cut off is none."""
        journal = cls(folder)
        journal._read()
        return journal

    def _read(self) -> None:
        self.calls, self.confirmed, self.tried, self.lost = list(read_lines(self.folder / CALLS)), {}, set(), None
        for mark in read_lines(self.folder / CONFIRMED):
            self._take(mark)

    @property
    def key(self) -> str:
        """The name of the run that no store has to give."""
        return self.folder.name

    @property
    def run_id(self) -> str | None:
        """The id that the store gave."""
        return self.confirmed.get(0, {}).get("run_id")

    @property
    def ref(self) -> Ref:
        """How lines of other journals name this run."""
        return Ref(self.run_id, self.key)

    @property
    def has_ended(self) -> bool:
        """Whether no line will follow."""
        return bool(self.calls) and self.calls[-1]["call"] == END

    @property
    def waiting(self) -> list[int]:
        """Numbers of the lines that the store has not confirmed."""
        return [number for number in range(len(self.calls)) if number not in self.confirmed]

    @property
    def is_delivered(self) -> bool:
        """Whether the store has all, to the end."""
        return self.has_ended and not self.waiting

    def append(self, call: str, **arguments: Any) -> int:
        """Adds a line, and returns its number."""
        line = {"call": call, "time": int(time.time() * 1000), **arguments}
        with self._lock:
            # As it will be read by another process.
            self.calls.append(json.loads(append_line(self.folder / CALLS, line)))
            return len(self.calls) - 1

    def keep(self, path: Path) -> str:
        """Takes a file, or a folder, along; returns its place in this folder.

        Linked, not copied, where the disk allows it: outputs are replaced, never written in place.
        """
        place = Path("files") / str(len(self.calls)) / path.name
        (self.folder / place.parent).mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, self.folder / place, copy_function=link_or_copy)
        else:
            link_or_copy(path, self.folder / place)
        return str(place)

    def confirm(self, *numbers: int, **facts: Any) -> None:
        """Notes that the store has lines, and what it answered."""
        self._mark({"n": numbers, **facts})

    def try_line(self, number: int) -> None:
        """Notes that a line is on its way: what the store makes of it may be there when no answer has come."""
        self._mark({"tried": number})

    def begin_again(self) -> None:
        """Forgets what was confirmed: the store does not have this run any more."""
        self._mark({"lost": self.run_id})

    def sync_to_disk(self) -> None:
        """Returns when the disk has all lines, whatever happens to the machine; or the store has, and it is removed."""
        for path in (self.folder / CALLS, self.folder):
            with contextlib.suppress(FileNotFoundError):  # the courier may be done with what has ended
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def hold(self) -> bool:
        """Whether this process alone may write and deliver it, from now on until `release` or its end."""
        if self._file_lock.is_locked:
            return True
        try:
            self._file_lock.acquire()
        except (Timeout, FileNotFoundError):  # another process writes or delivers it, or has removed it
            return False
        if not (self.folder / CALLS).is_file():  # removed, and made again by the lock
            self.remove()
            return False
        if not self.is_own:
            self._read()  # as it is now that nobody else writes
        return True

    def release(self) -> None:
        """Lets other processes deliver it."""
        self._file_lock.release(force=True)  # however often it was taken

    def remove(self) -> None:
        """Removes what the store has whole."""
        # First, so that a process killed meanwhile leaves nothing that could be brought again.
        (self.folder / CALLS).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def _mark(self, mark: dict[str, Any]) -> None:
        append_line(self.folder / CONFIRMED, mark)
        self._take(mark)

    def _take(self, mark: dict[str, Any]) -> None:
        if "lost" in mark:
            self.confirmed, self.tried, self.lost = {}, set(), mark["lost"]
        elif "tried" in mark:
            self.tried.add(mark["tried"])
        else:
            self.confirmed |= dict.fromkeys(mark["n"], mark)


def journal_folders(after: str = "") -> list[Path]:
    """All journals that are there, the oldest first; a folder without a first line is of a process that has died.

    Args:
        after: a key; those alone that were begun later.
    """
    return sorted(path for path in journals_folder().glob("*/") if path.name > after and first_line(path))


def first_line(folder: Path) -> Call | None:
    """The line that says which run a journal is of, and whose; None if there is none."""
    line = next(read_lines(folder / CALLS), None)
    return line if line and {"call", "time", "owner"} <= line.keys() else None


def damaged_journals() -> list[Path]:
    """The folders of journals that say something, and not of which run."""
    folders = sorted(journals_folder().glob("*/"))
    return [path for path in folders if Heading.of(path) is None and _has_a_line(path / CALLS)]


def remove_empty() -> None:
    """Removes folders without a first line, of processes that were killed as they began or removed one."""
    for path in journals_folder().glob("*/"):
        is_empty = Heading.of(path) is None and not _has_a_line(path / CALLS)
        if is_empty and time.time() - path.stat().st_mtime > BEGUN_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _has_a_line(path: Path) -> bool:
    return path.is_file() and b"\n" in path.read_bytes()


class Heading(NamedTuple):
    """What others need to know of a journal, without reading all that was logged.

    Attributes:
        key: of the journal.
        first: its first line.
        run_id: as `Journal.run_id`.
    """

    key: str
    first: Call
    run_id: str | None

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Of the journal in a folder; None if there is none."""
        if (first := first_line(folder)) is None:
            return None
        run_id = None
        for mark in read_lines(folder / CONFIRMED):
            run_id = None if "lost" in mark else mark.get("run_id", run_id)
        return cls(folder.name, first, run_id)


def headings(folder: Path) -> list[Heading]:
    """Of all journals in a folder."""
    return list(filter(None, map(Heading.of, folder.glob("*/"))))


def journal_keys() -> set[str]:
    """Of the runs that MLflow does not have whole."""
    return {heading.key for heading in headings(journals_folder())}
