"""`python -m pipelines.verify` as a user meets it: exit status, files, messages, the seal in the report."""

import json
import re

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
ALL_PASSED = "all 31 checks passed over 200 training steps in float64 and float32."
XOR = ("--preset", "xor", "--train.epochs", "300", "--train.threads", "1")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which XOR has been trained for a while, by twins that were verified."""
    clone = Clone(tmp_path_factory.mktemp("verify") / "clone", verified=True)
    result = clone.run(*XOR)
    assert result.returncode == 0, result.stdout + result.stderr
    assert ALL_PASSED in result.stdout
    return clone


def verify(clone: Clone, *arguments: str, **environment: str):
    return clone.call("python", "-m", "pipelines.verify", *arguments, **environment)


def parity(clone: Clone, folder: str) -> dict:
    def refuse(constant: str):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads((clone.folder / folder / "parity.json").read_text("utf-8"), parse_constant=refuse)


def test_a_run_verifies_twins_and_the_report_says_so(clone: Clone):
    found = parity(clone, "results")
    assert found["passed"]
    assert found["checks"][0].keys() >= {"name", "framework", "dtype", "error", "tolerance", "passed"}
    assert {check["dtype"] for check in found["checks"]} == {"float64", "float32"}
    assert found["unchecked"] == []
    assert (clone.folder / "results/parity.html").is_file()
    assert f"Verified twins: {ALL_PASSED}" in (clone.folder / "results/report.html").read_text("utf-8")
    (run,) = clone.stage_runs("verify")
    assert run.data.metrics["checks_passed"] == len(found["checks"]) == 31
    (parent, *_) = clone.stage_runs("run")
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_the_command_shows_what_the_stage_has_found_and_runs_it_no_second_time(clone: Clone):
    changed = clone.call("git", "status", "--porcelain").stdout
    result = verify(clone)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"PyTorch and Keras are twins: {ALL_PASSED}" in result.stdout
    assert "Running stage" not in result.stdout
    assert clone.call("git", "status", "--porcelain").stdout == changed
    assert "up to date" in clone.call("dvc", "repro").stdout


def test_a_longer_training_is_not_verified_again_and_another_optimizer_is(clone: Clone):
    for change, runs in ((("--train.epochs", "301"), False), (("--train.optimizer.name", "adagrad"), True)):
        result = clone.run(*change, "--target", "verify")
        assert result.returncode == 0, result.stdout + result.stderr
        assert ("Running stage 'verify'" in result.stdout) is runs


def test_twins_of_ones_own_that_are_none_are_named_with_exit_status_1(clone: Clone):
    before = parity(clone, "results")
    (clone.folder / "same.py").write_text(SAME)
    other = SAME.replace('activation="tanh"', 'activation="sigmoid"')
    (clone.folder / "other.py").write_text(other)
    assert verify(clone, "--model", "same.py").returncode == 0
    result = verify(clone, "--model", "other.py")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Keras parts from PyTorch first in layer outputs (float64): twin.1 / dense" in result.stdout
    assert re.search("Why: twin.1 / dense.*: Keras has sigmoid, PyTorch tanh; ", result.stdout), result.stdout
    assert not parity(clone, "build/verify/xor-other")["passed"]
    assert parity(clone, "build/verify/xor-same")["passed"]
    assert parity(clone, "results") == before


def test_a_run_compares_what_are_no_twins_and_says_so(clone: Clone):
    result = clone.run("--model", "other.py", "--train.epochs", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Not twins: " in result.stdout
    metrics = json.loads((clone.folder / "results/metrics.json").read_text("utf-8"))
    assert metrics["verification"]["verified"] is False
    assert verify(clone).returncode == 1


def test_a_dead_tracking_server_does_not_make_twins_others(clone: Clone):
    result = verify(clone, "--model", "same.py", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert result.returncode == 0, result.stdout + result.stderr
    assert parity(clone, "build/verify/xor-same")["unchecked"] == []
