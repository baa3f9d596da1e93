"""What any failure says: one line, and of what nobody foresaw the path of a log with the traceback."""

import contextlib
import errno
import re
import shutil
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from twintrain.errors import UserError, first_line
from twintrain.system.passwords import without_passwords
from twintrain.system.stored import way_back

LOGS = Path("build/errors")
# Of a line: its beginning says what is wrong, its end how to mend it.
LONGEST = 400
KEPT_END = 150

FULL = (errno.ENOSPC, errno.EDQUOT)
# A full disk in the words of those who give no number: NumPy's tofile, SQLite, PyTorch's archives, HDF5, DVC.
SAYS_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|database or disk is full|errno = 28\b"
    r"|\d+ requested and \d+ written|PytorchStreamWriter failed writing"
)
# Each may lie on a disk of its own, and who finds it full does not always say which file it was.
WRITTEN_TO = ("", "build", "build/journal", "data", "results", "mlruns", ".dvc")
NEXT_TO_NOTHING = 64 * 2**20
SAYS_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|OOM when allocating", re.IGNORECASE)
ROOM = (
    "make room (old clones' build/, then: python -m dvc gc -w) and type the command again: it goes on where it stopped"
)


def failure_line(error: BaseException, command: str) -> str:
    """One line for whatever ends a command, without passwords; writes a log of what is no mistake of the user's."""
    said = _expected(error) or next(filter(None, map(_lacking, _causes(error))), None)
    if said:
        command = error.command if isinstance(error, UserError) else ""
        return one_line(without_passwords(said.removesuffix(command))) + command
    what = "something is nested too deeply" if isinstance(error, RecursionError) else "unexpected"
    logged = _logged(error, command)
    line = one_line(without_passwords(f"{what}: {type(error).__name__}: {first_line(error)}"))
    return f"{line}; its traceback is in {logged}" if logged else line


def one_line(text: str) -> str:
    """A text as one line of bounded length: control characters written out, the middle left out."""
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in " ".join(text.split("\n")))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - KEPT_END - 3]} … {line[-KEPT_END:]}"


def disk_line(*paths: Path) -> str:
    """What to do about a full disk: the fullest of those that paths lie on, and what is free there."""
    mount, usage = _fullest(*paths)
    return f"the disk at {mount} is full ({usage.free / 2**20:,.0f} of {usage.total / 2**20:,.0f} MiB are free): {ROOM}"


def is_nearly_full() -> bool:
    """Whether a disk that commands write to has next to nothing left: a cause of failures that do not name theirs."""
    return _fullest()[1].free < NEXT_TO_NOTHING


def _fullest(*paths: Path) -> tuple[Path, "shutil._ntuple_diskusage"]:
    places = paths or (*map(Path, WRITTEN_TO), _temporary())
    used = {_mount_of(path): shutil.disk_usage(_existing(path)) for path in places}
    return min(used.items(), key=lambda item: item[1].free)


def is_disk_line(text: str) -> bool:
    """Whether a text is of `disk_line`."""
    return text.startswith("the disk at ")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what SQLAlchemy wraps in it, and what it was raised from."""
    waiting, seen = [error], []
    while waiting:
        found = waiting.pop(0)
        if isinstance(found, BaseException) and not any(found is other for other in seen):
            seen.append(found)
            yield found
            waiting += [getattr(found, "orig", None), found.__cause__, found.__context__]


def _expected(error: BaseException) -> str | None:
    """The line of an error that the user can mend."""
    if isinstance(error, UserError):
        return str(error)
    return _lacking(error) or (_of_file(error) if isinstance(error, OSError) else None)


def _lacking(error: BaseException) -> str | None:
    """The line of an error that is a lack of disk or memory, or of a database, whoever noticed it."""
    said = str(error)
    if getattr(error, "errno", None) in FULL or SAYS_FULL.search(said):
        place = getattr(error, "filename", None)
        return disk_line(*([Path(place)] if isinstance(place, str) else []))
    if isinstance(error, MemoryError) or SAYS_NO_MEMORY.search(said):
        detail = f" ({first_line(error)})" if said else ""
        return f"the memory is full{detail}; expected less at once: fewer rows, a smaller model or train.batch_size"
    return _of_database(said) if isinstance(error, sqlite3.Error) else None


def _of_file(error: OSError) -> str | None:
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{place}too many files are open at once; allow more: ulimit -n 4096"
    if error.errno == errno.EROFS:
        return f"{place}its disk can only be read; expected a folder that can be written to"
    if error.errno in (errno.EACCES, errno.EPERM) and place:
        return f"{place}{error.strerror}; expected a file that you may read and write: ls -l {error.filename}"
    if type(error) is OSError and error.errno is None:
        return first_line(error)  # of `tracking`, in its own words
    if not place or not error.strerror:
        return None
    is_missing = isinstance(error, FileNotFoundError)
    return f"{place}{error.strerror}{way_back(Path(str(error.filename)), 'make it') if is_missing else ''}"


def _of_database(said: str) -> str | None:
    if "locked" in said:
        return f"the database is in use by another command ({said}); wait for its end, and type the command again"
    if "not a database" in said or "malformed" in said:
        return f"a database is damaged ({said}): mlflow.db, or one of build/sweeps; move it away, and a new one is made"
    if "readonly" in said or "unable to open" in said:
        return f"a database cannot be written ({said}): mlflow.db, or one of build/sweeps; may you write to its folder?"
    return None


def _logged(error: BaseException, command: str) -> Path | None:
    """Writes the traceback into a file, and returns its path; None where there is nowhere to write."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{command}.log"
    said = without_passwords("".join(traceback.format_exception(error)))
    for folder in (LOGS, _temporary()):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(said, encoding="utf-8", errors="backslashreplace")
            return folder / name
    return None


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError:  # no folder is writable
        return Path()


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _mount_of(path: Path) -> Path:
    place = _existing(path).resolve()
    return next(above for above in (place, *place.parents) if above.is_mount())
