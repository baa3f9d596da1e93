"""What the frameworks' own defaults differ in: what is listed, and what a training is told for each difference."""

from pathlib import Path

import numpy as np
import pytest

from twintrain.data.prepare.preparation import prepare
from twintrain.data.schema import Schema
from twintrain.models.network import place_layers
from twintrain.settings.params import check_params
from twintrain.settings.sections.optimizers import Optimizer
from twintrain.settings.yaml_files import write_yaml
from twintrain.system import project
from twintrain.verification.native import (
    AGAIN,
    RULE,
    VARIANCE,
    Described,
    Difference,
    differences,
    switched,
    with_conventions,
)
from twintrain.verification.workers import NATIVE_WORKER, run_workers, write_experiment

LAYERS = [
    {"dense": {"units": 2}},
    "batch_norm",
    {"activation": {"function": "leaky_relu"}},
    {"dense": {"units": "outputs"}},
]
SCHEMA = Schema(
    dataset="case",
    task="binary",
    labels=["0", "1"],
    input_shape=[3],
    input_dtype="float",
    categories=None,
    feature_names=None,
    outputs=1,
)
ADAM = Optimizer(name="adam")


@pytest.fixture
def network():
    return place_layers(LAYERS, "case", "native", SCHEMA, Path("case"))


def described(network, layers, optimizer, size):
    initial = {name: np.full(weight.shape, size) for name, weight in network.weights().items()}
    again = {name: array + 1 for name, array in initial.items()}
    return Described(layers, optimizer, initial, again, np.zeros((1, 1)))


@pytest.fixture
def torch(network):
    layers = {"batch_norm_1": {"momentum": 0.9, "epsilon": 1e-5}, "activation_2": {"negative_slope": 0.01}}
    return described(network, layers, {"beta_1": 0.9, "epsilon": 1e-8, "only_here": 1}, 0.0)


@pytest.fixture
def keras(network):
    layers = {"batch_norm_1": {"momentum": 0.99, "epsilon": 1e-3}, "activation_2": {"negative_slope": 0.3}}
    return described(network, layers, {"beta_1": 0.9, "epsilon": 1e-7}, 1.0)


def named(found):
    return [(each.place, each.name) for each in found]


def test_everything_that_differs_is_listed_once_with_both_values(network, torch, keras):
    found = differences(network, ADAM, torch, keras)
    assert named(found) == [
        ("batch_norm", "momentum"),
        ("batch_norm", "epsilon"),
        ("leaky_relu", "negative_slope"),
        ("batch_norm", VARIANCE),
        ("dense", "initial kernel"),
        ("dense", "initial bias"),
        ("batch_norm", "initial gamma"),
        ("batch_norm", "initial beta"),
        ("batch_norm", "initial moving_mean"),
        ("batch_norm", "initial moving_variance"),
        ("optimizer", "epsilon"),
        ("optimizer", RULE),
        ("all layers", AGAIN),
    ]
    assert (found[1].torch, found[1].keras) == (1e-5, 1e-3)
    assert (found[4].torch, found[4].keras) == ("all 0", "all 1")


def test_what_is_the_same_is_not_listed(network, torch):
    found = differences(network, Optimizer(name="sgd"), torch, torch)
    assert named(found) == [("batch_norm", VARIANCE), ("all layers", AGAIN)]


def test_nothing_is_switched_at_first(network, torch, keras):
    setting = switched(network, torch, keras, None)
    assert (setting.layers, setting.optimizer, setting.initial) == (torch.layers, torch.optimizer, torch.initial)
    assert (setting.unbiased, setting.own_rule) == (True, False)


def test_epsilon_of_a_layer_is_not_that_of_the_optimizer(network, torch, keras):
    setting = switched(network, torch, keras, Difference("batch_norm", "epsilon", 1e-5, 1e-3))
    assert setting.layers["batch_norm_1"] == {"momentum": 0.9, "epsilon": 1e-3}
    assert setting.optimizer == torch.optimizer
    setting = switched(network, torch, keras, Difference("optimizer", "epsilon", 1e-8, 1e-7))
    assert setting.layers == torch.layers
    assert setting.optimizer == {**torch.optimizer, "epsilon": 1e-7}


def test_initial_values_are_switched_in_all_layers_of_a_kind(network, torch, keras):
    setting = switched(network, torch, keras, Difference("dense", "initial kernel", "", ""))
    changed = {name for name, array in setting.initial.items() if array.any()}
    assert changed == {"dense_0/kernel", "dense_3/kernel"}
    setting = switched(network, torch, keras, Difference("all layers", AGAIN, "", ""))
    assert setting.initial is torch.again


def test_rule_and_variance_are_switches_of_their_own(network, torch, keras):
    setting = switched(network, torch, keras, Difference("optimizer", RULE, "", ""))
    assert setting.own_rule
    assert setting.optimizer == {"beta_1": 0.9, "epsilon": 1e-8}
    assert not switched(network, torch, keras, Difference("batch_norm", VARIANCE, "", "")).unbiased


def test_conventions_are_filled_in_and_the_rest_is_aligned(network, torch):
    filled = with_conventions(network, torch.layers)
    assert filled.mode == "aligned"
    assert filled.layers[1].layer.epsilon == 1e-5
    assert filled.layers[2].layer.negative_slope == 0.01
    assert filled.layers[0].layer.kernel_initializer == "glorot_uniform"
    assert network.layers[1].layer.epsilon is None


@pytest.mark.slow
def test_defaults_are_read_from_the_built_objects_and_have_effects(tmp_path, shipped_data):
    model = tmp_path / "model.yaml"
    write_yaml(model, {"layers": LAYERS})
    content = {
        "dataset": "diabetes",
        "model": str(model),
        "frameworks": ["torch", "keras"],
        "split": {"scale": "standard"},
    }
    params = check_params(content, "case")
    write_experiment(tmp_path, params, *prepare(params))
    run_workers(tmp_path, ["torch", "keras"], NATIVE_WORKER, "describe")
    run_workers(tmp_path, ["keras"], NATIVE_WORKER, "measure")
    found = {(each["place"], each["name"]): each for each in project.read_json(tmp_path / "differences.json", list)}
    values = {key: (each["torch"], each["keras"]) for key, each in found.items()}
    assert values["batch_norm", "momentum"] == pytest.approx((0.9, 0.99))
    assert values["batch_norm", "epsilon"] == pytest.approx((1e-5, 1e-3))
    assert values["leaky_relu", "negative_slope"] == pytest.approx((0.01, 0.3))
    assert values["optimizer", "epsilon"] == pytest.approx((1e-8, 1e-7))
    assert values["dense", "initial bias"][1] == "all 0"
    assert all(each["effect"] > 1e-9 for each in found.values()), found
    assert found["batch_norm", "momentum"]["effect"] > found["batch_norm", VARIANCE]["effect"]
