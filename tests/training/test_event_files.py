"""What TensorBoard itself reads back from the event files."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from twintrain.training.event_files import write_event_file

# A process of its own: TensorBoard's reader takes TensorFlow's file system where no stub is put before it.
READ = """
import json, sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("tensorboard.compat.notf")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
read = EventAccumulator(sys.argv[1])
read.Reload()
found = {}
for tag in read.Tags()["scalars"]:
    found[tag] = [(event.wall_time, event.step, event.value) for event in read.Scalars(tag)]
print(json.dumps(found))
assert "tensorflow" not in sys.modules
"""
HISTORY = pd.DataFrame(
    {
        "epoch": [0, 1, 2],
        "train_loss": [1.5, 0.25, 1e-7],
        "train_accuracy": [0.1, 0.5, 1.0],
        "val_loss": [2.0, 1 / 3, 0.125],
        "val_accuracy": [0.0, 0.75, 0.875],
        "seconds": [4.0, 1.5, 0.5],
    }
)


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.csv"
    HISTORY.to_csv(path, index=False)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def read_events(folder):
    result = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def test_tensorboard_reads_back_the_history(history, tmp_path):
    assert write_event_file(history, tmp_path / "tensorboard") == [tmp_path / "tensorboard"]
    events = read_events(tmp_path / "tensorboard")
    metrics = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert sorted(events) == sorted(metrics)
    for name in metrics:
        wall_times, steps, values = zip(*events[name], strict=True)
        assert steps == (0, 1, 2)
        # TensorBoard keeps scalars in float32.
        assert values == tuple(HISTORY[name].astype(np.float32))
        assert wall_times == (1_699_999_998.0, 1_699_999_999.5, 1_700_000_000.0)


def test_a_failure_costs_a_warning_and_no_training(tmp_path, capfd):
    # Nothing to log: what MLflow cannot find would end the tracking of the whole training.
    assert write_event_file(tmp_path / "nothing.csv", tmp_path / "tensorboard") == []
    warning = capfd.readouterr().err
    assert warning.startswith("warning: no event file for TensorBoard, the training is kept: FileNotFoundError")
    assert warning.count("\n") == 1
    assert not (tmp_path / "tensorboard").exists()
