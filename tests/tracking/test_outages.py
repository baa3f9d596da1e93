"""A store that fails loses nothing: after a sync it is the store of a healthy run, field by field.

benchmarks/outages.py does the same to the whole command.
"""

import json
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import store_faults as faults
import tracked_worker as worker
from faulty_store import FaultyStore, faulty_store
from killed_process import kill_tree
from store_snapshot import difference, later_than, snapshot, unfinished

BUDGET = 3.0  # seconds
SECONDS = 60  # that a command or a sync may take at most, on a busy machine
KILLS = 3

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyStore]:
    with faulty_store(tmp_path_factory.mktemp("store")) as started:
        yield started


@pytest.fixture(autouse=True)
def _mended(store: FaultyStore) -> Iterator[None]:
    yield
    store.mend()


class Command:
    """A command in a folder of its own, whose runs have an experiment of their own."""

    def __init__(self, store: FaultyStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.experiment = re.sub(r"\W+", " ", folder.name)

    def log(self, budget: float = BUDGET) -> tuple[int | None, float]:
        """Runs it to its end; returns its exit status and the seconds it took."""
        started = time.monotonic()
        status = self._ended(worker.start(self.folder, self.store.uri, worker.log, self.experiment, budget))
        return status, time.monotonic() - started

    def sync(self) -> int | None:
        return self._ended(worker.start(self.folder, self.store.uri, worker.sync))

    def killed_at(self, number: int, done: bool, action: Callable[..., None], *arguments: object) -> bool:
        """Kills it at a request; False where it ended before."""
        process = worker.start(self.folder, self.store.uri, action, *arguments)
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


@pytest.fixture
def command(store: FaultyStore, tmp_path: Path) -> Command:
    return Command(store, tmp_path)


@pytest.fixture(scope="module")
def healthy(store: FaultyStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a store has when nothing fails, and how long that took."""
    command = Command(store, tmp_path_factory.mktemp("healthy"))
    begin = len(store.seen)
    status, seconds = command.log(budget=SECONDS)  # a healthy store on a busy machine is slow
    assert status == 0, command.said()
    assert "warning: " not in command.said()
    assert command.journals() == []
    return {"store": command.found(), "seconds": seconds, "requests": len(store.seen) - begin}


def test_a_healthy_store_has_everything(healthy):
    runs, models = healthy["store"]["runs"], healthy["store"]["models"]
    assert sorted(runs) == ["all", "all > evaluate", "all > train"]
    assert {run["status"] for run in runs.values()} == {"FINISHED"}
    train = runs["all > train"]
    assert len(train["params"]) == 120
    assert [step for step, *_ in train["metrics"]["loss"]] == list(range(worker.STEPS))
    assert sorted(train["artifacts"]) == ["note.txt", "numbers.npy"]
    assert (train["tags"]["winner"], train["tags"]["lock"]) == ("torch", "of all")
    assert list(train["inputs"]) == ["rows train"]
    assert train["metrics"]["test_loss"][0][:2] == [0, 0.125]
    assert models["all > train/model"]["status"] == "READY"
    assert "MLmodel" in models["all > train/model"]["artifacts"]
    assert runs["all > evaluate"]["tags"]["train_run_id"] == "all > train"
    assert runs["all"]["tags"]["mlflow.note.content"] == "**done**"


def unmarked(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What runs lack that do not say so, nor do those above them."""
    marked = tuple(name for name, run in found["runs"].items() if "incomplete" in run["tags"])
    others = {name: run for name, run in found["runs"].items() if not name.startswith(marked)}
    return [line for name, run in others.items() for line in difference(expected["runs"][name], run, name)]


def check_nothing_is_lost(command: Command, healthy: dict[str, Any], end: float) -> None:
    """After a sync the store is the healthy one, with the times of the command, and the journal is empty."""
    assert command.sync() == 0, command.said()
    assert difference(healthy["store"], command.found()) == [], command.said()
    assert command.late(end) == []
    assert command.journals() == []


FAULTS: dict[str, faults.Fault] = {
    "answers 500": faults.fails(500),
    "answers 503 to a third": faults.fails(503, faults.share(1 / 3)),
    "answers 500 to a third and does it": faults.loses_answer(500, faults.share(1 / 3)),
    "loses a third of its answers": faults.loses_answer(None, faults.share(1 / 3)),
    "hangs": faults.after(15, faults.hangs),
    "drips": faults.after(15, faults.drips),
    "is slow": faults.slow(1),
    "is read-only": faults.read_only,
    "is full": faults.disk_full,
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_store_has_all_when_it_is_well_again_that(command: Command, healthy, name: str):
    command.store.fault = FAULTS[name]
    status, seconds = command.log()
    end = time.time()
    assert status == 0, command.said()
    assert "Traceback" not in command.said()
    assert seconds < healthy["seconds"] + BUDGET + 5  # of a busy machine
    command.store.mend()
    assert unmarked(healthy["store"], command.found()) == []
    check_nothing_is_lost(command, healthy, end)


def test_a_server_that_is_killed_and_starts_again_has_all(command: Command, healthy):
    command.store.at(healthy["requests"] // 2, command.store.kill)
    assert command.log()[0] == 0, command.said()
    end = time.time()
    command.store.mend()
    check_nothing_is_lost(command, healthy, end)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_command_leaves_no_open_run(command: Command, healthy, seed: int):
    chance = random.Random(seed)
    number, done = chance.randint(1, healthy["requests"] - 1), chance.random() < 0.5
    assert command.killed_at(number, done, worker.log, command.experiment, BUDGET)
    assert command.sync() == 0, command.said()
    found = command.found()
    assert unfinished(found) == []
    assert {run["status"] for run in found["runs"].values()} <= {"FINISHED", "KILLED"}
    assert not any("incomplete" in run["tags"] for run in found["runs"].values())
    assert command.journals() == []


def test_a_sync_that_is_killed_goes_on(command: Command, healthy):
    command.store.disconnect()
    assert command.log()[0] == 0, command.said()
    end, chance = time.time(), random.Random(1)
    command.store.mend()
    killed = [command.killed_at(chance.randint(1, 25), chance.random() < 0.5, worker.sync) for _ in range(KILLS)]
    assert any(killed)
    check_nothing_is_lost(command, healthy, end)
