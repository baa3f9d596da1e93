"""Frozen layers: their arrays stay to the bit, and what is trained is the same in every framework."""

import itertools

import numpy as np
import pytest
from freezing_cases import NETWORKS, TRAININGS, network
from twin_cases import OPTIMIZERS
from worker_process import run_worker

from twintrain.models.freezing import freeze_layers

ENGINES = ("torch", "keras", "keras-jax", "keras-torch")
CASES = [*itertools.product(NETWORKS, TRAININGS), *(("vector", name) for name in OPTIMIZERS)]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """What each framework and engine made of every training, in a process of its own."""
    folder, found = tmp_path_factory.mktemp("engines"), {}
    for framework in ENGINES:
        run_worker("freezing_worker.py", framework, folder / f"{framework}.npz")
        found[framework] = dict(np.load(folder / f"{framework}.npz"))
    return found


def under(arrays, name, training, what):
    prefix = f"{name}|{training}|{what}|"
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


@pytest.mark.slow
@pytest.mark.parametrize("framework", ENGINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_frozen_arrays_have_no_gradient_and_do_not_count_as_trained(engines, framework, name):
    arrays = network(name).weights()
    trained = {a: w for a, w in arrays.items() if w.trainable and a.split("/")[0] not in NETWORKS[name][3]}
    found = engines[framework]
    assert found[f"{name}|decayed|gradients|names"].tolist() == list(trained)
    assert found[f"{name}|decayed|parameters|"] == sum(np.prod(weight.shape) for weight in trained.values())


@pytest.mark.slow
@pytest.mark.parametrize("framework", ENGINES)
@pytest.mark.parametrize(("name", "training"), CASES)
def test_frozen_arrays_stay_and_the_others_are_trained_alike(engines, framework, name, training):
    frozen = NETWORKS[name][3]
    before, after = (under(engines[framework], name, training, what) for what in ("before", "after"))
    changed = {array for array in before if not np.array_equal(before[array], after[array])}
    assert changed == {array for array in before if array.split("/")[0] not in frozen}
    reference = under(engines["torch"], name, training, "after")
    for array, expected in reference.items():
        np.testing.assert_allclose(after[array], expected, rtol=0, atol=1e-10, err_msg=array)


@pytest.mark.parametrize("name", NETWORKS)
def test_patterns_name_layers_and_what_they_are_made_of(name):
    *_, patterns, frozen = NETWORKS[name]
    found = freeze_layers(network(name), patterns)
    assert found.frozen == frozen
    trainable = {array.split("/")[0] for array, weight in found.weights().items() if weight.trainable}
    assert trainable == set(found.layers_with_arrays()) - frozen


def test_no_pattern_freezes_nothing():
    assert freeze_layers(network("image"), []) == network("image")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["dens_6"], "train.freeze: no layer of image that has weights is 'dens_6'; did you mean 'dense_6'?"),
        (
            ["flatten_*"],
            "train.freeze: no layer of image that has weights is 'flatten_*'; known: activation_2, batch_norm_1, "
            "batch_norm_4, conv2d_0, dense_6, dense_8, residual_3_layers_conv2d_0",
        ),
        (["*"], "train.freeze: nothing of image is left to train; expected some layers without"),
    ],
)
def test_patterns_that_mean_nothing_are_refused(error_of, patterns, message):
    assert error_of(freeze_layers, network("image"), patterns) == message
