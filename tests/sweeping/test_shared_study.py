"""A study that several commands are at: no trial twice, none lost, whatever becomes of a worker. Nothing is trained."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import optuna
import postgres_server
import pytest
from study_worker import OWN, SWEEP, loss

from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.sweeping import identity, opening
from twintrain.sweeping.opening import join_study
from twintrain.sweeping.space import Space
from twintrain.sweeping.storage import open_storage
from twintrain.sweeping.study import STARTUP_TRIALS, TakenAwayError
from twintrain.sweeping.trials import Outcome

WORKER = Path(__file__).with_name("study_worker.py")
SOURCE = Path(__file__).parents[2] / "src"
ADDRESSES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
SPACE = Space(SWEEP.space, "mnist5k.yaml")


@pytest.fixture(scope="module")
def server():
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with postgres_server.server() as found:
        yield found


@pytest.fixture(params=ADDRESSES)
def address(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sweeps.db"
    return request.getfixturevalue("server").database()


@pytest.fixture
def params(project):
    return check_params(changed_params(read_yaml(project / "params.yaml"), "mnist5k", {}), "params.yaml")


def joined(address, params, trials, space=SPACE):
    return join_study(address, "mnist5k", SWEEP, space, params, trials)


def end(study, trial):
    study.tell(trial, Outcome("complete", best_epoch=0, seconds=1.0), loss(trial.params))


class Workers:
    """Commands that are at a study, in a project, without training anything."""

    def __init__(self, address):
        self.address, self.processes = address, []

    def start(self, trials, workers, seconds, grace=""):
        command = [sys.executable, str(WORKER), self.address, *map(str, (trials, workers, seconds)), str(grace)]
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def ended(self):
        """What they have said, when all have ended."""
        said = [process.communicate(timeout=300) for process in self.processes]
        assert [errors for _, errors in said] == ["" for _ in said]
        assert {process.returncode for process in self.processes} <= {0, -signal.SIGKILL}
        return [json.loads(line) for lines, _ in said for line in lines.splitlines()]


@pytest.fixture
def workers(address):
    found = Workers(address)
    yield found
    for process in found.processes:
        process.kill()
        process.communicate()


def trials_of(address):
    return optuna.load_study(study_name="mnist5k", storage=open_storage(address)).trials


@pytest.mark.slow
def test_commands_that_start_at_once_make_exactly_the_trials_of_the_budget(params, address, workers):
    for _ in range(3):
        workers.start(trials=24, workers=2, seconds=0.1)
    said = workers.ended()
    begun = [line["params"] for line in said if "begun" in line]
    complete = [trial.params for trial in trials_of(address) if trial.state.name == "COMPLETE"]
    assert len(begun) == len(complete) == len([line for line in said if "ended" in line]) == 24
    assert begun.count(OWN) == 1
    assert set(Counter(map(str, begun)).values()) == {1}
    assert sorted(map(str, begun)) == sorted(map(str, complete))


@pytest.mark.slow
def test_a_worker_that_is_killed_gives_its_trial_back(params, address, workers):
    killed = workers.start(trials=4, workers=1, seconds=1000, grace=3)
    begun = json.loads(killed.stdout.readline())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    workers.start(trials=4, workers=2, seconds=0.1, grace=3)
    said = workers.ended()
    again = [line for line in said if line.get("params") == begun["params"]]
    assert (begun["begun"], len(again)) == (0, 1)
    assert again[0]["begun"] > 0
    complete = [trial.params for trial in trials_of(address) if trial.state.name == "COMPLETE"]
    assert len(complete) == len({str(each) for each in complete}) == 4
    assert begun["params"] in complete


def test_a_worker_killed_before_it_said_that_it_lives_gives_its_trial_back(params, address, monkeypatch):
    with joined(address, params, 1) as study:
        monkeypatch.setattr(study.storage, "grace_period", 1)
        study.optuna.ask()  # and killed
        study.fail_silent()
        assert study.ask(None) is None
        study.storage.grace_period = -1
        study.fail_silent()
        end(study, study.ask(None))
        assert study.is_done()


def test_a_worker_that_was_silent_is_told_that_its_trial_was_given_to_another(params, address):
    with joined(address, params, 2) as study:
        slow, fast = study.of_worker(), study.of_worker()
        trial = slow.ask(None)
        trial.set_user_attr("run_id", "abc")
        study.storage.grace_period = -1
        assert fast.fail_silent() == ["abc"]
        study.storage.grace_period = 1000
        again = fast.ask(None)
        assert again.params == trial.params
        with pytest.raises(TakenAwayError), slow.alive(trial):
            trial.report(0.5, 0)
        with pytest.raises(TakenAwayError):
            end(slow, trial)
        end(fast, again)
        assert [ended.number for ended in study.finished()] == [again.number]


def test_a_trial_alive_is_left_to_its_worker(params, address):
    with joined(address, params, 2) as study:
        first = study.ask(OWN)
        with joined(address, params, 2) as other:
            assert other.fail_silent() == []
            second = other.ask(OWN)
            assert other.ask(OWN) is None
            end(other, second)
            end(study, first)
            assert study.is_done()
            assert other.is_done()
            assert study.folder != other.folder
    assert first.params == OWN != second.params


@pytest.mark.slow
def test_the_first_trials_are_the_same_whoever_asks_and_ends_first(params, tmp_path):
    proposed = []
    for name, batch in (("a", 1), ("b", 5)):
        with joined(f"sqlite:///{tmp_path}/{name}.db", params, STARTUP_TRIALS) as study:
            found = {}
            while not study.is_done():
                begun = [study.of_worker().ask(OWN) for _ in range(batch)]
                found |= {trial.number: trial.params for trial in begun}
                for trial in reversed(begun):
                    end(study, trial)
            proposed.append(found)
    assert proposed[0] == proposed[1]
    assert len({str(each) for each in proposed[0].values()}) == STARTUP_TRIALS


@pytest.mark.slow
def test_a_later_trial_depends_on_what_is_at_work_elsewhere(params, tmp_path):
    proposed = []
    for name, is_at_work in (("a", False), ("b", True)):
        with joined(f"sqlite:///{tmp_path}/{name}.db", params, 20) as study:
            for _ in range(STARTUP_TRIALS):
                end(study, study.ask(OWN))
            other = study.ask(OWN)
            if not is_at_work:
                end(study, other)
            proposed.append((other.params, study.ask(OWN).params))
    assert proposed[0][0] == proposed[1][0]
    assert proposed[0][1] != proposed[1][1]


def test_a_study_of_another_experiment_is_not_joined(params, address, error_of, monkeypatch):
    with joined(address, params, 3) as study:
        end(study, study.ask(None))
    longer = params.model_copy(update={"train": params.train.model_copy(update={"epochs": 11})})
    monkeypatch.setattr(opening, "identity", lambda *given: {**identity.identity(*given), "code": "other"})
    said = error_of(lambda: joined(address, longer, 3).__enter__())
    assert said.startswith("the study mnist5k in ")
    assert said.endswith(
        " is of another experiment: other settings and code; "
        "expected the same on every machine, or a study of its own: --study NAME"
    )
    assert "s3cret" not in said
    monkeypatch.undo()


def test_a_study_that_no_sweep_has_made_is_left_alone(params, address, error_of, monkeypatch):
    optuna.create_study(study_name="mnist5k", storage=open_storage(address)).ask()
    monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0.1)
    assert " is of no sweep; " in error_of(lambda: joined(address, params, 3).__enter__())
    assert len(trials_of(address)) == 1


def test_another_number_of_trials_is_refused_while_others_are_at_work(params, address, error_of):
    with joined(address, params, 2) as study:
        trial = study.ask(None)
        said = error_of(lambda: joined(address, params, 3).__enter__())
        assert said == (
            "--trials: others are at work on the study mnist5k towards 2 trials, got 3; "
            "expected --trials 2, or wait for their end"
        )
        end(study, trial)
        with joined(address, params, 3) as grown:
            assert (grown.budget, study.budget, grown.is_new) == (3, 3, False)


@pytest.mark.parametrize("part", ["model", "data set", "code", "packages", "settings"])
def test_an_identity_changes_with_each_of_its_parts(params, project, monkeypatch, part):
    before = identity.identity(params, SWEEP, SPACE)
    if part == "settings":
        params = params.model_copy(update={"train": params.train.model_copy(update={"epochs": 11})})
    elif part == "packages":
        monkeypatch.setattr(identity.importlib.metadata, "version", lambda name: "0.1")
    elif part == "code":
        (project / "changed.py").write_text("")
        monkeypatch.setattr(identity, "CODE", project)
    else:
        path = project / {"model": "conf/models/cnn.yaml", "data set": "conf/datasets/mnist5k.yaml"}[part]
        path.write_text(f"{path.read_text()}# changed\n")
    after = identity.identity(params, SWEEP, SPACE)
    assert {name for name in before if before[name] != after[name]} == {part}
