"""A copied store says field by field what the first one says; twice, after a failure, and beside what is there."""

import contextlib
import json
import math
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric
from own_store import use_store
from store_fields import fields, files, places

from twintrain.tracking.journal import Journal
from twintrain.tracking.store_copy.copying import copy_store
from twintrain.tracking.store_copy.registry_rows import RegistryRows
from twintrain.tracking.store_copy.team_store import TeamStore, check_addresses

NAME, VERSIONS = "car-mlp", "mlflow.modelVersions"


class Store(NamedTuple):
    """A store in a folder of its own: mlflow.db, mlruns/."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "mlflow.db"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.database}")

    def execute(self, statement: str) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(statement).fetchall()


class Team(Store):
    """A store whose server hands out artifacts, which it keeps in artifacts/."""

    @property
    def store(self) -> TeamStore:
        return TeamStore(f"sqlite:///{self.database}", str(self.folder / "artifacts"))

    def take(self, store: Store):
        return copy_store(store.database, self.store)

    @property
    def everything(self):
        tables = [name for (name,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, self.execute(f'SELECT * FROM "{name}"'))) for name in tables}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A fresh store: to make one takes seconds."""
    folder = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        use_store(patch, f"sqlite:///{folder}/mlflow.db")
        MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def make(empty, tmp_path):
    """Makes a store of one machine with a bit of everything, in experiments of names."""

    def make_it(name, *experiments):
        store = Store(tmp_path / name)
        store.folder.mkdir()
        shutil.copy(empty, store.database)
        store.execute(f"UPDATE experiments SET artifact_location = '{store.folder}/mlruns/0'")
        for experiment in experiments:
            fill(store, experiment)
        return store

    return make_it


@pytest.fixture(scope="module")
def made(empty, tmp_path_factory):
    """The folder of a store of one machine, which does not lie where its rows say."""
    store = Store(tmp_path_factory.mktemp("made") / "first")
    store.folder.mkdir()
    shutil.copy(empty, store.database)
    fill(store, "cars")
    return store.folder.rename(store.folder.with_name("moved"))


@pytest.fixture
def laptop(made, tmp_path):
    return Store(shutil.copytree(made, tmp_path / "laptop"))


@pytest.fixture
def team(empty, tmp_path):
    found = Team(tmp_path / "team")
    (found.folder / "artifacts").mkdir(parents=True)
    shutil.copy(empty, found.database)
    found.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/0'")
    return found


def fill(store, experiment):
    mlflow.set_tracking_uri(f"sqlite:///{store.database}")  # which making a version looks at, whatever the client's is
    client = store.client
    found = client.get_experiment_by_name(experiment)
    number = found.experiment_id if found else client.create_experiment(experiment, tags={"of": experiment})
    if not found:
        store.execute(
            f"UPDATE experiments SET artifact_location = '{store.folder}/mlruns/{number}' WHERE name = '{experiment}'"
        )
    parent = client.create_run(number, run_name="all").info.run_id
    run = client.create_run(number, run_name="train", tags={"mlflow.parentRunId": parent}).info.run_id
    client.log_param(run, "epochs", 2)
    for step, loss in enumerate((0.5, math.nan, math.inf, -0.1)):
        client.log_metric(run, "loss", loss, step=step)
    source = json.dumps({"tags": {"git_commit": "1"}})
    data = Dataset("car", "digest", "code", source, schema="{}", profile="{}")
    client.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    client.log_text(run, "bits", "curves/loss.txt")
    model = client.create_logged_model(number, "scorer", run, {"framework": "torch"}, {"units": "3"}).model_id
    client.log_outputs(run, [LoggedModelOutput(model, 0)])
    measured = Metric("acc", 0.9, 7, 1, model, dataset_name="car", dataset_digest="digest", run_id=run)
    client.log_batch(run, metrics=[measured])
    folder = store.folder / "model"
    folder.mkdir(exist_ok=True)
    (folder / "MLmodel").write_text(f"model_id: {model}\n")
    client.log_model_artifacts(model, str(folder))
    client.finalize_logged_model(model, "READY")
    with contextlib.suppress(mlflow.MlflowException):
        client.create_registered_model(NAME, {"of": "cars"}, "cars")
    version = client.create_model_version(NAME, f"models:/{model}", run, {"seed": "0"}, model_id=model).version
    client.set_registered_model_alias(NAME, "champion", version)
    listed = json.dumps([{"name": NAME, "version": version}])
    client.set_logged_model_tags(model, {VERSIONS: listed})
    for each in (run, parent):
        client.set_terminated(each)
    client.delete_run(parent)


