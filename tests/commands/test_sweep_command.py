"""`python -m pipelines.sweep` as a user meets it: killed, interrupted, gone on with; what it leaves."""

import os
import re
import signal
import subprocess
import time

import joined_machines
import optuna
import pandas as pd
import postgres_server
import pytest
from project_clone import Clone

from twintrain.settings.yaml_files import read_yaml
from twintrain.sweeping.storage import open_storage

# Each test starts processes that import a framework.
pytestmark = pytest.mark.slow

LACKING = joined_machines.missing() or postgres_server.missing()
SWEEP = ("python", "-m", "pipelines.sweep", "--preset", "diabetes_tuned", "--train.epochs", "3")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("sweep") / "clone")
    assert clone.call("python", "-m", "dvc", "pull", "--quiet", "data.dvc").returncode == 0
    return clone


def ended_by(clone: Clone, number: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a sweep that is sent a signal when its first trial has ended and the second one has begun."""
    said = (clone.folder.parent / "said.txt").open("w+")
    process = clone.start(*SWEEP, *arguments, said=said)
    for _ in range(600):
        time.sleep(0.2)
        trials = [run for run in clone.stage_runs("sweep") if "trial" in run.data.tags] if _has(said, "trial") else []
        if any(run.info.status == "RUNNING" for run in trials):
            break
    os.kill(process.pid, number)
    status = process.wait(60)
    said.seek(0)
    return subprocess.CompletedProcess(SWEEP, status, said.read())


def _has(file, word: str) -> bool:
    file.seek(0)
    return any(line.startswith(word) for line in file)


def test_a_killed_and_an_interrupted_sweep_go_on_to_the_wanted_number_under_one_parent(clone: Clone):
    killed = ended_by(clone, signal.SIGKILL, "--trials", "4")
    assert killed.returncode == -signal.SIGKILL
    interrupted = ended_by(clone, signal.SIGINT, "--trials", "4")
    assert interrupted.returncode == 130
    said = re.search(r"^(\d) of 4 trials are finished; the same command goes on from here$", interrupted.stdout, re.M)
    done = int(said[1])
    assert interrupted.stdout.endswith("\ninterrupted\n")

    last = clone.call(*SWEEP, "--trials", "4", "--save-as", "diabetes_best")
    assert last.returncode == 0, last.stdout + last.stderr
    assert f"{done} trials are finished already; this goes on to 4." in last.stdout
    assert 'Train both twins with it: make run ARGS="--preset diabetes_best"' in last.stdout

    runs = clone.stage_runs("sweep")
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert (parent.info.status, parent.info.run_name) == ("FINISHED", "sweep diabetes_tuned")
    complete = [run for run in children if run.data.tags.get("state") == "complete"]
    assert len(complete) == 4
    assert {run.info.status for run in complete} == {"FINISHED"}
    assert {run.info.status for run in children if run not in complete} == {"KILLED"}
    assert clone.call("git", "status", "--porcelain", "params.yaml").stdout == ""

    table = pd.read_csv(clone.folder / "results/sweeps/diabetes_tuned/trials.csv")
    best = min(complete, key=lambda run: run.data.metrics["best_val_loss"])
    assert parent.data.tags["best_trial"] == best.data.tags["trial"]
    assert parent.data.metrics["best_val_loss"] == pytest.approx(table["value"].min(), rel=1e-12)
    assert best.data.params["learning_rate"] == parent.data.tags["best.train.optimizer.learning_rate"]
    # The same keys as a training's.
    assert best.data.params.keys() >= {"epochs", "batch_size", "optimizer", "loss_function", "framework", "dtype"}
    assert best.data.metrics.keys() >= {"train_loss", "train_accuracy", "val_loss", "val_accuracy"}
    preset = read_yaml(clone.folder / "conf/presets/diabetes_best.yaml")
    assert str(preset["train"]["optimizer"]["learning_rate"]) == best.data.params["learning_rate"]
    assert preset["train"]["epochs"] == 3


def test_a_finished_sweep_trains_nothing_and_says_what_it_found(clone: Clone):
    before = len(clone.stage_runs("sweep"))
    result = clone.call(*SWEEP, "--trials", "4")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Best of 4 trials: " in result.stdout
    assert len(clone.stage_runs("sweep")) == before


def test_other_settings_start_another_study(clone: Clone):
    result = clone.call(*SWEEP[:-1], "2", "--trials", "1", "--frameworks", "[keras]")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (
        "Settings, space or data are not those of the last sweep of diabetes_tuned: a new study starts."
        in result.stdout
    )
    assert "Best of 1 trials: trial 0" in result.stdout
    # The preset's own settings go first.
    assert "train.optimizer.learning_rate 0.01, train.batch_size 32, train.regularization.l2 0" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "a sweep needs a preset, whose section sweep says what to vary; expected --preset NAME"),
        (
            ("--preset", "xor"),
            "conf/presets/xor.yaml has no section sweep, which says what to vary; presets that have one: "
            "car, diabetes_tuned, mnist5k",
        ),
        (("--preset", "car", "--trials", "two"), "--trials: expected a whole number from 1 to 999999, got 'two'"),
        (
            ("--preset", "car", "--save-as", "xor"),
            "--save-as: conf/presets/xor.yaml was written by hand; expected a name that is free",
        ),
        *(
            (
                ("--preset", "car", "--save-as", name),
                f"--save-as: '{name}' is no name of a preset; expected letters, digits, _ and - as in car_best",
            )
            for name in ("mine/best", "best.yaml", "current")
        ),
        (
            ("--preset", "diabetes_tuned", "--train.optimizer.name", "sgd", "--train.optimizer.momentm", "0.9"),
            "unknown parameter 'train.optimizer.momentm'; did you mean 'train.optimizer.momentum'?",
        ),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused_before_anything_is_written(clone: Clone, arguments, message):
    before = clone.call("git", "status", "--porcelain", "--ignored").stdout
    result = clone.call("python", "-m", "pipelines.sweep", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"error: {message}\n"
    assert clone.call("git", "status", "--porcelain", "--ignored").stdout == before


def test_a_space_whose_values_do_not_go_together_is_refused(clone: Clone):
    path = clone.folder / "conf/presets/xor.yaml"
    written = path.read_text()
    space = "{train.optimizer.name: [sgd, adam], train.optimizer.momentum: {low: 0.0, high: 0.9}}"
    path.write_text(f"{written}\nsweep: {{space: {space}}}\n")
    result = clone.call("python", "-m", "pipelines.sweep", "--preset", "xor")
    path.write_text(written)
    assert result.returncode == 1
    assert result.stderr.startswith(
        "error: conf/presets/xor.yaml: sweep.space, train.optimizer.name adam, train.optimizer.momentum 0: "
    )
    assert "adam has no momentum; it has" in result.stderr


@pytest.fixture
def address(tmp_path):
    """An empty database that two clones reach: of a server, on a machine that has PostgreSQL."""
    if postgres_server.missing():
        yield f"sqlite:///{tmp_path}/sweeps.db"
        return
    with postgres_server.server() as server:
        yield server.database()


def test_two_clones_share_a_study_and_what_a_killed_one_was_at_is_tried_again(clone: Clone, tmp_path, address):
    other = Clone(tmp_path / "other")
    assert other.call("python", "-m", "dvc", "pull", "--quiet", "data.dvc").returncode == 0
    shared = (*SWEEP, "--trials", "6", "--storage", address)
    said = (tmp_path / "said.txt").open("w+")
    killed = other.start(*shared, said=said)
    number, parameters = _begun_by(killed.pid, address)
    killed.kill()
    killed.wait()
    first = clone.start(*shared, "--workers", "2", said=said)
    refused = other.call(*shared[:-3], "7", "--storage", address)
    assert first.wait(300) == 0, _text(said)

    assert "--trials: others are at work on the study diabetes_tuned towards 6 trials, got 7; " in refused.stderr
    assert refused.returncode == 1
    trials = optuna.load_study(study_name="diabetes_tuned", storage=open_storage(address)).trials
    ended = [trial for trial in trials if trial.user_attrs.get("state")]
    assert len(ended) == len({str(trial.params) for trial in ended}) == 6
    assert sum(trial.params["train.optimizer.learning_rate"] == 0.01 for trial in ended) == 1  # the preset's own
    assert parameters in [trial.params for trial in ended if trial.number != number]
    assert trials[number].state.name == "FAIL"
    table = pd.read_csv(clone.folder / "results/sweeps/diabetes_tuned/trials.csv")
    assert sorted(table["trial"]) == [trial.number for trial in ended]

    said.close()
    for each in (clone, other):
        written = each.call("git", "ls-files", "--others", "build", "results", "mlflow.db", ".dvc").stdout.splitlines()
        assert "mlflow.db" in written
        assert [path for path in written if b"s3cret" in (each.folder / path).read_bytes()] == []
    joined = other.call(*shared)
    assert joined.returncode == 0, joined.stdout + joined.stderr
    assert "6 trials are finished already" in joined.stdout
    assert "Best of 6 trials: trial " in joined.stdout
    changed = other.call(*shared, "--train.regularization.l1", "0.1")
    assert changed.returncode == 1
    assert " is of another experiment: other settings; expected the same on every machine" in changed.stderr
    assert "s3cret" not in joined.stdout + joined.stderr + changed.stderr + refused.stderr


@pytest.mark.skipif(bool(LACKING), reason=str(LACKING))
def test_the_same_command_on_two_machines_makes_each_trial_once(clone: Clone, tmp_path):
    clones = clone, Clone(tmp_path / "other")
    with (
        joined_machines.joined_machines(2) as machines,
        machines[0].entered(),
        postgres_server.server(machines[0].address) as server,
        (tmp_path / "said.txt").open("w+") as said,
    ):
        address = server.database()
        commands = []
        for machine, each in zip(machines, clones, strict=True):
            with machine.entered():
                commands.append(each.start(*SWEEP, "--trials", "4", "--storage", address, said=said))
        assert [command.wait(300) for command in commands] == [0, 0], _text(said)
        trials = optuna.load_study(study_name="diabetes_tuned", storage=open_storage(address)).trials
    assert len(trials) == len({str(trial.params) for trial in trials}) == 4
    assert all(trial.user_attrs.get("state") in ("complete", "pruned") for trial in trials)
    assert {int(trial.user_attrs["worker"].rpartition(":")[2]) for trial in trials} == {each.pid for each in commands}


def _begun_by(process: int, address: str) -> tuple[int, dict]:
    """Number and parameters of the second trial of a command, as soon as that has begun."""
    for _ in range(600):
        time.sleep(0.2)
        storage = open_storage(address)
        if "diabetes_tuned" not in optuna.get_all_study_names(storage):
            continue
        for trial in optuna.load_study(study_name="diabetes_tuned", storage=storage).trials[1:]:
            is_whole = len(trial.params) == 3 and "run_id" in trial.user_attrs
            if is_whole and trial.user_attrs["worker"].endswith(f":{process}") and not trial.state.is_finished():
                return trial.number, trial.params
    raise AssertionError


def _text(file) -> str:
    file.seek(0)
    return file.read()
