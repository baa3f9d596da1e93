"""`verify` finds what is wrong with a twin and says where. The mistakes are made in broken_worker.py."""

import re
from pathlib import Path

import numpy as np
import pytest
from selected_tests import are_selected
from worker_process import of_script

from twintrain.data.parts import Part
from twintrain.data.prepare.preparation import prepare
from twintrain.settings.params import Params, check_params
from twintrain.settings.sections.training import Train
from twintrain.settings.yaml_files import write_yaml
from twintrain.verification.checks import Check, Twin, check_reload
from twintrain.verification.layers import diff_layers
from twintrain.verification.recorder import EPOCH_STEPS, few_epochs, recorded_order
from twintrain.verification.records import (
    GRADIENTS,
    INITIAL,
    LOGITS,
    OUTPUTS,
    RELOADED,
    RELOADED_WEIGHTS,
    TRAINING_METRIC,
    Record,
    weights_after,
)
from twintrain.verification.workers import checks_of_pair, run_workers, write_experiment

DENSE = [{"dense": {"units": 6}}, "batch_norm", {"activation": {"function": "relu"}}, {"dense": {"units": "outputs"}}]
CONVOLUTION = [{"conv2d": {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}}, "flatten"]
TOKENS = [{"embedding": {"input": "tokens", "output_dim": 3}}, {"lstm": {"units": 4}}]
HEAD = [{"dense": {"units": "outputs"}}]
# Adam would hide the size of a first gradient.
SGD = {"name": "sgd", "learning_rate": 0.1}
SCALED = {"split": {"scale": "standard"}}

# What the mistake is made in: data set, layers, other settings.
EXPERIMENTS = {
    "none": ("diabetes", DENSE, SCALED),
    "epsilon": ("diabetes", DENSE, SCALED),
    "padding": ("mnist5k", CONVOLUTION + HEAD, {}),
    "gates": ("car", TOKENS + HEAD, {}),
    "bias": ("diabetes", [{"activation": {"function": "tanh"}}, {"dense": {"units": 3}}, *HEAD], SCALED),
    "l2": ("diabetes", HEAD, {**SCALED, "train": {"regularization": {"l2": 0.1}, "optimizer": SGD}}),
    # 537 training rows in batches of 45: an epoch's twelfth and last batch has 42.
    "short_batch": ("diabetes", DENSE, {**SCALED, "train": {"batch_size": 45}}),
    "accuracy": ("diabetes", DENSE, SCALED),
    "beta_2": ("diabetes", DENSE, SCALED),
    "schedule": ("diabetes", DENSE, {**SCALED, "train": {"schedule": {"name": "one_cycle"}}}),
    "clip": ("diabetes", DENSE, {**SCALED, "train": {"clip": {"norm": 0.05}, "optimizer": SGD}}),
    "accumulate": ("diabetes", DENSE, {**SCALED, "train": {"batch_size": 32, "accumulate": 2, "optimizer": SGD}}),
    "saved": ("diabetes", DENSE, SCALED),
}
# Mistakes of the steps and of the file, which the slow tests have.
FURTHER = ("short_batch", "accuracy", "beta_2", "schedule", "clip", "accumulate", "saved")
SHAPES = "parameters and shapes"


@pytest.fixture(scope="module")
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shipped_data: Path) -> Path:
    """A folder of the records of each experiment that the selected tests are about, in float64."""
    folder = tmp_path_factory.mktemp("broken")
    left_out = () if are_selected(request, slow=True) else FURTHER
    for name, (dataset, layers, settings) in EXPERIMENTS.items():
        if name in left_out:
            continue
        model = folder / f"{name}.yaml"
        write_yaml(model, {"layers": layers})
        content = {"dataset": dataset, "model": str(model), "frameworks": ["torch", "keras"], **settings}
        params: Params = check_params(content, name)
        (folder / name).mkdir()
        write_experiment(folder / name, params, *prepare(params))
    run_workers(folder, ["torch", "keras"], of_script("broken_worker.py"))
    return folder


@pytest.fixture(scope="module")
def checks(recorded: Path) -> dict[str, dict[str, Check]]:
    """All checks of each experiment by name, of Keras against PyTorch."""
    return {folder.name: checks_in(folder) for folder in recorded.iterdir() if folder.is_dir()}


def checks_in(folder: Path) -> dict[str, Check]:
    torch, keras = (twin(folder, framework) for framework in ("torch", "keras"))
    layers = diff_layers(folder, "torch", "keras", "float64")
    return {check.name: check for check in checks_of_pair(torch, keras, layers, "keras", "float64")}


def twin(folder: Path, framework: str) -> Twin:
    return Twin(*(Record.load(folder / f"{framework}{end}.npz") for end in ("", "-perturbed")))


