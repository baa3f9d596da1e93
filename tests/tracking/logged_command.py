"""A small command that logs to a store which may fail, and what is to be there after a sync.

`tracked_worker` is the command, `faulty_store` the store.
"""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
import tracked_worker as worker
from faulty_store import FaultyStore
from killed_process import kill_tree
from store_snapshot import difference, later_than, snapshot

BUDGET = 3.0  # seconds
SECONDS = 120  # that a command or a sync may take at most, on a busy machine


class Command:
    """A command in a folder of its own, whose runs have an experiment of their own.

    Attributes:
        uri: what it is told of the store.
    """

    def __init__(self, store: FaultyStore, folder: Path) -> None:
        self.store, self.folder, self.uri = store, folder, store.uri
        self.experiment = re.sub(r"\W+", " ", folder.name)

    def log(self, budget: float = BUDGET) -> tuple[int | None, float]:
        """Runs it to its end; returns its exit status and the seconds it took."""
        started = time.monotonic()
        status = self._ended(worker.start(self.folder, self.uri, worker.log, self.experiment, budget))
        return status, time.monotonic() - started

    def sync(self) -> int | None:
        return self._ended(worker.start(self.folder, self.uri, worker.sync))

    def killed_at(self, number: int, done: bool, action: Callable[..., None], *arguments: object) -> bool:
        """Kills it at a request; False where it ended before."""
        process = worker.start(self.folder, self.uri, action, *arguments)
        self.store.at(number, lambda: kill_tree(process.pid), done)
        return self._ended(process) == -9

    def said(self) -> str:
        return (self.folder / "said.txt").read_text("utf-8")

    def found(self) -> dict[str, Any]:
        """What the store has of it."""
        server = self.store.server
        store = snapshot(server.database, server.artifacts, self.experiment)
        return json.loads(json.dumps(store).replace(self.experiment, "it").replace(str(self.folder), "folder"))

    def late(self, end: float) -> list[str]:
        return later_than(self.store.server.database, end, self.experiment)

    def journals(self) -> list[Path]:
        return [path for path in (self.folder / "build/journal").iterdir() if path.is_dir()]

    def _ended(self, process: Any) -> int | None:
        process.join(SECONDS)
        if process.exitcode is None:
            kill_tree(process.pid)
            pytest.fail(f"still running after {SECONDS} s: {self.said()}")
        return process.exitcode


class Healthy(NamedTuple):
    """What a store has when nothing fails, how long that took, and how many requests."""

    store: dict[str, Any]
    seconds: float
    requests: int

    @classmethod
    def of(cls, command: Command) -> Self:
        """Logs with all the time that a busy machine needs."""
        begin = len(command.store.seen)
        status, seconds = command.log(budget=SECONDS)
        assert status == 0, command.said()
        assert "warning: " not in command.said()
        assert command.journals() == []
        return cls(command.found(), seconds, len(command.store.seen) - begin)


def unmarked(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What runs lack that do not say so, nor do those above them."""
    marked = tuple(name for name, run in found["runs"].items() if "incomplete" in run["tags"])
    others = {name: run for name, run in found["runs"].items() if not name.startswith(marked)}
    return [line for name, run in others.items() for line in difference(expected["runs"][name], run, name)]


def check_nothing_is_lost(command: Command, healthy: Healthy, end: float) -> None:
    """After a sync the store is the healthy one, with the times of the command, and the journal is empty."""
    assert command.sync() == 0, command.said()
    assert difference(healthy.store, command.found()) == [], command.said()
    assert command.late(end) == []
    assert command.journals() == []
