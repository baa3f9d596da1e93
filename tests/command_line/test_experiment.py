import importlib.util

import pytest

from twintrain.command_line.experiment import read_experiment
from twintrain.settings.overrides import CURRENT
from twintrain.settings.yaml_files import plain, read_yaml


@pytest.mark.parametrize("preset", CURRENT)
def test_without_a_preset_params_stay_as_they_are(preset, project):
    content, params = read_experiment(preset, [])
    assert plain(content) == plain(read_yaml(project / "params.yaml"))
    assert (params.dataset, params.model, params.model_name) == ("mnist5k", "conf/models/cnn.yaml", "cnn")


def test_preset_and_overrides_are_applied_in_memory_alone(project):
    before = (project / "params.yaml").read_text()
    content, params = read_experiment("car", ["--train.epochs", "3", "--model", "car_embedding_tuned"])
    assert (params.dataset, params.train.epochs, params.model_name) == ("car", 3, "car_embedding_tuned")
    assert content["model"] == "conf/models/car_embedding_tuned.yaml"
    assert (project / "params.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "cnnn"], "unknown model 'cnnn'; did you mean 'cnn'?"),
        (["--model", "mine.py"], "params.yaml: model: there is no file mine.py"),
        (
            ["--train.loss.name", "binary_cross_entropy"],
            "train.loss.name: the task of mnist5k is multiclass; expected cross_entropy, focal, "
            "kl_divergence, hinge, mse, mae, huber or cosine, got binary_cross_entropy",
        ),
        (
            ["--model", "car_embedding"],
            "conf/models/car_embedding.yaml layer 1 (embedding) does not fit mnist5k: expected category codes as "
            "input; it goes first, on a table with preprocess.categorical: codes",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(arguments, message, project, error_of):
    assert error_of(read_experiment, "current", arguments) == message


def test_keras_on_jax_asks_for_jax(project, monkeypatch, error_of):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert error_of(read_experiment, "current", ["--frameworks", "[torch, keras-jax]"]) == (
        "keras-jax needs JAX, which is not installed; type: python -m pip install -r requirements-jax.txt"
    )