def failed(found: dict[str, Check]) -> list[str]:
    return [check.name for check in found.values() if not check.passed]


def test_twins_without_a_mistake_pass(checks):
    assert len(checks["none"]) == 12
    assert all(check.is_telling for check in checks["none"].values())
    assert failed(checks["none"]) == []


def test_other_epsilon_is_seen_in_the_batch_norm(checks):
    found = checks["epsilon"]
    assert failed(found)[:2] == [OUTPUTS, LOGITS]
    assert found[OUTPUTS].where == "batch_norm_1"


def test_symmetric_padding_is_seen_in_the_convolution(checks):
    found = checks["padding"]
    assert failed(found)[:2] == [OUTPUTS, LOGITS]
    assert found[OUTPUTS].where == "conv2d_0"


def test_exchanged_gates_are_seen_in_the_lstm(checks):
    found = checks["gates"]
    assert failed(found)[0] == OUTPUTS
    assert found[OUTPUTS].where == "lstm_1"


def test_missing_bias_is_named_and_ends_the_comparison(checks):
    found = checks["bias"]
    assert failed(found) == list(found) == [SHAPES]
    assert found[SHAPES].where == "dense_1/bias: (3,) in the reference, absent in keras"


def test_doubled_l2_is_seen_after_the_first_step_and_not_before(checks):
    found = checks["l2"]
    assert found[GRADIENTS].passed
    assert failed(found)[0] == weights_after(1)
    assert found[weights_after(1)].where == "dense_0/kernel"


@pytest.mark.parametrize(
    ("rows", "batch_size", "accumulate", "taken"),
    [
        (3500, 16, 1, EPOCH_STEPS * 16 + 12),  # of 219 steps 16, and the short one is as short
        (3500, 16, 2, EPOCH_STEPS * 32 + 12),
        (3200, 16, 1, EPOCH_STEPS * 16),
        (100, 16, 1, 100),
        (100, None, 1, 100),
    ],
)
def test_steps_go_through_the_ends_of_epochs_whatever_their_length(rows, batch_size, accumulate, taken):
    part = Part(np.zeros((rows, 1)), np.zeros(rows, int), np.arange(rows))
    assert len(few_epochs(part, Train(batch_size=batch_size, accumulate=accumulate))) == taken


@pytest.mark.slow
def test_a_step_that_is_left_out_at_an_epochs_end_is_seen_and_named(checks):
    found = checks["short_batch"]
    assert found[weights_after(10)].passed
    assert not found[weights_after(200)].passed
    assert found[weights_after(200)].where.startswith("step 12 parts ")


@pytest.mark.slow
def test_a_wrong_training_accuracy_is_seen_though_all_weights_are_equal(checks):
    assert failed(checks["accuracy"]) == [TRAINING_METRIC]


@pytest.mark.slow
@pytest.mark.parametrize(("mistake", "step"), [("beta_2", 2), ("schedule", 2), ("clip", 1), ("accumulate", 1)])
def test_a_wrong_rule_of_steps_is_not_laid_on_a_layer(checks, mistake, step):
    found = checks[mistake]
    assert found[GRADIENTS].passed
    wrong = [check for check in found.values() if check.name.startswith("weights after") and not check.passed]
    assert wrong
    for check in wrong:
        assert re.fullmatch(rf"step {step} parts (\d+) of \1 arrays at once: not a layer, but .*", check.where)


@pytest.mark.slow
def test_a_file_that_holds_another_network_is_seen(recorded):
    found = {
        framework: {
            check.name: check.failed
            for check in check_reload(twin(recorded / "saved", framework).record, framework, "float64")
        }
        for framework in ("torch", "keras")
    }
    assert found == {
        "torch": {RELOADED_WEIGHTS: False, RELOADED: False},
        "keras": {RELOADED_WEIGHTS: True, RELOADED: True},
    }


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_no_bias_scale_or_statistic_starts_where_leaving_it_out_would_not_show(recorded, framework):
    for name, array in twin(recorded / "none", framework).record.arrays[INITIAL].items():
        assert not np.isin(array, (0, 1)).any(), name


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_perturbed_weights_differ_in_their_last_digits_and_everywhere(recorded, framework):
    first, changed = (record.arrays[INITIAL] for record in twin(recorded / "none", framework))
    for name in first:
        ulps = np.abs(changed[name] - first[name]) / np.abs(first[name]) / np.finfo(np.float64).eps
        assert 3.5 <= ulps.min() <= ulps.max() <= 5.5, name


@pytest.mark.parametrize(
    ("dtype", "order"),
    [("float32", ["float64", "float32"]), ("bfloat16", ["bfloat16", "float64"]), ("float16", ["float16", "float64"])],
)
def test_half_precision_is_recorded_first_since_jax_is_told_of_it_once(dtype, order):
    assert list(recorded_order(dtype)) == order