def test_all_comes_along_field_by_field_with_its_bytes(make, team):
    laptop = make("laptop", "cars", "Default")
    copied = team.take(laptop)
    expected = fields(laptop.client)
    assert fields(team.client) == expected
    assert [len(found) for found in expected.values()] == [1, 4, 2, 1]
    assert expected["registered"][NAME]["aliases"] == {"champion": 2}
    assert files(team.folder / "artifacts") == files(laptop.folder / "mlruns")
    assert (copied.runs, copied.models, copied.known_runs) == (4, 2, 0)
    assert copied.versions == {NAME: [(1, 1), (2, 2)]}
    assert {place.partition("/")[0] for place in places(team.client)} == {"mlflow-artifacts:"}


def test_the_local_store_is_only_read(laptop, team):
    before = laptop.database.read_bytes()
    team.take(laptop)
    assert laptop.database.read_bytes() == before
    assert sorted(path.name for path in laptop.folder.iterdir()) == ["mlflow.db", "mlruns", "model"]


@pytest.mark.slow
def test_a_second_time_brings_what_is_new_alone(laptop, team):
    team.take(laptop)
    before = team.everything
    assert team.take(laptop)[:4] == (0, 0, 2, {})
    assert team.everything == before
    fill(laptop, "cars")
    copied = team.take(laptop)
    assert copied[:4] == (2, 1, 2, {NAME: [(2, 2)]})
    found, expected = fields(team.client), fields(laptop.client)
    for kind in ("runs", "models"):
        assert found[kind] == expected[kind]
    assert found["registered"][NAME]["versions"] == expected["registered"][NAME]["versions"]
    assert found["registered"][NAME]["aliases"] == {"champion": 1}


def test_cut_short_it_leaves_no_row_and_the_same_command_ends_as_if_it_had_not_been(laptop, team, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(RegistryRows, "insert", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            team.take(laptop)
    assert [len(found) for found in fields(team.client).values()] == [1, 0, 0, 0]
    team.take(laptop)
    assert fields(team.client) == fields(laptop.client)


@pytest.mark.slow
def test_a_second_laptop_is_joined_by_names_and_its_versions_come_after(make, team):
    first, second = make("first", "cars"), make("second", "trucks", "cars", "cars")
    team.take(first)
    copied = team.take(second)
    found, (one, two) = fields(team.client), (fields(store.client) for store in (first, second))
    assert found["runs"] == one["runs"] | two["runs"]
    assert copied.versions == {NAME: [(1, 2), (2, 3), (3, 4)]}
    assert copied.new_models == set()
    registered = found["registered"][NAME]
    assert registered["aliases"] == {"champion": 1}
    sources = [one["registered"][NAME]["versions"][1], *(two["registered"][NAME]["versions"][k] for k in (1, 2, 3))]
    assert [registered["versions"][k]["source"] for k in (1, 2, 3, 4)] == [each["source"] for each in sources]
    # Only the numbers in the tags of the second one's models are others.
    listed = {model: each["tags"].pop("mlflow.modelVersions") for model, each in found["models"].items()}
    assert [json.loads(listed[each["source"].removeprefix("models:/")])[0]["version"] for each in sources] == [
        1,
        2,
        3,
        4,
    ]
    for each in (one, two):
        for model in each["models"].values():
            del model["tags"][VERSIONS]
    assert found["models"] == one["models"] | two["models"]
    assert files(team.folder / "artifacts") == files(first.folder / "mlruns") | files(second.folder / "mlruns")
    assert team.take(second)[:4] == (0, 0, 6, {})


def test_artifacts_are_found_beside_the_database_where_the_project_was_moved(laptop, team):
    team.take(laptop)
    assert files(team.folder / "artifacts") == files(laptop.folder / "mlruns")
    assert len(files(team.folder / "artifacts")) == 2


def test_what_the_project_does_not_write_is_left_out_and_said(laptop, team):
    laptop.execute("INSERT INTO webhooks (webhook_id, name, url) VALUES ('1', 'mine', 'https://example.org')")
    assert team.take(laptop).left_out == {"webhooks": 1}


def newer(store):
    store.execute("UPDATE alembic_version SET version_num = 'abc'")


def without_tables(store):
    store.database.unlink()
    store.execute("CREATE TABLE mine (a INTEGER)")


def no_database(store):
    store.database.write_text("no database")


def damaged(store):
    content = bytearray(store.database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    store.database.write_bytes(content)


def without_models(store):
    shutil.rmtree(store.folder / "mlruns")


def on_s3(store):
    store.execute("UPDATE logged_models SET artifact_location = 's3://bucket/models'")


def waiting(store):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(store.folder)
        use_store(patch, "sqlite:///mlflow.db")
        Journal.begin("create", name="it", tags={}, parent=None, experiment="cars").release()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda store: store.database.unlink(), "mlflow.db is missing; expected the mlflow.db of a project"),
        (without_tables, "mlflow.db has no tables of MLflow's; expected"),
        (no_database, "mlflow.db is no database, or damaged"),
        (damaged, "mlflow.db cannot be read (database disk image is malformed); expected"),
        (newer, "mlflow.db is of another version of MLflow (abc) than the server's database ("),
        (lambda store: store.client.create_run("0", run_name="it"), " (it) is being written; wait for its end; if it "),
        (waiting, "1 runs are not whole in {}/mlflow.db yet; type: cd {} && MLFLOW_TRACKING_URI=sqlite:///mlflow.db "),
        (without_models, "/artifacts: the artifacts of model m-"),
        (on_s3, "mlflow.db: artifacts are at s3://bucket/models; expected them in folders of this machine"),
    ],
)
def test_what_cannot_be_copied_is_refused_in_a_line(change, line, laptop, team, error_of):
    before = team.everything
    change(laptop)
    said = error_of(team.take, laptop)
    assert line.format(laptop.folder, laptop.folder) in said
    assert len(said.splitlines()) == 1
    assert team.everything == before


