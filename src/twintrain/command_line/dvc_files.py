"""Mends the files of DVC that one which was killed, or found the disk full, has left half written.

DVC writes dvc.lock in place, after every stage, and takes its time for it. And it makes a folder for an entry of its
run cache before it writes the entry: of an empty folder it says `join() argument must be str`, for good.
"""

import contextlib
import re
import time
from pathlib import Path
from typing import Any

from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml
from twintrain.settings.yaml_text import load
from twintrain.system.stored import damaged

LOCK = Path("dvc.lock")
KEPT = Path(".dvc/tmp/twintrain/dvc.lock")  # the last one that was whole
CONFLICT = re.compile(rb"^(<{7}|>{7}|={7}|\|{7})(?=[ \r\n]|$)", re.MULTILINE)
RUNS = Path(".dvc/cache/runs")
# A copy of the project may share the cache, and its DVC be about to write an entry.
OLD_SECONDS = 1.0
# What DVC has been copying to, which it never takes up again; another command may be getting data just now.
COPIES = Path(".dvc/cache/files/md5")
COPIED_SECONDS = 60.0


def mend_dvc_files() -> None:
    """Mends what is half written; no DVC is at work here.

    Raises:
        UserError: dvc.lock has merge conflicts.
        DamagedFileError: it is damaged, and no whole one is known, or it is not cut short: somebody has edited it.
    """
    _mend_lock()
    for folder in RUNS.glob("*/*/"):
        with contextlib.suppress(OSError):  # it is not empty
            if time.time() - folder.stat().st_mtime > OLD_SECONDS:
                folder.rmdir()
    for path in COPIES.glob("*/.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > COPIED_SECONDS:
                path.unlink()


def _mend_lock() -> None:
    """Brings the dvc.lock back that was there before, which lacks stages that DVC then finds in its run cache."""
    if not LOCK.is_file():
        return
    content, kept = LOCK.read_bytes(), KEPT.read_bytes() if KEPT.is_file() else None
    if content == kept:
        return
    _check_conflicts(content)
    if _is_whole(content):
        _write(KEPT, content)
    elif not _is_cut_short(content):
        raise damaged(LOCK, "what DVC has written", "something else")
    elif kept is None:
        raise damaged(LOCK, "what DVC has written", "a part of it")
    else:
        _write(LOCK, kept)
        print(f"{LOCK} was half written when the command before ended; it is as it was before that again", flush=True)


def _is_whole(content: bytes) -> bool:
    try:
        return content.endswith(b"\n") and all(map(_is_stage, read_yaml(LOCK)["stages"].values()))
    except (UserError, LookupError, TypeError, AttributeError):
        return False


def _check_conflicts(content: bytes) -> None:
    """Raises a UserError where git has left two versions, of which the user takes one."""
    if found := CONFLICT.search(content):
        line = content.count(b"\n", 0, found.start()) + 1
        raise UserError(
            f"{LOCK} has merge conflicts: expected what DVC has written, got {found[0].decode()} in line {line}; "
            f"resolve them, or take the last commit's: git checkout HEAD {LOCK}"
        )


def _is_cut_short(content: bytes) -> bool:
    """Whether it is the beginning of a lock file: all stages are whole but for the last one."""
    *lines, _ = content.rstrip(b"\0").split(b"\n")  # a disk without power leaves zeros
    try:
        known = load(b"\n".join(lines).decode())[0] or {}
        *stages, _ = (known.get("stages") or {"": {}}).values()
        return all(map(_is_stage, stages))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def _is_stage(stage: dict[str, Any]) -> bool:
    files = [*stage.get("deps", ()), *stage.get("outs", ())]
    return "cmd" in stage and all("path" in file and file.get("hash", "path") in file for file in files)


def _write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; where git does not see the part."""
    partial = KEPT.with_name("dvc.lock.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(content)
    partial.replace(path)
