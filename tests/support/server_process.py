"""Servers for tests, in processes of their own."""

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from twintrain.system.processes import end_group
from twintrain.tracking.store import environment

END_SECONDS = 10


@contextlib.contextmanager
def server(command: list[str], health: str, log: Path, seconds: float = 300, **process) -> Iterator[subprocess.Popen]:
    """Runs a server from the moment it answers at `health`, and ends it with all that it has started."""
    with log.open("w", encoding="utf-8") as output:
        options = {"env": environment(), "start_new_session": True, **process}
        started = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options)
    try:
        _wait_for(health, started, log, seconds)
        yield started
    finally:
        end_group(started, END_SECONDS)


def _wait_for(health: str, started: subprocess.Popen, log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert started.poll() is None, log.read_text("utf-8")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(health, timeout=2).close()
            return
        time.sleep(0.2)
    raise AssertionError(f"{health} does not answer after {seconds} s:\n{log.read_text('utf-8')}")