def test_an_experiment_that_is_deleted_there_is_refused(laptop, team, error_of):
    team.client.delete_experiment(team.client.create_experiment("cars"))
    assert error_of(team.take, laptop) == (
        "the server's experiment 'cars' is deleted; restore it: mlflow experiments restore --experiment-id 1"
    )


def test_a_server_that_does_not_hand_out_artifacts_is_refused(laptop, team, error_of):
    team.execute("UPDATE experiments SET artifact_location = 's3://bucket/0'")
    assert error_of(team.take, laptop).startswith(
        "the server's experiment 'Default' keeps artifacts at s3://bucket/0; expected mlflow-artifacts:/"
    )


def test_what_the_database_does_not_take_is_a_line(laptop, team, error_of):
    team.execute("CREATE TRIGGER full BEFORE INSERT ON params BEGIN SELECT RAISE(FAIL, 'not now'); END")
    assert error_of(team.take, laptop).startswith(f"--database sqlite:///{team.database}: ")
    assert fields(team.client)["runs"] == {}


@pytest.mark.parametrize(
    ("database", "artifacts", "line"),
    [
        ("mysql://me:secret@db/s", "s3://b", "--database mysql://…@db/s: expected postgresql+psycopg://USER@HOST/"),
        ("sqlite:///nowhere.db", "s3://b", "--database sqlite:///nowhere.db: the file is missing"),
        ("postgresql+psycopg://db/s", "gs://b", "--artifacts gs://b: expected s3://BUCKET or a folder"),
        ("postgresql+psycopg://db/s", "s3://", "--artifacts s3://: expected s3://BUCKET or a folder"),
    ],
)
def test_another_form_of_an_address_is_refused(database, artifacts, line, error_of):
    said = error_of(check_addresses, database, artifacts)
    assert said.startswith(line)
    assert "secret" not in said


def test_a_database_that_is_not_there_is_refused(laptop, error_of):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    away = TeamStore("postgresql+psycopg://me:secret@127.0.0.1:9/mlflow", "folder")
    said = error_of(copy_store, laptop.database, away)
    assert said.startswith("--database postgresql+psycopg://…@127.0.0.1:9/mlflow: connection ")
    assert "secret" not in said
