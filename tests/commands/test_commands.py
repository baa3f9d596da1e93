"""What a user can get wrong: one clear line, an exit status, nothing half-written."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from project_clone import ROOT, Clone, heard_signals

from twintrain.system.processes import worker_environment

PARAMS = "params.yaml"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("commands") / "clone")
    assert clone.call("dvc", "pull", "--quiet", "data.dvc").returncode == 0
    return clone


def refused(clone: Clone, *arguments: str) -> str:
    """The one line of a command that fails before it writes anything."""
    result = clone.run(*arguments)
    assert result.returncode == 1, result.stdout + result.stderr
    assert clone.call("git", "status", "--porcelain").stdout == ""
    assert not (clone.folder / "build").exists()
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "cars"], "error: unknown preset 'cars'; did you mean 'car'?"),
        (["--dataset", "mnist6k"], "error: unknown dataset 'mnist6k'; did you mean 'mnist5k'?"),
        (["--model", "cnnn"], "error: unknown model 'cnnn'; did you mean 'cnn'?"),
        (["--epochs", "3"], "error: unknown parameter 'epochs'; did you mean 'train.epochs'?"),
        (["--lrr", "3"], "error: unknown parameter 'lrr'; params.yaml lists them"),
        (["--train.epochs", "two"], "error: params.yaml: 'train.epochs': expected a valid integer, got 'two'"),
        (["--train.epochs", "0"], "error: params.yaml: 'train.epochs': expected 1 to 1,000,000, got 0"),
        (["--train.epochs"], "error: --train.epochs has no value; expected --train.epochs VALUE"),
        # As MLflow hands on what was not given.
        (
            ["--data", "", "--target", "''", "--task", "", "--preset", "cars"],
            "error: unknown preset 'cars'; did you mean 'car'?",
        ),
        (
            ["--data", "my.csv", "--target", "y", "--task", "regresion"],
            "error: unknown task 'regresion'; did you mean 'regression'?",
        ),
        (
            ["--data", "my.csv", "--target", "y", "--preset", "car"],
            "error: --data has settings of its own; expected no --preset, got car",
        ),
        (["--target", "trian@torch"], "error: unknown target 'trian@torch'; did you mean 'train@torch'?"),
        (
            ["--model", "car_embedding"],
            "error: conf/models/car_embedding.yaml layer 1 (embedding) does not fit mnist5k: expected category codes "
            "as input; it goes first, on a table with preprocess.categorical: codes",
        ),
        (
            ["--preset", "car", "--train.batch_size", "1"],
            "error: car_embedding has batch_norm on vectors (batch_norm_4), where one row has no variance; expected "
            "train.batch_size of at least 2, got 1",
        ),
    ],
)
def test_a_wrong_argument_is_one_line_and_writes_nothing(clone: Clone, arguments: list[str], message: str):
    assert refused(clone, *arguments) == message


def test_an_altered_raw_file_is_refused_and_comes_back_as_told(clone: Clone):
    path = clone.folder / "data/car/car.data"
    shutil.copyfile(path, clone.folder / "car.original")
    original = path.read_bytes()
    path.chmod(0o644)
    path.unlink()
    path.write_bytes(original[:1000])
    (clone.folder / "car.original").unlink()
    line = refused(clone, "--preset", "car")
    assert line.startswith(
        "error: data/car/car.data is not the file that conf/datasets/car.yaml describes: expected sha256"
    )
    way_back = line.split("get it back with: ")[1]
    assert clone.call("bash", "-c", way_back).returncode == 0
    assert path.read_bytes() == original


@pytest.mark.slow
def test_dvc_repro_gets_the_data_that_nobody_has_pulled(tmp_path: Path):
    fresh = Clone(tmp_path / "clone")
    result = fresh.call("dvc", "repro", "ingest")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "ingest: mnist5k, 5,000 rows, 0 set aside" in result.stdout
    assert fresh.call("git", "status", "--porcelain").stdout in ("", " M dvc.lock\n")


def test_a_missing_raw_file_is_refused_and_comes_back_as_told(clone: Clone):
    path = clone.folder / "data/xor/xor.csv"
    path.unlink()
    assert refused(clone, "--preset", "xor") == "error: data/xor/xor.csv is missing; get it with: dvc pull data.dvc"
    assert clone.call("dvc", "pull", "data.dvc").returncode == 0
    assert path.is_file()


def test_a_mistake_in_params_yaml_stops_a_stage_with_one_line(clone: Clone):
    path = clone.folder / PARAMS
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace("  val: 0.1", "  vall: 0.1\n  val: 0.1"), encoding="utf-8")
    result = clone.call("python", "-m", "pipelines.split")
    path.write_text(original, encoding="utf-8")
    assert result.returncode == 1
    assert result.stderr == "error: params.yaml: unknown parameter 'split.vall'; did you mean 'val'?\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["train"],
            "error: expected one framework, torch, keras, keras-jax or keras-torch: python -m pipelines.train torch",
        ),
        (
            ["evaluate", "tensorflow"],
            "error: unknown framework 'tensorflow'; known: keras, keras-jax, keras-torch, torch",
        ),
        (["split", "torch"], "error: unexpected argument 'torch'; python -m pipelines.split takes none"),
    ],
)
def test_a_stage_called_wrongly_says_how(clone: Clone, arguments: list[str], message: str):
    stage, *rest = arguments
    result = clone.call("python", "-m", f"pipelines.{stage}", *rest)
    assert (result.returncode, result.stderr) == (1, message + "\n")


@pytest.mark.slow
def test_doctor_finds_nothing_to_mend(clone: Clone):
    result = clone.call("python", "-m", "pipelines.doctor")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "MEND" not in result.stdout
    assert "data: 1 file of mnist5k, as described" in result.stdout


@pytest.mark.slow
def test_doctor_says_what_to_type(clone: Clone):
    shutil.rmtree(clone.folder / "data")
    result = clone.call("python", "-m", "pipelines.doctor", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert clone.call("dvc", "pull", "--quiet", "data.dvc").returncode == 0
    assert result.returncode == 1
    assert "MEND  data: data/mnist5k/mnist_5k.csv.gz is missing; get it with: dvc pull data.dvc" in result.stdout
    assert "MEND  store: MLFLOW_TRACKING_URI http://127.0.0.1:9 does not answer" in result.stdout


@pytest.mark.slow
def test_a_tracking_server_that_does_not_answer_costs_no_output(clone: Clone):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{unused.getsockname()[1]}"
    result = clone.run("--preset", "xor", "--train.epochs", "2", "--target", "evaluate@torch", MLFLOW_TRACKING_URI=uri)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    warning = f"warning: MLflow at {uri} does not have all that was logged (no connection)"
    assert result.stderr.count(warning) == 1  # the command and its stages tell it once
    assert (clone.folder / "build/train/torch/model.pt2").is_file()
    assert (clone.folder / "build/evaluate/torch/predictions.npz").is_file()


@pytest.mark.slow
def test_a_copy_without_git_works(clone: Clone, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(clone.folder, copy, ignore=shutil.ignore_patterns(".git", "build", "cache", "mlflow.db*", "mlruns"))
    unpacked = Clone.__new__(Clone)
    unpacked.folder = copy
    result = unpacked.run("--preset", "xor", "--target", "split")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [run.info.status for run in unpacked.stage_runs("split")] == ["FINISHED"]


HANGS = """
import threading
from twintrain.command_line import commands

