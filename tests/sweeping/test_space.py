"""What a sweep varies, as presets write it."""

import optuna
import pytest

from twintrain.data.dataset import load_dataset
from twintrain.data.schema import network_schema
from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params, read_preset, read_sweep_section
from twintrain.settings.yaml_files import read_yaml
from twintrain.sweeping.space import Space, Sweep, check_metric, read_sweep, trial_content

RATE = "train.optimizer.learning_rate"


def space(**entries):
    return Space({name.replace("__", "."): entry for name, entry in entries.items()}, "car.yaml")


def drawn(space):
    """A trial that has drawn from a space."""
    trial = optuna.create_study().ask()
    space.suggest(trial)
    return trial


@pytest.fixture
def content(project):
    return changed_params(read_yaml(project / "params.yaml"), "car", {})


def test_ranges_and_choices_become_distributions_of_the_types_of_their_parameters():
    found = drawn(
        space(
            train__optimizer__learning_rate={"low": 1, "high": 2, "log": True},
            train__batch_size={"low": 16, "high": 64, "step": 16},
            train__regularization__l2=[0, 0.5],
            train__clip__norm={"low": 0, "high": 1, "step": 0.25},
        )
    ).distributions
    assert [type(each).__name__ for each in found.values()] == [
        "FloatDistribution",
        "IntDistribution",
        "CategoricalDistribution",
        "FloatDistribution",
    ]
    assert (found[RATE].low, found[RATE].high, found[RATE].log) == (1.0, 2.0, True)
    assert (found["train.batch_size"].low, found["train.batch_size"].high, found["train.batch_size"].step) == (
        16,
        64,
        16,
    )
    assert found["train.regularization.l2"].choices == (0, 0.5)
    assert found["train.clip.norm"].step == 0.25


def test_a_choice_may_be_a_whole_section_and_comes_back_as_it_is_written():
    sgd = {"name": "sgd", "momentum": 0.9, "learning_rate": 0.1}
    varied = space(train__optimizer=[sgd, {"name": "adam"}])
    choices = drawn(varied).distributions["train.optimizer"].choices
    assert varied.overrides({"train.optimizer": choices[0]}) == {"train.optimizer": sgd}


def test_models_are_named_as_everywhere():
    varied = space(model=["cnn", "mlp"])
    assert varied.entries["model"] == ["conf/models/cnn.yaml", "conf/models/mlp.yaml"]


def test_examples_have_every_choice_and_both_ends_of_every_range():
    varied = space(train__batch_size={"low": 16, "high": 64}, train__optimizer__name=["adam", "sgd", "rmsprop"])
    name, size = "train.optimizer.name", "train.batch_size"
    assert varied.examples() == [
        {size: 16, name: "adam"},
        {size: 64, name: "adam"},
        {size: 16, name: "sgd"},
        {size: 16, name: "rmsprop"},
    ]
    assert all(type(example[size]) is int for example in varied.examples())


def test_the_settings_of_a_preset_are_a_suggestion_if_the_space_has_them(content):
    rate = {"low": 1e-4, "high": 1e-1}
    varied = space(train__batch_size=[None, 32], model=["car_embedding", "mlp"], train__optimizer__learning_rate=rate)
    assert varied.suggestion(content) == {
        "train.batch_size": None,
        "model": "conf/models/car_embedding.yaml",
        RATE: 0.001,
    }
    assert space(train__batch_size=[16, 32]).suggestion(content) is None
    assert space(train__optimizer__learning_rate={"low": 0.1, "high": 1}).suggestion(content) is None
    assert space(train__epochs={"low": 1, "high": 1000, "step": 2}).suggestion(content) is None
    assert space(train__epochs={"low": 0, "high": 1000, "step": 2}).suggestion(content) == {"train.epochs": 500}


