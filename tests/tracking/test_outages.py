"""A store that fails loses nothing: after a sync it is the store of a healthy run, field by field.

benchmarks/outages.py does the same to the whole command.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import store_faults as faults
import tracked_worker as worker
from faulty_store import FaultyStore, faulty_store
from logged_command import BUDGET, Command, Healthy, check_nothing_is_lost, unmarked
from store_snapshot import unfinished

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


@pytest.fixture
def command(store: FaultyStore, tmp_path: Path) -> Command:
    return Command(store, tmp_path)


@pytest.fixture(scope="module")
def healthy(store: FaultyStore, tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    return Healthy.of(Command(store, tmp_path_factory.mktemp("healthy")))


def test_a_healthy_store_has_everything(healthy):
    runs, models = healthy.store["runs"], healthy.store["models"]
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
    assert seconds < healthy.seconds + BUDGET + 5  # of a busy machine
    command.store.mend()
    assert unmarked(healthy.store, command.found()) == []
    check_nothing_is_lost(command, healthy, end)


def test_a_server_that_is_killed_and_starts_again_has_all(command: Command, healthy):
    command.store.at(healthy.requests // 2, command.store.kill)
    assert command.log()[0] == 0, command.said()
    end = time.time()
    command.store.mend()
    check_nothing_is_lost(command, healthy, end)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_command_leaves_no_open_run(command: Command, healthy, seed: int):
    chance = random.Random(seed)
    number, done = chance.randint(1, healthy.requests - 1), chance.random() < 0.5
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
