"""The comparison of two stores: it finds whatever one has and the other lacks."""

import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest
from own_store import use_store
from store_snapshot import difference, later_than, snapshot, unfinished

Change = Callable[[mlflow.MlflowClient, dict[str, str]], object]


def log_experiment(client: mlflow.MlflowClient, name: str, folder: Path) -> dict[str, str]:
    """Logs a bit of everything; returns the ids."""
    experiment = client.create_experiment(name, f"file://{folder}/artifacts")
    parent = client.create_run(experiment, run_name="all").info.run_id
    run = client.create_run(experiment, run_name="train", tags={"mlflow.parentRunId": parent}).info.run_id
    client.log_param(run, "epochs", 2)
    for step, loss in enumerate((0.5, 0.25)):
        client.log_metric(run, "loss", loss, step=step)
    client.log_metric(run, "train_seconds", time.time())
    client.log_metric(run, "system/load", time.time())
    client.set_tag(run, "framework", "torch")
    client.log_text(run, f'{{"run_id": "{run}", "seconds": {time.time()}, "acc": 0.5}}', "metrics.json")
    data = mlflow.data.from_numpy(np.zeros((2, 2)), name="rows")
    dataset = mlflow.entities.DatasetInput(
        data._to_mlflow_entity(), [mlflow.entities.InputTag("mlflow.data.context", "train")]
    )
    client.log_inputs(run, [dataset])
    model = client.create_logged_model(experiment, "model", run, params={"units": "3"}).model_id
    client.finalize_logged_model(model, "READY")
    client.log_outputs(run, [mlflow.entities.LoggedModelOutput(model, 0)])
    registered = f"registered-{name}"
    client.create_registered_model(registered)
    version = client.create_model_version(registered, f"models:/{model}", run, {"seed": "0"}, model_id=model)
    client.set_registered_model_alias(registered, "champion", version.version)
    for each in (run, parent):
        client.set_terminated(each)
    return {"experiment": experiment, "parent": parent, "run": run, "model": model, "registered": registered}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory):
    """Makes a store with the experiment in it; the first is made once and copied, for a fresh one takes seconds."""
    folder = tmp_path_factory.mktemp("stores")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        use_store(patch, f"sqlite:///{folder}/empty.db")
        mlflow.MlflowClient(f"sqlite:///{folder}/empty.db").search_experiments()
        made = iter(range(99))

        def make() -> tuple[str, mlflow.MlflowClient, dict[str, str]]:
            own = folder / f"{next(made)}"
            own.mkdir()
            (own / "mlflow.db").write_bytes((folder / "empty.db").read_bytes())
            address = f"sqlite:///{own}/mlflow.db"
            use_store(patch, address)
            mlflow.set_tracking_uri(address)  # which goes before the environment, and a test before may have set it
            client = mlflow.MlflowClient(address)
            return address, client, log_experiment(client, "it", own)

        yield make


@pytest.fixture(scope="module")
def expected(stores):
    return snapshot(stores()[0])


def test_two_equal_experiments_compare_equal(stores, expected):
    address, *_ = stores()
    found = snapshot(address)
    assert difference(expected, found) == []
    assert unfinished(found) == []
    assert found["runs"]["all > train"]["metrics"]["loss"] == [(0, 0.5, ""), (1, 0.25, "")]
    assert found["models"]["all > train/model"]["params"] == {"units": "3"}
    assert found["registered"]["registered-it"]["versions"]["1"]["source"] == "models:/all > train/model"


def duplicated(client: mlflow.MlflowClient, ids: dict[str, str]) -> None:
    tags = {"mlflow.parentRunId": ids["parent"]}
    client.set_terminated(client.create_run(ids["experiment"], run_name="train", tags=tags).info.run_id)


PLANTED: dict[str, tuple[Change, list[str]]] = {
    "a metric more": (
        lambda client, ids: client.log_metric(ids["run"], "accuracy", 1),
        ["too much: runs/all > train/metrics/accuracy ([(0, 1.0, '')])"],
    ),
    "a metric twice": (
        lambda client, ids: client.log_metric(ids["run"], "loss", 0.25, step=1, timestamp=5),
        [
            "runs/all > train/metrics/loss: expected [(0, 0.5, ''), (1, 0.25, '')], "
            "got [(0, 0.5, ''), (1, 0.25, ''), (1, 0.25, '')]"
        ],
    ),
    "a tag less": (
        lambda client, ids: client.delete_tag(ids["run"], "framework"),
        ["missing: runs/all > train/tags/framework"],
    ),
    "other bytes": (
        lambda client, ids: client.log_text(ids["run"], '{"acc": 0.75, "run_id": "", "seconds": 1}', "metrics.json"),
        ["runs/all > train/artifacts/metrics.json: expected '"],
    ),
    "a run twice": (duplicated, ["too much: runs/all > train #2"]),
    "an open run": (
        lambda client, ids: client.update_run(ids["run"], "RUNNING"),
        ["runs/all > train/status: expected 'FINISHED', got 'RUNNING'"],
    ),
    "a pending model": (
        lambda client, ids: client.create_logged_model(ids["experiment"], "model", ids["run"]),
        ["too much: models/all > train/model #2"],
    ),
    "no parent": (
        lambda client, ids: client.delete_run(ids["parent"]),
        ["missing: runs/all", "missing: runs/all > train"],
    ),
    "no champion": (
        lambda client, ids: client.delete_registered_model_alias(ids["registered"], "champion"),
        ["missing: registered/registered-it/aliases/champion"],
    ),
    "another version": (
        lambda client, ids: client.create_model_version(ids["registered"], f"models:/{ids['model']}", ids["run"]),
        ["too much: registered/registered-it/versions/2"],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_difference_is_named(stores, expected, name: str):
    change, lines = PLANTED[name]
    address, client, ids = stores()
    change(client, ids)
    found = difference(expected, snapshot(address))
    for line in lines:
        assert any(each.startswith(line) for each in found), found
    assert name == "no parent" or len(found) == len(lines)


def test_what_is_open_is_named(stores):
    address, client, ids = stores()
    client.update_run(ids["run"], "RUNNING")
    client.create_logged_model(ids["experiment"], "model", ids["run"])
    open_run, pending = unfinished(snapshot(address))
    assert open_run == "all > train is RUNNING"
    assert pending == "all > train/model #2 is PENDING"


def test_times_of_a_replay_are_named(stores):
    address, client, ids = stores()
    end = time.time() + 1
    assert later_than(address, end) == []
    client.log_metric(ids["run"], "late", 1, timestamp=int(1000 * (end + 7)))
    assert later_than(address, end) == ["train: later by metric late 7.0 s"]


def test_a_file_of_a_run_that_is_there_twice_is_the_same_file(stores):
    address, client, ids = stores()
    again = client.create_run(ids["experiment"], run_name="train", tags={"mlflow.parentRunId": ids["parent"]})
    for run in (ids["run"], again.info.run_id):
        client.log_text(run, f"run_id: {run}\nmodel_uuid: its own\n", "model/MLmodel")
    first, second = (snapshot(address)["runs"][f"all > train{end}"]["artifacts"] for end in ("", " #2"))
    assert first["model/MLmodel"] == second["model/MLmodel"]
