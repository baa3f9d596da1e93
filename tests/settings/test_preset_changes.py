"""What an experiment has changed of its preset: the title by which people know it again."""

from pathlib import Path

import pytest

from twintrain.settings.preset_changes import NAMED, preset_changes, short_name
from twintrain.settings.presets import changed_params, parameter_names
from twintrain.settings.yaml_files import read_yaml


@pytest.fixture
def changes(project):
    """What is found of the shipped params.yaml with a preset and overrides; `given` is the preset that is named."""

    def find(preset, overrides=(), given=None):
        return preset_changes(changed_params(read_yaml(Path("params.yaml")), preset, dict(overrides)), given)

    return find


@pytest.mark.parametrize(
    ("preset", "overrides", "title"),
    [
        (None, {}, "mnist5k"),
        ("car", {}, "car"),
        ("car", {"train.epochs": 20, "train.optimizer.learning_rate": 0.01}, "car · epochs 20 · lr 0.01"),
        ("car", {"train.optimizer.learning_rate": 0.01, "train.epochs": 20}, "car · epochs 20 · lr 0.01"),
        ("car", {"train.seed": 1}, "car · train.seed 1"),
        ("car", {"train.seeds": [0, 1]}, "car · seeds 0,1"),
        ("car", {"mode": "native", "frameworks": ["torch"]}, "car · mode native · frameworks torch"),
        ("car", {"model": "nets/my_twin.py"}, "car · model my_twin"),
        ("car", {"train.deterministic": False, "train.early_stopping.patience": 3},
         "car · early_stopping.patience 3 · deterministic false"),
        ("car", {"train.optimizer.name": "sgd"}, "car · optimizer sgd"),
        ("car_tuned", {"train.restore_best_weights": False}, "car_tuned · restore_best_weights false"),
        ("optimizers_momentum", {"train.optimizer.momentum": 0.5}, "optimizers_momentum · momentum 0.5"),
    ],
)  # fmt: skip
def test_title_says_what_differs_from_the_nearest_preset_of_the_data_set(changes, preset, overrides, title):
    assert changes(preset, overrides).title == title


def test_a_preset_that_was_named_is_taken_however_far_it_is(changes):
    assert changes("car", {"train.epochs": 20}, "car_tuned").subject == "car_tuned"
    found = changes("optimizers_momentum", {"train.optimizer.name": "adam"}, "optimizers_momentum")
    assert found.title == "optimizers_momentum · optimizer adam"
    assert found.values == {"train.optimizer.name": "adam"}  # its momentum went with its name


def test_an_option_that_is_taken_back_is_a_change(changes):
    found = changes("optimizers_momentum", {"train.optimizer.momentum": None}, "optimizers_momentum")
    assert found.title == "optimizers_momentum · momentum null"


def test_what_changes_no_network_is_no_part_of_the_title(changes):
    overrides = {"baseline.name": "svm", "verify.enabled": False, "compare.margin": 0.02, "registry.enabled": False}
    found = changes("car", overrides)
    assert found.title == "car"
    assert found.values == overrides


def test_a_long_title_ends_with_how_many_more(changes):
    overrides = {
        **{"split.seed": 1, "split.val": 0.2, "split.test": 0.3, "train.seed": 1, "train.epochs": 2},
        **{"train.batch_size": 32, "train.dtype": "float64", "train.threads": 1},
    }
    title = changes("car", overrides).title
    assert title.count(" · ") == NAMED + 1
    assert title.endswith(" · 2 more")


def test_without_a_preset_of_the_data_set_it_is_the_model_on_the_data_set(changes):
    found = changes(None, {"dataset": "mine", "train.epochs": 2})
    assert (found.preset, found.title) == ("", "cnn on mine · epochs 2")


def test_a_preset_that_is_damaged_is_passed_over(changes, project):
    (project / "conf/presets/a_broken.yaml").write_text("dataset: car\ntrain: [", encoding="utf-8")
    (project / "conf/presets/b_broken.yaml").write_bytes(b"dataset: car\n\xff")
    (project / "conf/presets/c_broken.yaml").write_text("dataset: car\nbase: nowhere\n", encoding="utf-8")
    assert changes("car").title == "car"


@pytest.mark.parametrize("preset", ["xor_perceptron", "timeseries_lstm", "diabetes_tuned"])
def test_a_shipped_preset_knows_itself_again_among_those_of_its_data_set(changes, preset):
    assert changes(preset) == (preset, preset, {})


def test_short_names_are_the_parameters_ends_and_differ():
    names = [short_name(key) for key in parameter_names()]
    assert len(set(names)) == len(names)
    assert {"epochs", "lr", "train.seed", "split.seed", "optimizer", "schedule", "loss"} <= set(names)