def test_a_trial_has_the_settings_of_its_preset_but_for_what_varies(content):
    params = check_params(trial_content(content, {RATE: 0.5, "train.batch_size": 16}), "params.yaml")
    assert (params.dataset, params.train.epochs) == ("car", 500)
    assert (params.train.optimizer.learning_rate, params.train.batch_size) == (0.5, 16)
    assert content["train"]["batch_size"] is None


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("train.epoch", [1, 2], "unknown parameter 'train.epoch'; did you mean 'train.epochs'?"),
        (
            "split.seed",
            [1, 2],
            "car.yaml: sweep.space: split.seed changes no training, or what trials are judged by; "
            "expected parameters of train, model, preprocess, mode",
        ),
        (
            "preprocess.target",
            ["labels", "input"],
            "car.yaml: sweep.space: preprocess.target changes no training, or what trials are judged by; "
            "expected parameters of train, model, preprocess, mode",
        ),
        (
            "train.batch_size",
            32,
            "car.yaml: sweep.space: train.batch_size: expected a list of choices or {low: …, high: …}, got 32",
        ),
        (
            "train.batch_size",
            [32],
            "car.yaml: sweep.space: train.batch_size: expected two or more different choices, got [32]",
        ),
        (
            "train.batch_size",
            [32, 32],
            "car.yaml: sweep.space: train.batch_size: expected two or more different choices, got [32, 32]",
        ),
        ("train.batch_size", {"low": 1, "hihg": 2}, "unknown parameter 'hihg'; did you mean 'high'?"),
        (
            "train.batch_size",
            {"low": 0.5, "high": 2},
            "car.yaml: sweep.space: train.batch_size takes whole numbers, got {'low': 0.5, 'high': 2}",
        ),
        (
            RATE,
            {"low": 1, "high": 0.1},
            f"car.yaml: sweep.space: {RATE}: expected low below high, got 1 and 0.1",
        ),
        (
            RATE,
            {"low": 0, "high": 0.1, "log": True},
            f"car.yaml: sweep.space: {RATE}: expected low above 0 and no step with log: true, "
            "got {'low': 0, 'high': 0.1, 'log': True}",
        ),
        (
            "train.optimizer.name",
            {"low": 0, "high": 1},
            "car.yaml: sweep.space: train.optimizer.name is no number; expected a list of choices, "
            "got {'low': 0, 'high': 1}",
        ),
    ],
)
def test_miswritten_spaces_are_refused(error_of, name, entry, message):
    assert error_of(Space, {name: entry}, "car.yaml").endswith(message)


def test_presets_that_have_a_space_are_named_to_those_who_ask_for_another(project, error_of):
    assert error_of(read_sweep, "xor") == (
        "conf/presets/xor.yaml has no section sweep, which says what to vary; presets that have one: "
        "car, diabetes_tuned, mnist5k"
    )
    assert error_of(read_sweep, "cra") == "unknown preset 'cra'; did you mean 'car'?"


def test_losses_are_not_compared_by_the_loss(project, error_of):
    path = project / "conf/presets/xor.yaml"
    written = path.read_text()
    path.write_text(f"{written}\nsweep: {{space: {{train.loss.label_smoothing: [0.0, 0.1]}}}}\n")
    assert error_of(read_sweep, "xor") == (
        "conf/presets/xor.yaml: sweep.space: train.loss.label_smoothing changes what val_loss measures, so it cannot "
        "tell which is better; expected sweep.metric: val_accuracy, or a space without it"
    )
    path.write_text(f"{written}\nsweep: {{metric: val_accuracy, space: {{train.loss.label_smoothing: [0.0, 0.1]}}}}\n")
    assert read_sweep("xor").direction == "maximize"


def test_metric_must_be_one_of_the_task(project, error_of):
    params = check_params(changed_params(read_yaml(project / "params.yaml"), "car", {}), "params.yaml")
    schema = network_schema("car", load_dataset("car"), params.preprocess)
    check_metric(Sweep(metric="val_accuracy", space={"train.epochs": [1, 2]}), schema)
    assert error_of(check_metric, Sweep(metric="val_mae", space={"train.epochs": [1, 2]}), schema) == (
        "sweep.metric: car is a multiclass task; expected val_loss or val_accuracy, got val_mae"
    )


def test_a_preset_does_not_bring_its_space_into_params_yaml(content):
    assert read_sweep_section("car").keys() == {"space"}
    assert "sweep" not in read_preset("car")
    assert "sweep" not in content
