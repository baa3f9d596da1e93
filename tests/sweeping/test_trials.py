"""One trial in a process of its own."""

import os
import signal
import subprocess

import pytest

from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.sweeping.trials import Data, Stop, run_trial

# Each test starts processes that import a framework.
pytestmark = pytest.mark.slow


@pytest.fixture
def trial(project, shipped_data, tmp_path):
    """Runs a short trial, which is pruned where `prune` says so; returns the outcome and what was told."""
    (project / "data").symlink_to(shipped_data)
    content = read_yaml(project / "params.yaml")

    def run(prune=lambda epoch: False, preset="diabetes_tuned", stop=None, **overrides):
        changed = {name.replace("__", "."): value for name, value in overrides.items()}
        params = check_params(changed_params(content, preset, {"train.epochs": 4, **changed}), "params.yaml")
        data, told = Data(tmp_path / "trials"), []
        on_epoch = lambda epoch, metrics: told.append((epoch, metrics)) or prune(epoch)  # noqa: E731
        folder = tmp_path / "trials/trial-0"
        outcome = run_trial(params, data.of(params), folder, told.append, on_epoch, stop or Stop())
        return outcome, told, data, params

    return run


def test_a_trial_tells_its_epochs_and_keeps_the_best(trial):
    outcome, (parameters, *epochs), data, params = trial()
    assert parameters == 8 * 6 + 6 + 6 * 4 + 4 + 4 + 1
    assert [epoch for epoch, _ in epochs] == [0, 1, 2, 3]
    assert [metrics for _, metrics in epochs] == outcome.epochs
    losses = [metrics["val_loss"] for metrics in outcome.epochs]
    assert outcome.state == "complete"
    assert losses[outcome.best_epoch] == min(losses)
    assert outcome.seconds > 0
    assert sorted(path.name for path in data.of(params).iterdir()) == ["schema.json", "train", "val"]


def test_the_test_rows_are_not_even_written(trial):
    _, _, data, params = trial(train__epochs=1)
    assert list(data.folder.rglob("test*")) == []
    assert data.schema(params).dataset == "diabetes"


def test_trials_share_rows_unless_preprocessing_differs(project, shipped_data, tmp_path):
    (project / "data").symlink_to(shipped_data)
    content = read_yaml(project / "params.yaml")
    data = Data(tmp_path / "trials")

    def rows_of(**overrides):
        changed = {name.replace("__", "."): value for name, value in overrides.items()}
        return data.of(check_params(changed_params(content, "car", changed), "params.yaml"))

    assert rows_of() == rows_of(train__epochs=7, model="car_embedding_tuned")
    assert rows_of() != rows_of(preprocess__categorical="onehot")
    data.close()
    assert not (tmp_path / "trials").exists()


@pytest.fixture
def workers(monkeypatch):
    """The processes that are started."""
    found, start = [], subprocess.Popen

    def started(*arguments, **options):
        found.append(start(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", started)
    return found


def test_a_trial_whose_process_is_killed_has_not_failed_of_itself(trial, workers):
    outcome, *_ = trial(prune=lambda epoch: os.kill(workers[0].pid, signal.SIGKILL), train__epochs=100_000)
    assert (outcome.state, outcome.reason) == ("killed", "its process was killed")


def test_another_thread_may_end_a_trial(trial, workers):
    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        trial(prune=lambda epoch: stop.set(), stop=stop, train__epochs=100_000)
    assert workers[0].returncode == -9
    with pytest.raises(KeyboardInterrupt):  # nor does one begin after that
        trial(stop=stop, train__epochs=100_000)


def test_a_pruned_trial_ends_its_process(trial, workers):
    outcome, told, *_ = trial(prune=lambda epoch: epoch == 1, train__epochs=100_000)
    assert outcome.state == "pruned"
    assert outcome.best_epoch is None
    assert len(told) == 1 + 2
    assert workers[0].returncode == -9


def test_a_trial_that_diverges_says_so(trial):
    outcome, (_, *epochs), *_ = trial(
        preset="mnist5k", train__optimizer__name="sgd", train__optimizer__learning_rate=1e6
    )
    assert (outcome.state, outcome.best_epoch, epochs) == ("diverged", None, [])
    assert outcome.reason == "train_loss is nan in epoch 1; try a smaller train.optimizer.learning_rate"


def test_a_trial_that_fails_says_why(trial):
    outcome, told, *_ = trial(train__device="gpu")
    assert (outcome.state, told) == ("failed", [])
    assert outcome.reason == (
        "train.device: gpu, but PyTorch sees no CUDA device; expected a GPU, or train.device: auto"
    )
