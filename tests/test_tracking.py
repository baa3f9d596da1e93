"""The store, the run tree, and what happens when tracking fails."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
from own_store import use_store

from twintrain import tracking

PROCESSES = 8
OPEN_STORE = """
import sys
from twintrain import tracking
with tracking.stage_run("race", {"stage": "race"}, "Default") as run:
    run.log_metrics({f"metric_{index}": float(index) for index in range(20)})
sys.exit(0 if run.id else 1)
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """An empty folder as project, with a store of its own."""
    monkeypatch.chdir(tmp_path)
    use_store(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    return mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


def test_a_stage_opens_several_runs_under_the_parent(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {"stage": "run"}, "trial") as parent:
        for name in ("first", "second"):
            with tracking.stage_run(name, {"stage": "baseline"}, "elsewhere") as child:
                child.log_params({"name": name})
            assert os.environ["MLFLOW_RUN_ID"] == parent.id
            found = store.get_run(child.id)
            assert found.data.tags["mlflow.parentRunId"] == parent.id
            assert found.data.params == {"name": name}
    assert store.get_run(parent.id).data.params == {}
    assert "MLFLOW_RUN_ID" not in os.environ


@pytest.mark.slow
def test_a_fresh_store_survives_eight_processes_at_once(tmp_path: Path):
    source = Path(__file__).parents[1] / "src"
    environment = {**os.environ, "PYTHONPATH": str(source)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-c", OPEN_STORE]
    processes = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, said
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs(["0"])
    assert [run.info.status for run in runs] == ["FINISHED"] * PROCESSES
    assert all(run.data.metrics["metric_19"] == 19 for run in runs)


def test_the_store_is_mlflow_db_at_the_root_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.store_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking.store_uri(tmp_path / ".dvc/tmp/exps/standalone/tmpab") == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert tracking.store_uri(tmp_path) == f"sqlite:///{tmp_path}/other.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    assert tracking.store_uri(tmp_path) == "http://localhost:5000"


def test_stages_open_runs_of_their_own_under_the_parent(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {"stage": "run"}, "trial") as parent:
        inherited = os.environ["MLFLOW_RUN_ID"]
        assert inherited == parent.id
        with tracking.stage_run("train@torch", {"stage": "train"}, "elsewhere") as child:
            child.log_params({"epochs": 3})
            child.log_metrics({"val_loss": 0.5}, step=0)
            child.log_metrics({"val_loss": 0.25}, step=1)
    found = store.get_run(child.id)
    assert found.data.tags["mlflow.parentRunId"] == parent.id
    assert found.info.experiment_id == store.get_experiment_by_name("trial").experiment_id
    assert found.info.run_name == "train@torch"
    assert found.info.status == "FINISHED"
    assert found.data.params == {"epochs": "3"}
    assert [(m.step, m.value) for m in store.get_metric_history(child.id, "val_loss")] == [(0, 0.5), (1, 0.25)]
    assert store.get_run(parent.id).info.status == "FINISHED"


def test_the_run_of_mlflow_run_is_taken_as_the_parent(store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch):
    given = store.create_run(store.create_experiment("projects")).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", given)
    with tracking.parent_run("all", {"stage": "run"}, "trial") as parent:
        assert parent.id == given
    assert store.get_run(given).info.status == "RUNNING"  # `mlflow run` ends it
    assert store.get_run(given).info.run_name == "all"
    assert store.get_experiment_by_name("trial") is None


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_stage_that_fails_leaves_a_run_that_says_so(store: mlflow.MlflowClient, error: type, status: str):
    with pytest.raises(error), tracking.stage_run("train@keras", {}, "trial") as run:
        raise error
    assert store.get_run(run.id).info.status == status


def test_the_experiment_is_that_of_the_environment(store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from the environment")
    with tracking.stage_run("split", {}, "from params.yaml") as run:
        pass
    assert store.get_experiment(store.get_run(run.id).info.experiment_id).name == "from the environment"
    assert (Path("mlruns").is_dir(), store.get_run(run.id).info.artifact_uri.startswith(str(Path.cwd()))) == (
        False,
        True,
    )


def test_scores_are_added_to_a_run_that_has_ended(store: mlflow.MlflowClient, tmp_path: Path):
    with tracking.stage_run("train@torch", {}, "trial") as trained:
        pass
    picture = tmp_path / "roc.png"
    picture.write_bytes(b"png")
    with tracking.stage_run("evaluate@torch", {}, "trial") as run:
        tracking.add_to_run(run, trained.id, {"eval_acc": 0.9}, [picture], None)
    found = store.get_run(trained.id)
    assert found.data.metrics["eval_acc"] == 0.9
    assert [artifact.path for artifact in store.list_artifacts(trained.id)] == ["roc.png"]
    assert found.info.status == "FINISHED"


def test_a_run_that_this_store_does_not_have_is_passed_over(store: mlflow.MlflowClient, capfd: pytest.CaptureFixture):
    with tracking.stage_run("evaluate@torch", {}, "trial") as run:
        tracking.add_to_run(run, "0" * 32, {"eval_acc": 0.9}, [], None)
        run.log_metrics({"eval_acc": 0.9})
    assert "note: this store has no run 00000000" in capfd.readouterr().err
    assert store.get_run(run.id).data.metrics["eval_acc"] == 0.9


def test_data_are_logged_as_an_input_with_their_digest(store: mlflow.MlflowClient):
    features, labels = np.arange(12.0).reshape(4, 3), np.array([0, 1, 0, 1])
    with tracking.stage_run("train@torch", {}, "trial") as first:
        first.log_dataset(features, labels, "toy", "train")
    with tracking.stage_run("train@keras", {}, "trial") as second:
        second.log_dataset(features, labels, "toy", "train")
    inputs = [store.get_run(run.id).inputs.dataset_inputs[0] for run in (first, second)]
    assert inputs[0].dataset.name == "toy"
    assert inputs[0].dataset.digest == inputs[1].dataset.digest
    assert [tag.value for tag in inputs[0].tags] == ["train"]


def test_data_that_differ_at_the_end_have_another_digest(store: mlflow.MlflowClient):
    features, labels = np.zeros((100, 28, 28, 1), np.float32), np.zeros(100, np.int64)
    changed = features.copy()
    changed[-1] = 1
    digests = []
    for rows in (features, changed):
        with tracking.stage_run("train@torch", {}, "trial") as run:
            run.log_dataset(rows, labels, "toy", "train")
        digests.append(store.get_run(run.id).inputs.dataset_inputs[0].dataset.digest)
    assert digests[0] != digests[1]


def test_a_server_that_accepts_and_never_answers_is_given_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with tracking.parent_run("all", {}, "trial"), tracking.stage_run("split", {}, "trial") as run:
            run.log_params({"seed": 0})
    assert capfd.readouterr().err.count("does not answer") == 1


def test_an_mlflow_that_does_not_import_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    def broken() -> None:
        raise ImportError("torchvision and torch do not match")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tracking, "_mlflow", broken)
    with tracking.stage_run("train@torch", {}, "trial") as run:
        run.log_metrics({"loss": 1.0})
        run.log_params({"epochs": 3})
    assert capfd.readouterr().err == (
        "warning: tracking is off from here on, outputs are kept: torchvision and torch do not match\n"
    )


def test_a_stage_that_fails_after_tracking_failed_is_not_called_finished(store: mlflow.MlflowClient):
    def broken(**_: object) -> None:
        raise OSError("disk full")

    with contextlib.suppress(ValueError), tracking.stage_run("train@torch", {}, "trial") as run:
        run.log_model(broken, np.zeros((2, 3), np.float32), 1, ["numpy"])
        raise ValueError
    assert store.get_run(run.id).info.status == "FAILED"
    with tracking.stage_run("train@keras", {}, "trial") as following:
        pass
    assert store.get_run(following.id).info.status == "FINISHED"


def test_without_git_runs_carry_no_commit_and_go_on(store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch):
    Path(".git").mkdir()
    tracking.project_tags.cache_clear()
    monkeypatch.setenv("PATH", "")
    with tracking.stage_run("split", {}, "trial") as run:
        pass
    tracking.project_tags.cache_clear()
    assert "git_commit" not in store.get_run(run.id).data.tags


def test_a_deleted_experiment_is_named_with_the_way_back(store: mlflow.MlflowClient, capfd: pytest.CaptureFixture):
    gone = store.create_experiment("gone")
    store.delete_experiment(gone)
    with tracking.stage_run("split", {}, "gone"):
        pass
    assert (
        f"experiment 'gone' is deleted; restore it with: mlflow experiments restore --experiment-id {gone}"
        in capfd.readouterr().err
    )


def test_all_runs_below_a_parent_are_tagged(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {}, "trial") as parent:
        with tracking.stage_run("split", {}, "trial") as child:
            pass
        parent.tag_children({"dvc_lock": "abc"})
        assert parent.knows([child.id])
        assert not parent.knows(["0" * 32])
    assert [store.get_run(run.id).data.tags["dvc_lock"] for run in (parent, child)] == ["abc", "abc"]


def test_a_nested_run_takes_what_is_logged_until_it_ends(store: mlflow.MlflowClient):
    def log(example: np.ndarray, **arguments: object) -> mlflow.models.model.ModelInfo:
        return mlflow.pyfunc.log_model(python_model=lambda model_input: model_input, **arguments)

    rows, labels = np.zeros((2, 3), np.float32), np.zeros(2, np.int64)
    with tracking.parent_run("all", {}, "trial") as parent:
        with tracking.stage_run("train@torch", {}, "trial") as stage:
            with tracking.nested_run(stage, "train@torch seed 1", {"stage": "train"}) as nested:
                nested.log_dataset(rows, labels, "toy", "train")
                nested.log_metrics({"loss": 1.0})
                nested.log_model(log, rows, 1, ["numpy"])
            stage.log_dataset(rows, labels, "toy", "test")
            stage.log_metrics({"loss": 2.0})
        parent.tag_children({"dvc_lock": "abc"})
    found, above = store.get_run(nested.id), store.get_run(stage.id)
    assert found.data.tags.items() >= {
        ("mlflow.parentRunId", stage.id),
        ("mlflow.runName", "train@torch seed 1"),
        ("stage", "train"),
        ("dvc_lock", "abc"),
    }
    assert above.data.tags["mlflow.parentRunId"] == parent.id
    assert [run.info.status for run in (found, above)] == ["FINISHED", "FINISHED"]
    assert [run.data.metrics["loss"] for run in (found, above)] == [1.0, 2.0]
    assert [model.model_id for model in found.outputs.model_outputs] == [nested.model_id]
    assert [each.tags[0].value for run in (found, above) for each in run.inputs.dataset_inputs] == ["train", "test"]


def test_a_nested_run_that_fails_leaves_the_one_above_to_its_own_end(store: mlflow.MlflowClient):
    with tracking.stage_run("train@torch", {}, "trial") as stage:
        with contextlib.suppress(ValueError), tracking.nested_run(stage, "train@torch seed 1", {}) as nested:
            raise ValueError
        stage.log_metrics({"loss": 2.0})
    assert [store.get_run(run.id).info.status for run in (nested, stage)] == ["FAILED", "FINISHED"]
    assert store.get_run(stage.id).data.metrics["loss"] == 2.0


def test_below_a_run_whose_tracking_has_failed_nothing_is_tracked(
    store: mlflow.MlflowClient, capfd: pytest.CaptureFixture
):
    def broken(**_: object) -> None:
        raise OSError("disk full")

    with tracking.stage_run("train@torch", {}, "trial") as stage:
        with tracking.nested_run(stage, "train@torch seed 1", {}) as nested:
            nested.log_model(broken, np.zeros((2, 3), np.float32), 1, ["numpy"])
        with tracking.nested_run(stage, "train@torch seed 2", {}) as last:
            last.log_metrics({"loss": 1.0})
        stage.log_metrics({"loss": 2.0})
    assert (last.id, "loss" in store.get_run(stage.id).data.metrics) == (None, False)
    assert capfd.readouterr().err.count("tracking is off from here on") == 1


def test_a_server_that_does_not_answer_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with tracking.stage_run("train@torch", {"stage": "train"}, "trial") as run:
        run.log_params({"epochs": 3})
        run.log_metrics({"loss": 1.0}, step=0)
        run.log_artifacts(tmp_path / "absent.txt")
    assert (run.id, run.model_id) == (None, None)
    warnings = capfd.readouterr().err.splitlines()
    assert len(warnings) == 1
    assert warnings[0].startswith(
        f"warning: tracking is off from here on, outputs are kept: MLFLOW_TRACKING_URI {uri} does not answer"
    )


def test_a_server_that_fails_half_way_costs_no_result(store: mlflow.MlflowClient, capfd: pytest.CaptureFixture):
    def broken(**_: object) -> None:
        raise OSError("disk full\nand more")

    with tracking.stage_run("train@torch", {}, "trial") as run:
        run.log_model(broken, np.zeros((2, 3), np.float32), 1, ["numpy"])
        run.log_params({"epochs": 3})
    assert run.model_id is None
    said = capfd.readouterr().err
    assert said == "warning: tracking is off from here on, outputs are kept: disk full\n"
