"""`python -m pipelines.verify` as a user meets it: exit status, files, messages, the seal in the report."""

import json

import pytest
from project_clone import Clone

pytestmark = pytest.mark.slow

SAME = """
def build_torch(input_shape, outputs):
    from torch import nn

    return nn.Sequential(nn.Linear(*input_shape, 4), nn.Tanh(), nn.Linear(4, outputs))


def build_keras(input_shape, outputs):
    from keras import Input, Sequential, layers

    return Sequential([Input(input_shape), layers.Dense(4, activation="tanh"), layers.Dense(outputs)])
"""
XOR = ("--preset", "xor", "--train.epochs", "300", "--train.threads", "1")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which XOR has been trained for a while."""
    clone = Clone(tmp_path_factory.mktemp("verify") / "clone")
    result = clone.run(*XOR)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Whether these are twins was not verified; make verify does it." in result.stdout
    return clone


def verify(clone: Clone, *arguments: str, **environment: str):
    return clone.call("python", "-m", "pipelines.verify", *arguments, **environment)


def parity(clone: Clone) -> dict:
    def refuse(constant: str):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads((clone.folder / "results/parity.json").read_text("utf-8"), parse_constant=refuse)


def test_twins_are_verified_and_the_report_says_so(clone: Clone):
    changed = clone.call("git", "status", "--porcelain").stdout
    result = verify(clone)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (
        "PyTorch and Keras are twins: all 31 checks passed over 200 training steps in float64 and float32."
        in result.stdout
    )
    found = parity(clone)
    assert found["passed"]
    assert found["checks"][0].keys() >= {"name", "framework", "dtype", "error", "tolerance", "passed"}
    assert {check["dtype"] for check in found["checks"]} == {"float64", "float32"}
    assert (clone.folder / "results/parity.html").is_file()
    assert "Verified twins: all 31 checks passed over 200 training steps in float64 and float32." in (
        clone.folder / "results/report.html"
    ).read_text("utf-8")
    # params.yaml is untouched, and the comparison that was renewed is what dvc.lock now has.
    assert clone.call("git", "status", "--porcelain").stdout == changed
    assert "up to date" in clone.call("dvc", "repro").stdout
    (run,) = (run for run in clone.runs() if run.info.run_name == "verify logic_mlp on xor")
    children = [child for child in clone.runs() if child.data.tags.get("mlflow.parentRunId") == run.info.run_id]
    assert {child.info.run_name for child in children} >= {"verify@torch", "verify@keras"}


def test_twins_of_ones_own_that_are_none_are_named_with_exit_status_1(clone: Clone):
    (clone.folder / "same.py").write_text(SAME)
    other = SAME.replace('activation="tanh"', 'activation="sigmoid"')
    (clone.folder / "other.py").write_text(other)
    assert verify(clone, "--model", "same.py").returncode == 0
    result = verify(clone, "--model", "other.py")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Keras parts from PyTorch first in layer outputs (float64): dense_1." in result.stdout
    assert not parity(clone)["passed"]


def test_a_dead_tracking_server_does_not_make_twins_others(clone: Clone):
    result = verify(clone, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Not checked, since MLflow could not log the models: predictions by MLflow." in result.stdout
    assert parity(clone)["unchecked"] == ["predictions by MLflow"]
