"""What a stage leaves to the command above it is in the store as if the stage had brought it itself."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
import pytest
from own_store import use_store
from store_snapshot import difference, snapshot

from twintrain import tracking
from twintrain.settings.params import Tracking
from twintrain.tracking.hand_over import COURIER

SOURCE = Path(__file__).parents[2] / "src"
STAGE = Path(__file__).with_name("handed_stage.py")
SECONDS = 20  # that a busy machine may take to bring a run


@pytest.fixture
def store(store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """A store in a project of its own."""
    shutil.copy(store_folder / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    Path("note.txt").write_text("a note", encoding="utf-8")
    use_store(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    return mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


def stage(experiment: str, training: tracking.Ref, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Runs the stage in a process of its own; a variable that is None is taken away."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **variables}
    return subprocess.run(
        [sys.executable, STAGE, *map(json.dumps, (experiment, training, None))],
        env={name: value for name, value in environment.items() if value is not None},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def trained(parent: tracking.Run) -> tracking.Ref:
    with tracking.child_run(parent, "train", {"stage": "train"}) as run:
        run.log_metrics({"loss": 0.5})
    return run.ref


def ended(store: mlflow.MlflowClient, name: str) -> Any:
    """The run of a name, when the store has its end."""
    experiments = [each.experiment_id for each in store.search_experiments()]
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        for run in store.search_runs(experiments, f"attributes.run_name = '{name}'"):
            if run.info.status != "RUNNING" and "incomplete" not in run.data.tags:
                return run
        time.sleep(0.1)
    pytest.fail(f"the store has no run {name} that has ended")


def test_a_stage_below_a_command_loads_no_mlflow_and_its_run_is_there_while_the_command_goes_on(
    store: mlflow.MlflowClient,
):
    with tracking.parent_run("all", {}, Tracking()) as parent:
        said = stage("elsewhere", trained(parent))
        assert json.loads(said.stdout) == {"run_id": None, "mlflow": False}
        run = ended(store, "evaluate")
        assert store.get_run(parent.id).info.status == "RUNNING"
    assert (run.info.status, run.data.tags["mlflow.parentRunId"]) == ("FINISHED", parent.id)
    assert run.data.tags["mlflow.source.name"] == str(STAGE)
    assert store.get_run(parent.id).data.tags["mlflow.user"] == run.data.tags["mlflow.user"]
    assert tracking.journal_keys() == set()


@pytest.mark.slow
def test_the_store_is_that_of_a_stage_that_has_brought_it_itself(store: mlflow.MlflowClient, tmp_path: Path):
    database = f"sqlite:///{tmp_path}/mlflow.db"
    for name, variables in {"left": {}, "brought": {COURIER: None}}.items():
        with tracking.parent_run("all", {}, Tracking(experiment=name)) as parent:
            said = json.loads(stage(name, trained(parent), **variables).stdout)
        assert said["mlflow"] == (name == "brought")
    left, brought = (
        json.loads(json.dumps(snapshot(database, experiment=name)).replace(name, "it")) for name in ("left", "brought")
    )
    assert sorted(left["runs"]) == ["all", "all > evaluate", "all > train"]
    assert left["runs"]["all > train"]["metrics"]["test_loss"][0][:2] == [0, 0.125]
    assert difference(left, brought) == []


def test_a_stage_that_is_killed_is_closed_while_the_command_goes_on(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {}, Tracking()) as parent:
        assert stage("Default", trained(parent), KILLED="1").returncode == -9
        run = ended(store, "evaluate")
    assert (run.info.status, run.data.metrics) == ("KILLED", {"eval_acc": 0.75})


def test_what_is_not_brought_yet_counts_as_behind_until_it_is(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {}, Tracking()) as parent:
        parent.courier.look_for_more(lambda: None)  # it would be a matter of a second
        stage("Default", trained(parent))
        assert not parent.is_behind()
        assert ended(store, "evaluate").info.status == "FINISHED"


def test_what_a_command_did_not_live_to_bring_comes_with_the_next(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {}, Tracking()) as parent:
        training = trained(parent)
    stage("Default", training, **{COURIER: "another-machine 999999:1.0"})
    assert len(tracking.journal_keys()) == 2  # its own, and what it has added to the training
    with tracking.parent_run("next", {}, Tracking()):
        pass
    assert ended(store, "evaluate").info.status == "FINISHED"
    assert store.get_run(training.run_id).data.metrics["test_loss"] == 0.125


def test_a_store_that_is_away_keeps_what_was_left_and_says_so_once(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with monkeypatch.context() as away:
        use_store(away, "http://127.0.0.1:9")
        with tracking.parent_run("all", {}, Tracking(budget_seconds=2)) as parent:
            began = time.monotonic()
            stage("Default", parent.ref)
            assert time.monotonic() - began < SECONDS
    assert capsys.readouterr().err.count("make sync brings it there") == 1
    assert len(tracking.journal_keys()) == 3
