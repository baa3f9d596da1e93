"""Whose a journal is: who writes it has it alone, who brings it has it alone, and to the store that it is for."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from own_store import use_store

from twintrain import tracking
from twintrain.settings.params import Tracking
from twintrain.tracking import journal as journals
from twintrain.tracking.journal import CALLS, Journal, Ref
from twintrain.tracking.owner import Owner
from twintrain.tracking.recovery import abandoned_journals

SOURCE = str(Path(__file__).parents[2] / "src")
# Of a process that is killed before it could bring a line.
LEAVE = """
import os, sys
from twintrain.tracking.journal import Journal
for number in range(int(sys.argv[1])):
    journal = Journal.begin("create", name=f"run {number}", tags={}, parent=None, experiment="Default")
    journal.append("metrics", metrics={"loss": 0.5}, step=0, model=None)
    journal.append("end", status="FINISHED")
os._exit(1)
"""
MISTAKEN = "from twintrain.tracking.owner import Owner\nOwner.is_dead = lambda _: True\n"
SYNCHRONIZE = "from twintrain import tracking\nprint(tracking.synchronize().left)"


@pytest.fixture
def store(store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """A store in a project of its own."""
    shutil.copy(store_folder / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    use_store(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    return mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment, text=True, stdout=subprocess.PIPE
    )


def leave(count: int) -> None:
    """Has a process that does not live any more leave journals."""
    with python(LEAVE, str(count)) as process:
        assert process.wait() == 1


def names(store: mlflow.MlflowClient) -> list[str]:
    return sorted(run.info.run_name for run in store.search_runs(["0"]))


@pytest.mark.slow
def test_two_that_synchronize_at_once_bring_each_run_once(store: mlflow.MlflowClient):
    leave(20)
    with python(SYNCHRONIZE) as first, python(SYNCHRONIZE) as second:
        assert [process.wait() for process in (first, second)] == [0, 0]
    assert names(store) == sorted(f"run {number}" for number in range(20))
    assert tracking.journal_keys() == set()


def test_a_copied_project_brings_no_run_twice(store: mlflow.MlflowClient):
    leave(1)
    shutil.copytree("build/journal", "copied")
    assert tracking.synchronize() == (1, 0, [])
    shutil.copytree("copied", "build/journal", dirs_exist_ok=True)
    assert tracking.synchronize() == (1, 0, [])
    assert names(store) == ["run 0"]


@pytest.mark.slow
def test_what_a_living_process_writes_is_left_to_it_however_the_clock_was_set(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    with tracking.stage_run("train@torch", {}, Tracking()) as run:
        with monkeypatch.context() as mistaken:
            mistaken.setattr(Owner, "is_dead", lambda _: True)
            assert [journal.key for journal in abandoned_journals()] == [run.journal.key]
            with python(MISTAKEN + SYNCHRONIZE) as other:
                assert other.wait() == 0
        run.log_metrics({"loss": 0.25})
    found = store.get_run(run.id)
    assert (found.info.status, found.data.metrics["loss"]) == ("FINISHED", 0.25)
    assert "incomplete" not in found.data.tags


def test_a_journal_that_somebody_has_is_not_there_for_others(store: mlflow.MlflowClient):
    mine = Journal.begin("create", name="mine", tags={}, parent=None, experiment="Default")
    other = Journal.load(mine.folder)
    assert (mine.hold(), other.hold()) == (True, False)
    mine.append("end", status="FINISHED")
    mine.release()
    assert other.hold()
    assert other.has_ended  # what was written meanwhile is read
    other.remove()
    gone = Journal.load(mine.folder)
    assert not gone.hold()
    assert not mine.folder.exists()


def test_a_journal_that_the_store_has_whole_need_not_be_on_the_disk(store: mlflow.MlflowClient):
    """On a busy machine, the courier has removed what has ended before its process has it synchronized."""
    mine = Journal.begin("create", name="mine", tags={}, parent=None, experiment="Default")
    mine.append("end", status="FINISHED")
    mine.remove()
    mine.sync_to_disk()
    assert not mine.folder.exists()


def test_what_belongs_to_a_run_of_another_store_waits_for_that(
    store: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    trained = store.create_run("0").info.run_id
    journal = Journal.begin("join", run=Ref(trained, None))
    journal.append("metrics", metrics={"test_accuracy": 0.9}, step=0, model=None)
    journal.append("end", status=None)
    journal.release()
    monkeypatch.setattr(Owner, "is_dead", lambda _: True)
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    with monkeypatch.context() as elsewhere:
        use_store(elsewhere, f"sqlite:///{empty}/mlflow.db")
        before, left, (reason,) = tracking.synchronize()
    assert (before, left) == (1, 1)
    assert reason.startswith("sqlite:///elsewhere/mlflow.db does not have the run that something is to be added to")
    assert tracking.journal_keys() == {journal.key}
    assert tracking.synchronize() == (1, 0, [])
    assert store.get_run(trained).data.metrics == {"test_accuracy": 0.9}
    assert capsys.readouterr().err == ""


def test_a_reference_to_a_run_that_is_gone_costs_the_tag_alone(store: mlflow.MlflowClient):
    with tracking.stage_run("evaluate@torch", {}, Tracking()) as run:
        run.refer("train_run_id", Ref(None, "of another store"))
        run.refer("initial_run_id", Ref("0" * 32, None))
        run.log_metrics({"test_accuracy": 0.9})
    found = store.get_run(run.id)
    assert (found.info.status, found.data.metrics["test_accuracy"]) == ("FINISHED", 0.9)
    assert found.data.tags.keys().isdisjoint({"train_run_id", "initial_run_id", "incomplete"})


@pytest.mark.parametrize("parent", [{"MLFLOW_RUN_ID": "0" * 32}, {"TWINTRAIN_RUN_JOURNAL": "of another store"}])
def test_a_stage_whose_parent_is_gone_has_none(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch, parent: dict[str, str]
):
    for name, value in parent.items():
        monkeypatch.setenv(name, value)
    with tracking.stage_run("train@torch", {}, Tracking(experiment="trial")) as run:
        run.log_metrics({"loss": 0.5})
    found = store.get_run(run.id)
    assert (found.info.status, "mlflow.parentRunId" in found.data.tags) == ("FINISHED", False)
    assert store.get_experiment(found.info.experiment_id).name == "trial"
    assert tracking.journal_keys() == set()


def test_what_another_machine_has_left_is_brought_when_it_is_quiet(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as renamed:
        renamed.setattr("socket.gethostname", lambda: "c0ffee123456")
        journal = Journal.begin("create", name="there", tags={}, parent=None, experiment="Default")
        journal.append("end", status="FINISHED")
        journal.release()
    assert tracking.synchronize() == (0, 0, [])
    long_ago = time.time() - 600
    os.utime(journal.folder / CALLS, (long_ago, long_ago))
    assert tracking.synchronize() == (1, 0, [])
    assert names(store) == ["there"]


@pytest.mark.parametrize("first", ["{}", '{"call": "create"}', "\x00\x00", "[1]", "3"])
def test_a_journal_that_does_not_say_whose_it_is_is_named(store: mlflow.MlflowClient, first: str):
    leave(1)
    (folder,) = journals.journals_folder().glob("*/")
    _, *others = (folder / CALLS).read_text("utf-8").splitlines()
    (folder / CALLS).write_text("\n".join([first, *others, ""]), "utf-8")
    long_ago = time.time() - 600
    os.utime(folder, (long_ago, long_ago))
    before, left, (reason,) = tracking.synchronize()
    assert (before, left) == (1, 1)
    assert reason == f"{folder} is damaged: it does not say of which run it is; move it away"
    assert folder.is_dir()
    assert names(store) == []
