"""A training of two workers, one of which is killed, ends with the bits of an undisturbed one, on each engine."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from made_schema import schema_of
from worker_process import QUICK_TO_COMPILE, ROOT

from twintrain.data.parts import Part
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network
from twintrain.settings.params import Params
from twintrain.settings.yaml_files import read_yaml
from twintrain.training.workers.job import Job, Trained, train_together

pytestmark = pytest.mark.slow
INPUTS, ROWS, EPOCHS = 6, 96, 80
LABELS = ["a", "b", "c"]
# Running statistics, masks that differ at each step, and an optimizer with a state: all that a checkpoint must keep.
MODEL = """
layers:
  - dense: {units: 8}
  - batch_norm
  - activation: {function: relu}
  - dropout: {rate: 0.3}
  - dense: {units: outputs}
"""
TRAIN = {"epochs": EPOCHS, "batch_size": 32, "workers": 2, "threads": 1, "optimizer": {"name": "adam"}}


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A training of two workers, which find what they are to do in this folder."""
    monkeypatch.chdir(ROOT)  # they are modules of the project
    for name, value in QUICK_TO_COMPILE.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "model.yaml").write_text(MODEL)
    content = read_yaml(ROOT / "params.yaml") | {"model": str(tmp_path / "model.yaml"), "train": TRAIN}
    params = Params.model_validate(content)
    schema = schema_of([INPUTS], LABELS, outputs=len(LABELS))
    schema.save(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("train", "val"):
        features = rng.normal(size=(ROWS, INPUTS)).astype(np.float32)
        Part(features, rng.integers(0, len(LABELS), ROWS), np.arange(ROWS)).save(tmp_path / name)
    weights = draw_weights(load_network(params.model, params.mode, schema), 0)
    return Job("torch", params, tmp_path, tmp_path / "checkpoint.npz", "this one", weights)


class Killer:
    """Kills a worker once, when the third epoch is told of, whose checkpoint is written by then."""

    def __init__(self, rank: int) -> None:
        self.rank = str(rank)
        self.told: list[int] = []

    def __call__(self, epoch: int, metrics: dict[str, float]) -> None:
        self.told.append(epoch)
        if epoch == 2:
            (worker,) = [child for child in psutil.Process().children() if child.environ().get("RANK") == self.rank]
            worker.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(("framework", "rank"), [("torch", 0), ("keras", 1), ("keras-jax", 0), ("keras-torch", 1)])
def test_after_a_kill_they_go_on_to_the_same_bits(job: Job, tmp_path: Path, capsys, framework: str, rank: int):
    job = replace(job, framework=framework)
    undisturbed = train_together(job, tmp_path / "workers", lambda epoch, metrics: None)
    job.checkpoint.unlink()
    killer = Killer(rank)
    found = train_together(job, tmp_path / "workers", killer)
    said = f"note: worker {rank} of 2 was killed (signal 9); all go on from the last checkpoint\n"
    assert capsys.readouterr().err == said
    assert killer.told == list(range(EPOCHS))
    assert_same(found, undisturbed, job)


def assert_same(found: Trained, expected: Trained, job: Job) -> None:
    assert found.history.epochs == expected.history.epochs
    assert found.weights.keys() == expected.weights.keys()
    for name, array in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], array, err_msg=name)
        assert (array != job.weights[name]).any(), name
