"""The workers of a command: what they do with trials that fail, are killed or interrupted. Nothing is trained."""

import threading

import pytest

from twintrain import tracking
from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.sweeping import workers
from twintrain.sweeping.opening import open_study
from twintrain.sweeping.space import Space, Sweep
from twintrain.sweeping.trials import Outcome
from twintrain.sweeping.workers import Search, run_workers
from twintrain.system import cpus
from twintrain.system.activity import Activity

# Each begins runs of MLflow's, which are brought nowhere.
pytestmark = pytest.mark.slow

SWEEP = Sweep(space={"train.optimizer.learning_rate": {"low": 1e-4, "high": 1.0, "log": True}})
COMPLETE = ("complete", "", [{"val_loss": 0.5}], 0)


@pytest.fixture
def sweep(project, monkeypatch):
    """Runs a sweep whose trials end as they are told; gives the study, and how often each settings were tried."""
    content = changed_params(read_yaml(project / "params.yaml"), "car", {"tracking.budget_seconds": 0})
    params = check_params(content, "params.yaml")
    monkeypatch.setattr(workers.Data, "of", lambda *_: project)

    def run(outcome_of, trials=4, count=2):
        space = Space(SWEEP.space, "car.yaml")
        search = Search("car", content, params, SWEEP, space, {}, trials, None, count, None, "car")
        tried, lock = [], threading.Lock()

        def run_trial(params, rows, folder, on_start, on_epoch, stop):
            with lock:
                tried.append((params.train.optimizer.learning_rate, params.train.threads))
                number = len(tried)
            found = outcome_of(number, stop)
            if found.state == "complete":
                on_epoch(0, found.epochs[0])
            return found

        monkeypatch.setattr(workers, "run_trial", run_trial)
        opened = open_study("car", SWEEP, space, params, trials)
        with opened as study, tracking.parent_run("sweep car", {}, params.tracking) as parent:
            try:
                run_workers(search, study, parent, Activity("sweep"))
            finally:
                run.ended = study.finished()
        return tried

    return run


def states(run):
    return [trial.user_attrs["state"] for trial in run.ended]


def test_a_trial_whose_process_is_killed_is_tried_again_with_the_same_parameters(sweep):
    tried = sweep(lambda number, stop: Outcome("killed", "killed") if number == 1 else Outcome(*COMPLETE), count=1)
    assert tried[0] == tried[1]
    assert (len(tried), len(set(tried))) == (5, 4)
    assert states(sweep) == ["complete"] * 4


def test_a_trial_whose_process_is_killed_again_and_again_has_failed(sweep):
    tried = sweep(lambda number, stop: Outcome("killed", "killed") if number <= 3 else Outcome(*COMPLETE), count=1)
    assert len(set(tried[:3])) == 1
    assert states(sweep) == ["failed", "complete", "complete", "complete"]
    assert sweep.ended[0].user_attrs["reason"] == "its process was killed 3 times; is there enough memory?"


def test_workers_share_the_processors(sweep, monkeypatch):
    monkeypatch.setattr(cpus, "usable_cpus", lambda: list(range(8)))
    assert {threads for _, threads in sweep(lambda number, stop: Outcome(*COMPLETE), count=3)} == {2}
    assert {threads for _, threads in sweep(lambda number, stop: Outcome(*COMPLETE), trials=8, count=1)} == {None}


def test_three_failures_in_a_row_end_the_sweep_and_interrupt_the_others(sweep, error_of):
    def outcome_of(number, stop):
        if number > 1:
            return Outcome("failed", "no memory")
        stop.wait(60)
        raise KeyboardInterrupt

    assert error_of(sweep, outcome_of, trials=9) == "3 trials in a row have failed, the last one so: no memory"
    assert states(sweep) == ["failed"] * 3


def test_an_interrupt_ends_all_workers(sweep):
    def outcome_of(number, stop):
        if number == 3:
            raise KeyboardInterrupt
        if number == 2:
            stop.wait(60)
            raise KeyboardInterrupt
        return Outcome(*COMPLETE)

    with pytest.raises(KeyboardInterrupt):
        sweep(outcome_of, trials=9)
    assert states(sweep) == ["complete"]
