"""Lines of JSON in a file that grows at its end: whole ones, whoever is killed meanwhile."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def append_line(path: Path, line: dict[str, Any]) -> str:
    """Adds a line in one write, so that a process killed meanwhile leaves it whole or, at the end, a part of it.

    Returns:
        the line as it is written.
    """
    text = json.dumps(line, ensure_ascii=False) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        # A part of a line that a killed process has left must not spoil this one.
        size = os.fstat(descriptor).st_size
        cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = (b"\n" if cut else b"") + text.encode()
        written = os.write(descriptor, data)
        if written < len(data):  # the disk is full: the next write says so
            os.write(descriptor, data[written:])
    finally:
        os.close(descriptor)
    return text


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file that are whole; none where there is no file."""
    try:
        file = path.open(encoding="utf-8", errors="replace", newline="\n")
    except (FileNotFoundError, NotADirectoryError):
        return
    with file:
        for line in file:
            with contextlib.suppress(ValueError, RecursionError):
                if isinstance(found := json.loads(line), dict):
                    yield found
