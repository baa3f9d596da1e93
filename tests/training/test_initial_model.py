"""`train.initial_model`: from names in MLflow to arrays."""

import hashlib
from pathlib import Path

import mlflow
import numpy as np
import pytest

from twintrain import tracking
from twintrain.settings.params import Tracking, check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.training.initial_model import hand_on, handed_on, load_initial, without_alias
from twintrain.training.transfer import FILE_NAME, Trained

ARRAYS = {"dense_0/kernel": np.arange(6.0).reshape(2, 3), "dense_0/bias": np.zeros(3)}


@pytest.fixture(scope="module")
def store(store_folder):
    """A store with a run that has trained a model, of two versions, and a run that has not."""
    Trained(ARRAYS, ["a", "b", "c"]).save(store_folder / FILE_NAME)
    ids = {"folder": store_folder}
    with tracking.stage_run("train@torch", {"stage": "train"}, Tracking()) as run:
        run.log_artifacts(store_folder / FILE_NAME)
        ids["model"] = mlflow.create_external_model(name="model", source_run_id=run.id).model_id
        ids["run"] = run.id
    with tracking.stage_run("evaluate@torch", {"stage": "evaluate"}, Tracking()) as run:
        ids["other"] = run.id
    client = mlflow.MlflowClient()
    client.create_registered_model("digits")
    for run_id in (ids["run"], ids["other"]):
        client.create_model_version("digits", source=f"models:/{ids['model']}", run_id=run_id)
    client.set_registered_model_alias("digits", "champion", "1")
    return ids


@pytest.fixture
def params(store, project, monkeypatch):
    """Parameters with an initial model."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store['folder']}/mlflow.db")
    content = read_yaml(Path("params.yaml"))

    def with_initial(source):
        return check_params(changed_params(content, None, {"train.initial_model": source}), "params.yaml")

    return with_initial


@pytest.mark.parametrize("source", ["runs:/{run}", "models:/{model}", "models:/digits/1", "models:/digits@champion"])
def test_every_name_of_a_model_leads_to_the_arrays_of_its_training(params, store, source):
    found = load_initial(params(source.format(**store)))
    assert found.outputs == ["a", "b", "c"]
    assert all(np.array_equal(found.arrays[name], array) for name, array in ARRAYS.items())


def test_none_is_none(params):
    assert load_initial(params(None)) is None


def test_an_alias_becomes_the_version_that_it_names_now(params, store):
    assert without_alias("models:/digits@champion", params(None)) == "models:/digits/1"
    assert without_alias("models:/digits/2", params(None)) == "models:/digits/2"


def test_a_file_is_named_with_its_sha256_and_is_no_other_later(params, tmp_path, error_of):
    path = tmp_path / "own.npz"
    np.savez(path, **ARRAYS)
    named = without_alias(str(path), params(None))
    assert named == f"{path}@{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    assert without_alias(named, params(None)) == named
    for source in (str(path), named):
        assert np.array_equal(load_initial(params(source)).arrays["dense_0/kernel"], ARRAYS["dense_0/kernel"])
    path.write_bytes(b"another")
    assert without_alias(named, params(None)) == named  # not the other file, in silence
    assert error_of(load_initial, params(named)).startswith(
        f"train.initial_model: {path} is another file by now: expected sha256 {named.rpartition('@')[2]}…, got "
    )
    assert error_of(load_initial, params(str(path))).startswith(
        f"train.initial_model: {path}: expected a NumPy archive, got"
    )


def test_arrays_are_handed_on_to_processes_that_know_no_mlflow(params, store, tmp_path):
    hand_on(params(None), tmp_path)
    assert handed_on(tmp_path) is None
    hand_on(params(f"runs:/{store['run']}"), tmp_path)
    assert np.array_equal(handed_on(tmp_path).arrays["dense_0/kernel"], ARRAYS["dense_0/kernel"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "digits",
            "train.initial_model: expected models:/NAME@alias, models:/NAME/3, models:/m-… (a model's id), "
            "runs:/RUN_ID or a file, .npz, .pt, .pth, .h5, .keras, got 'digits'",
        ),
        ("none.pth", "train.initial_model: none.pth cannot be read: No such file or directory"),
        (
            "../my.models/none.npz@0123456789abcdef",
            "train.initial_model: ../my.models/none.npz cannot be read: No such",
        ),
        ("runs:/abc", "train.initial_model: runs:/abc is not in MLflow's store: "),
        ("models:/m-abc", "train.initial_model: models:/m-abc is not in MLflow's store: "),
        ("models:/digits/7", "train.initial_model: models:/digits/7 is not in MLflow's store: "),
        ("models:/digits@best", "train.initial_model: models:/digits@best is not in MLflow's store: "),
        ("models:/letters@best", "train.initial_model: models:/letters@best is not in MLflow's store: "),
    ],
)
def test_names_of_nothing_are_refused(params, error_of, source, message):
    said = error_of(load_initial, params(source))
    assert said.startswith(message)
    assert "\n" not in said


def test_a_run_that_has_trained_nothing_is_refused(params, store, error_of):
    assert error_of(load_initial, params("models:/digits/2")) == (
        f"train.initial_model: the run of models:/digits/2, {store['other']}, has no weights.npz; expected a model "
        "that this project has trained: train it again"
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rest", b"\x80\x04K\x01."])
def test_damaged_arrays_are_one_line_that_names_the_model(params, store, content, error_of, tmp_path):
    damaged = tmp_path / FILE_NAME
    damaged.write_bytes(content)
    with tracking.stage_run("train@keras", {"stage": "train"}, Tracking()) as run:
        run.log_artifacts(damaged)
    said = error_of(load_initial, params(f"runs:/{run.id}"))
    assert said.startswith(
        f"train.initial_model: {FILE_NAME} of runs:/{run.id} is damaged: expected a NumPy archive, got"
    )
    assert said.endswith("; train it again, or take another model")
