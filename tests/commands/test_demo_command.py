import re
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines import demo as demo_command
from twintrain.data.dataset import load_dataset
from twintrain.system.project import write_json

ROOT = Path(__file__).parents[2]


@pytest.fixture
def metrics(tmp_path, monkeypatch):
    """results/metrics.json and the training that it is of."""
    monkeypatch.chdir(tmp_path)
    found = {
        "dataset": "mnist5k",
        "model": "cnn",
        "mode": "aligned",
        "torch": {"run_id": "a"},
        "comparison": {},
        "further_comparisons": {},
    }
    (tmp_path / "results").mkdir()
    (tmp_path / "build/train/torch").mkdir(parents=True)
    write_json(tmp_path / "results/metrics.json", found)
    write_json(tmp_path / "build/train/torch/run.json", {"run_id": "a"})
    return found


def test_last_comparison_is_read(metrics):
    assert demo_command._last_metrics() == metrics


def test_results_of_another_training_are_refused(metrics, tmp_path, error_of):
    write_json(tmp_path / "build/train/torch/run.json", {"run_id": "b"})
    message = "results/metrics.json is of another training than build/train/torch; type: make run"
    assert error_of(demo_command._last_metrics) == message


def test_rows_of_another_data_set_are_refused(metrics, tmp_path, error_of):
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "build/ingested").mkdir()
    write_json(tmp_path / "build/ingested/dataset.json", load_dataset("car").model_dump())
    message = "results/metrics.json is of another training than build/ingested; type: make run"
    assert error_of(demo_command._study, metrics) == message


@pytest.mark.parametrize(("given", "port"), [([], None), (["--port", ""], None), (["--port", "''"], None)])
def test_port_may_be_left_open(given, port):
    assert demo_command._read_port(given) is port


def test_port_is_a_number(error_of):
    for wrong in ("eighty", "0", "65536", "-1"):
        message = f"--port: expected a number from 1 to 65535, got '{wrong}'"
        assert error_of(demo_command._read_port, [f"--port={wrong}"]) == message


def test_port_that_is_taken_is_refused_at_once(error_of):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = rf"port {port} cannot be had \(Address already in use\); a free one: --port \d+"
        assert re.fullmatch(message, error_of(demo_command._read_port, ["--port", str(port)]))
    assert demo_command._read_port(["--port", str(port)]) == port


def test_missing_gradio_is_one_line(monkeypatch, error_of):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.setattr(sys, "argv", ["demo"])
    assert error_of(demo_command.demo) == (
        "the demo needs gradio, which is not installed; type: python -m pip install -r requirements-demo.txt"
    )


@pytest.mark.parametrize(
    ("task", "labels", "label", "expected"),
    [
        ("multiclass", ["low", "high"], np.int64(1), "high"),
        ("regression", [], np.array([152.25]), "152.25"),
        ("reconstruction", [], np.zeros(784), ""),
        ("segmentation", [], np.zeros(784, bool), ""),
    ],
)
def test_truth_is_text(task, labels, label, expected):
    schema = demo_command.Schema(
        dataset="a",
        task=task,
        labels=labels,
        input_shape=[1],
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=1,
    )
    assert demo_command._truth(label, schema) == expected
