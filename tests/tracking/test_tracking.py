"""The store, the run tree, and what happens when tracking fails."""

import base64
import contextlib
import errno
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import mlflow
import numpy as np
import pytest
from own_store import use_store

from twintrain import tracking
from twintrain.settings.params import Tracking
from twintrain.tracking.courier import Courier
from twintrain.tracking.journal import Journal, remove_empty
from twintrain.tracking.owner import Owner

KILLED = """
import os, signal
from twintrain import tracking
from twintrain.settings.params import Tracking
with tracking.stage_run("train@torch", {}, Tracking()) as run:
    run.log_metrics({"loss": 1.0})
    os.kill(os.getpid(), signal.SIGKILL)
"""
PROCESSES = 8
OPEN_STORE = """
import sys
from twintrain import tracking
from twintrain.settings.params import Tracking
with tracking.stage_run("race", {"stage": "race"}, Tracking(experiment="Default")) as run:
    run.log_metrics({f"metric_{index}": float(index) for index in range(20)})
sys.exit(0 if run.id else 1)
"""


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs: MLflow takes seconds to make one."""
    database = tmp_path_factory.mktemp("empty") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture
def store(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """An empty folder as project, with a store of its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path)
    with contextlib.closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (f"{tmp_path}/mlruns/0",))
    use_store(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    return mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


def save_model(example: np.ndarray, path: Path, **arguments: object) -> None:
    class Same(mlflow.pyfunc.PythonModel):
        def predict(self, context: object, model_input: np.ndarray, params: object = None) -> np.ndarray:
            return model_input

    mlflow.pyfunc.save_model(str(path), python_model=Same(), **arguments)


def test_a_stage_opens_several_runs_under_the_parent(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {"stage": "run"}, Tracking(experiment="trial")) as parent:
        for name in ("first", "second"):
            with tracking.stage_run(name, {"stage": "baseline"}, Tracking(experiment="elsewhere")) as child:
                child.log_params({"name": name})
            assert os.environ["MLFLOW_RUN_ID"] == parent.id
            found = store.get_run(child.id)
            assert found.data.tags["mlflow.parentRunId"] == parent.id
            assert found.data.params == {"name": name}
    assert store.get_run(parent.id).data.params == {}
    assert "MLFLOW_RUN_ID" not in os.environ


@pytest.mark.slow
def test_a_fresh_store_survives_eight_processes_at_once(tmp_path: Path):
    source = Path(__file__).parents[2] / "src"
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


class Seen(BaseHTTPRequestHandler):
    """Notes the logins, and leads elsewhere."""

    logins: ClassVar[list[tuple[str, str | None]]] = []
    elsewhere = ""

    def do_GET(self) -> None:
        self.logins.append((self.path, self.headers.get("Authorization")))
        self.send_response(302 if self.elsewhere else 404)
        self.send_header("Location", self.elsewhere)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Elsewhere(Seen):
    logins: ClassVar[list[tuple[str, str | None]]] = []


@contextlib.contextmanager
def serving(handler: type[Seen]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_is_asked_with_the_login_of_its_address_as_mlflow_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Seen, "logins", [])
    with serving(Seen) as place:
        uri = f"http://bob:s3%2Fcr%40et@{place}/ml"
        tracking.check_connection(uri)
        with pytest.raises(mlflow.MlflowException):
            mlflow.MlflowClient(uri).get_experiment("0")
    assert Seen.logins[0] == ("/ml/health", f"Basic {base64.b64encode(b'bob:s3/cr@et').decode()}")
    assert {login for _, login in Seen.logins} == {Seen.logins[0][1]}


def test_a_server_that_leads_elsewhere_does_not_give_the_login_on(monkeypatch: pytest.MonkeyPatch):
    with serving(Seen) as place, serving(Elsewhere) as other:
        monkeypatch.setattr(Seen, "elsewhere", f"http://{other}/login")
        monkeypatch.setattr(Elsewhere, "elsewhere", "")
        tracking.check_connection(f"http://bob:s3cret@{place}")
    assert Elsewhere.logins == [("/login", None)]


@pytest.mark.parametrize("password", ["s3cret", "s3@cret", "1/s3cret"])
def test_a_server_that_does_not_answer_is_named_without_the_password(password: str):
    with pytest.raises(OSError, match="does not answer") as raised:
        tracking.check_connection(f"http://bob:{password}@127.0.0.1:9")
    assert str(raised.value).startswith("MLFLOW_TRACKING_URI http://…@127.0.0.1:9 does not answer")
    assert not any(part in str(raised.value) for part in ("s3", "cret"))


def test_artifacts_lie_beside_the_store_also_where_a_copy_of_the_project_opens_it_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "copy").mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    use_store(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    numbers = ["0", tracking.open_store("trials")]
    client = mlflow.MlflowClient()
    found = [client.get_experiment(number).artifact_location for number in numbers]
    assert found == [f"{tmp_path}/mlruns/{number}" for number in numbers]


def test_stages_open_runs_of_their_own_under_the_parent(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {"stage": "run"}, Tracking(experiment="trial")) as parent:
        inherited = os.environ["MLFLOW_RUN_ID"]
        assert inherited == parent.id
        with tracking.stage_run("train@torch", {"stage": "train"}, Tracking(experiment="elsewhere")) as child:
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
    with tracking.parent_run("all", {"stage": "run"}, Tracking(experiment="trial")) as parent:
        assert parent.id == given
    assert store.get_run(given).info.status == "RUNNING"  # `mlflow run` ends it
    assert store.get_run(given).info.run_name == "all"
    assert store.get_experiment_by_name("trial") is None


def test_what_mlflow_run_was_told_stays_as_it_was_typed(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    given = store.create_run("0").info.run_id
    store.log_param(given, "train.optimizer.learning_rate", "1e-2")
    monkeypatch.setenv("MLFLOW_RUN_ID", given)
    with tracking.parent_run("all", {}, Tracking()) as parent:
        parent.log_params({"train.optimizer.learning_rate": 0.01, "train.epochs": 20})
    found = store.get_run(given)
    assert found.data.params == {"train.optimizer.learning_rate": "1e-2", "train.epochs": "20"}
    assert "incomplete" not in found.data.tags
    assert capsys.readouterr().err == ""


EXPERIMENT = """\
dataset: car
model: car_embedding
frameworks: [torch, keras]
preprocess: {categorical: codes}
train: {epochs: 20, batch_size: null, checkpoint_every: 50, optimizer: {name: adam, learning_rate: 0.01}}
baseline: {name: logistic, others: [svm, tree]}
"""


def test_stages_of_a_dvc_that_was_called_by_hand_are_below_one_run(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(Path(__file__).parents[2] / "conf", "conf")
    Path("params.yaml").write_text(EXPERIMENT, encoding="utf-8")
    monkeypatch.setenv("DVC_STAGE", "split")  # as DVC does
    statuses = []
    with contextlib.suppress(ValueError):
        for name in ("split", "train@torch", "train@keras"):
            with tracking.stage_run(name, {"stage": name}, Tracking()):
                statuses.append([run.info.status for run in store.search_runs(["0"], "tags.stage = 'run'")])
                if name == "train@keras":
                    raise ValueError
    (above,) = store.search_runs(["0"], "tags.stage = 'run'")
    stages = store.search_runs(["0"], "tags.stage != 'run'", order_by=["attributes.start_time DESC"])
    assert (above.info.run_name, above.data.tags["preset"]) == ("car · epochs 20 · lr 0.01", "car")
    changed = {"train.epochs": "20", "train.optimizer.learning_rate": "0.01"}
    assert above.data.params == {"preset": "car", **changed}
    assert "mlflow.parentRunId" not in above.data.tags
    assert [run.info.run_name for run in stages] == ["train@keras", "train@torch", "split"]
    assert {run.data.tags["mlflow.parentRunId"] for run in stages} == {above.info.run_id}
    # A stage says how it went; whether it is the last one only DVC knows.
    assert statuses == [["RUNNING"], ["FINISHED"], ["FINISHED"]]
    assert (above.info.status, stages[0].info.status) == ("FAILED", "FAILED")
    assert not {"incomplete"} & above.data.tags.keys()


def test_a_stage_below_no_run_says_itself_what_is_wrong_with_its_parameters(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DVC_STAGE", "split")
    Path("params.yaml").write_text("dataset: [", encoding="utf-8")
    with tracking.stage_run("split", {}, Tracking()):
        pass
    assert {run.info.run_name for run in store.search_runs(["0"])} == {"split"}


@pytest.mark.parametrize("left", ["", "[", "[1, 2, 3]", "null"])
def test_a_note_of_the_run_above_that_was_half_written_is_written_again(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch, left: str
):
    monkeypatch.setenv("DVC_STAGE", "split")
    journals = tracking.journals_folder()
    journals.mkdir(parents=True)
    (journals / f"{Owner.here()}.parent").write_text(left, encoding="utf-8")
    for name in ("split", "train@torch"):
        with tracking.stage_run(name, {"stage": name}, Tracking()):
            pass
    assert len(store.search_runs(["0"], "tags.stage = 'run'")) == 1


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_stage_that_fails_leaves_a_run_that_says_so(store: mlflow.MlflowClient, error: type, status: str):
    with pytest.raises(error), tracking.stage_run("train@keras", {}, Tracking(experiment="trial")) as run:
        raise error
    assert store.get_run(run.id).info.status == status


def test_the_experiment_is_that_of_the_environment(store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from the environment")
    with tracking.stage_run("split", {}, Tracking(experiment="from params.yaml")) as run:
        pass
    assert store.get_experiment(store.get_run(run.id).info.experiment_id).name == "from the environment"
    assert (Path("mlruns").is_dir(), store.get_run(run.id).info.artifact_uri.startswith(str(Path.cwd()))) == (
        False,
        True,
    )


def test_scores_are_added_to_a_run_that_has_ended(store: mlflow.MlflowClient, tmp_path: Path):
    with tracking.stage_run("train@torch", {}, Tracking(experiment="trial")) as trained:
        pass
    picture = tmp_path / "roc.png"
    picture.write_bytes(b"png")
    with tracking.stage_run("evaluate@torch", {}, Tracking(experiment="trial")) as run:
        tracking.add_to_run(run, trained.ref, {"eval_acc": 0.9}, [picture], None)
    found = store.get_run(trained.id)
    assert found.data.metrics["eval_acc"] == 0.9
    assert [artifact.path for artifact in store.list_artifacts(trained.id)] == ["roc.png"]
    assert found.info.status == "FINISHED"


def test_a_run_that_this_store_does_not_have_is_passed_over(store: mlflow.MlflowClient, capfd: pytest.CaptureFixture):
    with tracking.stage_run("evaluate@torch", {}, Tracking(experiment="trial")) as run:
        tracking.add_to_run(run, tracking.Ref("0" * 32, None), {"eval_acc": 0.9}, [], None)
        run.log_metrics({"eval_acc": 0.9})
    assert "note: this store has no run 00000000" in capfd.readouterr().err
    assert store.get_run(run.id).data.metrics["eval_acc"] == 0.9


@pytest.mark.slow
def test_a_model_is_given_to_a_run_that_has_ended(store: mlflow.MlflowClient, tmp_path: Path):
    with tracking.stage_run("train@torch", {}, Tracking()) as trained:
        trained.log_params({"epochs": 3})
        trained.log_metrics({"val_loss": 0.5})
    save_model(np.zeros((2, 3), np.float32), tmp_path / "model")
    with tracking.parent_run("promote", {}, Tracking()) as run:
        assert tracking.model_of(store, store.get_run(trained.id), "scorer") is None
        model_id = tracking.log_model_of(run, trained.ref, tmp_path / "model", "scorer", {"framework": "torch"})
        found = tracking.model_of(store, store.get_run(trained.id), "scorer")
    assert (found.model_id, found.source_run_id, found.tags["framework"]) == (model_id, trained.id, "torch")
    assert (found.params, [metric.key for metric in found.metrics]) == ({"epochs": "3"}, ["val_loss"])
    assert mlflow.pyfunc.load_model(found.model_uri).predict(np.ones((2, 3), np.float32)).sum() == 6
    assert store.get_run(trained.id).info.status == "FINISHED"


@pytest.mark.slow
def test_a_model_that_a_store_refuses_to_take_comes_later_and_once(
    store: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with tracking.stage_run("train@torch", {}, Tracking()) as trained:
        pass
    save_model(np.zeros((2, 3), np.float32), tmp_path / "model")
    full = OSError("507 Insufficient Storage")
    with monkeypatch.context() as failing, tracking.parent_run("promote", {}, Tracking()) as run:
        failing.setattr(mlflow.MlflowClient, "log_model_artifacts", lambda *_: (_ for _ in ()).throw(full))
        assert tracking.log_model_of(run, trained.ref, tmp_path / "model", "scorer", {}) is None
        assert run.is_behind()
    assert tracking.model_of(store, store.get_run(trained.id), "scorer") is None
    monkeypatch.setattr(Owner, "is_dead", lambda _: True)  # as after the end of this process
    assert tracking.synchronize().left == 0
    assert tracking.model_of(store, store.get_run(trained.id), "scorer") is not None
    assert len(store.search_logged_models(["0"])) == 1
    assert len(store.get_run(trained.id).outputs.model_outputs) == 1


def test_data_are_logged_as_an_input_with_their_digest(store: mlflow.MlflowClient):
    features, labels = np.arange(12.0).reshape(4, 3), np.array([0, 1, 0, 1])
    with tracking.stage_run("train@torch", {}, Tracking(experiment="trial")) as first:
        first.log_dataset(features, labels, "toy", "train")
    with tracking.stage_run("train@keras", {}, Tracking(experiment="trial")) as second:
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
        with tracking.stage_run("train@torch", {}, Tracking(experiment="trial")) as run:
            run.log_dataset(rows, labels, "toy", "train")
        digests.append(store.get_run(run.id).inputs.dataset_inputs[0].dataset.digest)
    assert digests[0] != digests[1]


def test_a_server_that_accepts_and_never_answers_costs_the_budget_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_store(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        settings, started = Tracking(budget_seconds=1), time.monotonic()
        with tracking.parent_run("all", {}, settings), tracking.stage_run("split", {}, settings) as run:
            run.log_params({"seed": 0})
        assert time.monotonic() - started < 10  # a request may take 20 s
        assert tracking.hangs()
    assert capfd.readouterr().err.count("no answer within 1 s in all") == 1
    assert run.ref.journal in tracking.journal_keys()


def test_an_mlflow_that_does_not_import_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    def broken() -> None:
        raise ImportError("torchvision and torch do not match")

    monkeypatch.chdir(tmp_path)
    for module in ("store", "run"):
        monkeypatch.setattr(f"twintrain.tracking.{module}.mlflow_module", broken)
    with tracking.stage_run("train@torch", {}, Tracking()) as run:
        run.log_metrics({"loss": 1.0})
        run.log_params({"epochs": 3})
    assert capfd.readouterr().err == (
        f"warning: MLflow at {tracking.store_uri(tmp_path)} does not have all that was logged "
        "(torchvision and torch do not match); it is kept, and make sync brings it there\n"
    )


def test_without_git_runs_carry_no_commit_and_go_on(store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch):
    Path(".git").mkdir()
    tracking.project_tags.cache_clear()
    monkeypatch.setenv("PATH", "")
    with tracking.stage_run("split", {}, Tracking(experiment="trial")) as run:
        pass
    tracking.project_tags.cache_clear()
    assert "git_commit" not in store.get_run(run.id).data.tags


def test_a_deleted_experiment_is_named_with_the_way_back(store: mlflow.MlflowClient, capfd: pytest.CaptureFixture):
    gone = store.create_experiment("gone")
    store.delete_experiment(gone)
    with tracking.stage_run("split", {}, Tracking(experiment="gone")):
        pass
    assert (
        f"experiment 'gone' is deleted; restore it with: mlflow experiments restore --experiment-id {gone}"
        in capfd.readouterr().err
    )


def test_all_runs_below_a_parent_are_tagged(store: mlflow.MlflowClient):
    with tracking.parent_run("all", {}, Tracking(experiment="trial")) as parent:
        with tracking.stage_run("split", {}, Tracking(experiment="trial")) as child:
            pass
        parent.tag_children({"dvc_lock": "abc"})
        assert [run.info.run_id for run in parent.find([child.ref])] == [child.id]
        assert not parent.find([child.ref, tracking.Ref("0" * 32, None)])
    assert [store.get_run(run.id).data.tags["dvc_lock"] for run in (parent, child)] == ["abc", "abc"]


def test_a_nested_run_takes_what_is_logged_until_it_ends(store: mlflow.MlflowClient):
    rows, labels = np.zeros((2, 3), np.float32), np.zeros(2, np.int64)
    with tracking.parent_run("all", {}, Tracking(experiment="trial")) as parent:
        with tracking.stage_run("train@torch", {}, Tracking(experiment="trial")) as stage:
            with tracking.child_run(stage, "train@torch seed 1", {"stage": "train"}) as nested:
                nested.log_dataset(rows, labels, "toy", "train")
                nested.log_metrics({"loss": 1.0})
                nested.log_model(save_model, rows, 1, ["numpy"])
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
    with tracking.stage_run("train@torch", {}, Tracking(experiment="trial")) as stage:
        with contextlib.suppress(ValueError), tracking.child_run(stage, "train@torch seed 1", {}) as nested:
            raise ValueError
        stage.log_metrics({"loss": 2.0})
    assert [store.get_run(run.id).info.status for run in (nested, stage)] == ["FAILED", "FINISHED"]
    assert store.get_run(stage.id).data.metrics["loss"] == 2.0


def test_a_model_that_cannot_be_saved_costs_the_model_alone(store: mlflow.MlflowClient, capfd: pytest.CaptureFixture):
    def broken(**_: object) -> None:
        raise ValueError("no such operator\nand more")

    with tracking.stage_run("train@torch", {}, Tracking()) as run:
        run.log_model(broken, np.zeros((2, 3), np.float32), 1, ["numpy"])
        run.log_artifacts(Path("absent.txt"))
        run.log_params({"epochs": 3})
    assert run.model_id is None
    assert store.get_run(run.id).data.params == {"epochs": "3"}
    assert capfd.readouterr().err == (
        "warning: the model was not logged, outputs are kept: no such operator\n"
        "warning: absent.txt is not there, and was not logged\n"
    )


def test_what_the_store_refuses_costs_nothing_else(store: mlflow.MlflowClient, capfd: pytest.CaptureFixture):
    with tracking.stage_run("train@torch", {}, Tracking()) as run:
        run.log_params({"epochs": 3})
        run.log_params({"epochs": 4})
        run.log_metrics({"loss": 1.0})
    found = store.get_run(run.id)
    assert (found.data.params, found.data.metrics["loss"], found.info.status) == ({"epochs": "3"}, 1.0, "FINISHED")
    assert found.data.tags["incomplete"] == "true"
    assert "Changing param values is not allowed" in capfd.readouterr().err


def test_a_server_that_is_away_gets_all_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        use_store(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}")
    picture = tmp_path / "roc.png"
    picture.write_bytes(b"png")
    with tracking.parent_run("all", {"stage": "run"}, Tracking()) as parent:
        with tracking.stage_run("train@torch", {"stage": "train"}, Tracking()) as trained:
            trained.log_metrics({"loss": 1.0}, step=1)
            trained.log_model(save_model, np.zeros((2, 3), np.float32), 1, ["numpy"])
        with tracking.stage_run("evaluate@torch", {}, Tracking()) as run:
            tracking.add_to_run(run, trained.ref, {"eval_acc": 0.9}, [picture], None)
            run.refer("train_run_id", trained.ref)
        parent.tag_children({"dvc_lock": "abc"})
        picture.unlink()
        parent.status = "FAILED"
    assert [run.id for run in (parent, trained, run)] == [None, None, None]
    monkeypatch.setattr(Owner, "is_dead", lambda _: True)  # as after the end of this process
    use_store(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    assert tracking.synchronize() == (4, 0, [])
    assert tracking.journal_keys() == set()
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    found = {run.info.run_name: run for run in client.search_runs(["0"])}
    assert {name: run.info.status for name, run in found.items()} == {
        "all": "FAILED",
        "train@torch": "FINISHED",
        "evaluate@torch": "FINISHED",
    }
    train = found["train@torch"]
    assert train.data.metrics.items() >= {("loss", 1.0), ("eval_acc", 0.9)}
    assert [file.path for file in client.list_artifacts(train.info.run_id)] == ["roc.png"]
    assert found["evaluate@torch"].data.tags["train_run_id"] == train.info.run_id
    assert {run.data.tags["dvc_lock"] for run in found.values()} == {"abc"}
    assert {found[name].data.tags["mlflow.parentRunId"] for name in ("train@torch", "evaluate@torch")} == {
        found["all"].info.run_id
    }
    (model,) = client.search_logged_models(["0"])
    assert (model.status, model.source_run_id) == ("READY", train.info.run_id)
    assert ("eval_acc", 0.9) in [(metric.key, metric.value) for metric in model.metrics]
    assert mlflow.pyfunc.load_model(model.model_uri).predict(np.ones((2, 3), np.float32)).sum() == 6
    assert not [run for run in found.values() if "incomplete" in run.data.tags]


def test_a_run_that_is_interrupted_as_it_begins_is_closed(store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch):
    answered = Courier.wait_for

    def interrupted(courier: Courier, journal: Journal, number: int) -> None:
        answered(courier, journal, number)
        raise KeyboardInterrupt

    monkeypatch.setattr(Courier, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt), tracking.stage_run("train@torch", {}, Tracking()):
        pass
    (run,) = store.search_runs(["0"])
    assert (run.info.status, "incomplete" in run.data.tags) == ("KILLED", False)
    assert tracking.journal_keys() == set()


def test_a_stage_that_is_killed_is_closed_by_its_command(store: mlflow.MlflowClient, tmp_path: Path):
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    with contextlib.suppress(KeyboardInterrupt), tracking.parent_run("all", {}, Tracking()):
        subprocess.run([sys.executable, "-c", KILLED], env={**os.environ, **environment}, check=False, cwd=tmp_path)
        raise KeyboardInterrupt
    assert {run.info.run_name: run.info.status for run in store.search_runs(["0"])} == {
        "all": "KILLED",
        "train@torch": "KILLED",
    }


@pytest.mark.slow
def test_a_run_whose_process_was_killed_is_closed_by_the_next_command(store: mlflow.MlflowClient, tmp_path: Path):
    source = Path(__file__).parents[2] / "src"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env={**os.environ, "PYTHONPATH": str(source)}, check=False, cwd=tmp_path
    )
    assert killed.returncode == -9
    (journal,) = tracking.journal_keys()
    with tracking.parent_run("next", {}, Tracking()):
        pass
    runs = {run.info.run_name: run for run in store.search_runs(["0"])}
    assert {name: run.info.status for name, run in runs.items()} == {"train@torch": "KILLED", "next": "FINISHED"}
    assert runs["train@torch"].data.metrics["loss"] == 1.0
    assert runs["train@torch"].data.tags["journal"] == journal


def test_a_run_that_is_open_elsewhere_with_no_journal_here_is_closed_if_its_process_is_dead(store: mlflow.MlflowClient):
    host = Owner.here().host
    dead = store.create_run("0", tags={"process": f"{host} 999999:1.0"}, run_name="dead").info.run_id
    alive = store.create_run("0", tags={"process": str(Owner.here())}, run_name="alive").info.run_id
    far = store.create_run("0", tags={"process": "another-machine 999999:1.0"}, run_name="far").info.run_id
    half = store.create_logged_model("0", "model", tags={"process": f"{host} 999999:1.0"}).model_id
    with tracking.parent_run("next", {}, Tracking()):
        pass
    assert tracking.synchronize() == (0, 0, [])
    assert [store.get_run(run_id).info.status for run_id in (dead, alive, far)] == ["KILLED", "RUNNING", "RUNNING"]
    with pytest.raises(mlflow.MlflowException):
        store.get_logged_model(half)


@pytest.mark.slow
def test_a_run_that_the_store_has_lost_is_made_again_and_names_the_lost_one(
    store: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with tracking.stage_run("train@torch", {}, Tracking()) as run:
        run.log_metrics({"loss": 1.0})
        kept = tmp_path / "kept"
        shutil.copytree(run.journal.folder, kept)
    journal = Journal.load(kept)
    journal.folder = kept.rename(tracking.journals_folder() / kept.name)
    use_store(monkeypatch, f"sqlite:///{tmp_path}/other.db")
    monkeypatch.setattr(Owner, "is_dead", lambda _: True)
    assert tracking.synchronize() == (1, 0, [])
    (found,) = mlflow.MlflowClient(f"sqlite:///{tmp_path}/other.db").search_runs(["0"])
    assert found.data.tags["instead_of"] == run.id
    assert (found.data.metrics["loss"], found.info.status) == (1.0, "KILLED")


def test_a_journal_without_a_line_is_removed_when_nobody_can_be_beginning_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(tracking.FOLDER, str(tmp_path))
    old, new, begun = tmp_path / "1", tmp_path / "2", Journal.begin("create").folder
    for folder in (old / "files", new):
        folder.mkdir(parents=True)
    for folder in (old, begun):
        os.utime(folder, (time.time() - 3600,) * 2)
    remove_empty()
    assert [folder.exists() for folder in (old, new, begun)] == [False, True, True]


def test_a_journal_that_cannot_be_begun_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(tracking.FOLDER, str(tmp_path))

    def is_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", is_full)
    with pytest.raises(OSError, match="No space"):
        Journal.begin("create")
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_cut_off_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    journal = Journal.begin("create", name="a")
    journal.append("params", params={"text": "line\u2028separator"})
    with (journal.folder / "calls.jsonl").open("a") as file:
        file.write('{"call": "metr')
    found = Journal.load(journal.folder)
    assert [call["call"] for call in found.calls] == ["create", "params"]
    assert found.append("end", status=None) == 2
    assert [call["call"] for call in Journal.load(journal.folder).calls] == ["create", "params", "end"]