def main():
    try:
        print("started", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        print("closing", flush=True)
        threading.Event().wait()

commands.SECONDS_TO_END = 1
commands.run_command(main)
"""


def test_a_command_that_hangs_while_it_is_ended_is_ended_all_the_same():
    with subprocess.Popen([sys.executable, "-c", HANGS], env=worker_environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"started\n"
        process.terminate()
        try:
            assert process.communicate(timeout=30) == (b"closing\n", None)
        finally:
            process.kill()
        assert process.returncode == -signal.SIGALRM


SLOW = """
import sys, time
print("importing", flush=True)
time.sleep(float(sys.argv[-1]))
sys.exit(3)
"""


def told_importing(sign: signal.Signals, module: str, folder: Path, seconds: str, *before: str) -> tuple[int, str]:
    """The status of a command that gets a signal while it imports a module, and what it says then."""
    (folder / f"{module}.py").write_text(SLOW, encoding="utf-8")
    command = [*before, sys.executable, "-m", "pipelines.rollback", seconds]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with heard_signals(), subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as process:
        while (line := process.stdout.readline()) != "importing\n":
            assert line.startswith("nohup: ")
        process.send_signal(sign)
        said = process.communicate(timeout=120)[0]
        return process.returncode, said


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("module", ["psutil", "pydantic"])
def test_a_command_that_is_told_to_end_while_it_imports_says_no_more(module: str, sign: signal.Signals, tmp_path: Path):
    assert told_importing(sign, module, tmp_path, "60") == (130, "interrupted\n")


def test_a_command_that_nohup_starts_goes_on_importing_when_its_terminal_is_closed(tmp_path: Path):
    assert told_importing(signal.SIGHUP, "psutil", tmp_path, "0.5", "nohup") == (3, "")
