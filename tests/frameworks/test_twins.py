"""The twin contract: every layer, optimizer and model is the same in both frameworks, the reloaded ones included."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from scipy.special import softmax
from selected_tests import are_selected
from twin_cases import (
    CHAOTIC,
    DROPOUT_RATE,
    LAYER_CASES,
    LIKE_ANOTHER,
    MASK_CALLS,
    MASK_ROWS,
    MASK_SEED,
    MODEL_CASES,
    NATIVE,
    PADDED,
    ROWS,
    TRAININGS,
    WRITTEN_OUT,
    cases,
    further_rows,
    kinds,
    logged_rows,
    mask_networks,
    optimizers_for,
)
from worker_process import finish, start_worker

from twintrain.models.composites import COMPOSITES
from twintrain.models.dropout_masks import keep_mask, layer_key, next_key
from twintrain.models.layers import LAYERS
from twintrain.models.layers.activation import Activation
from twintrain.models.layers.core import SpatialDropout

FRAMEWORKS = ("torch", "keras")
FLOAT32 = 1e-5
FLOAT64 = 1e-12
GRADIENTS = 1e-10
AFTER_STEPS = 1e-9
SELF_DIFFERENCES = 10
FURTHER = further_rows()
LOGGED = logged_rows()
CASES_BUILT = cases()

Results = dict[str, dict[str, np.ndarray]]


def marked(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=[pytest.mark.slow] if name in FURTHER else []) for name in names]


CASES = marked((*LAYER_CASES, *MODEL_CASES))


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What each framework made of the rows that the selected tests are about, both at once, each in its process."""
    groups = [group for group, slow in (("core", False), ("further", True)) if are_selected(request, slow)]
    folder = tmp_path_factory.mktemp("twins")
    workers = [
        start_worker(
            "twin_worker.py",
            framework,
            folder / f"{framework}.npz",
            *groups,
            MLFLOW_TRACKING_URI=f"sqlite:///{folder / framework}.db",
        )
        for framework in FRAMEWORKS
    ]
    for worker in workers:
        finish(worker)
    return {framework: dict(np.load(folder / f"{framework}.npz")) for framework in FRAMEWORKS}


def difference(results: Results, key: str) -> float:
    first, second = (results[framework][key] for framework in FRAMEWORKS)
    assert first.shape == second.shape
    assert np.isfinite(first).all()
    return float(np.abs(first - second).max())


def test_every_kind_of_layer_has_a_row():
    assert set().union(*(kinds(rows) for _, rows in LAYER_CASES.values())) == {*LAYERS, *COMPOSITES}


def test_every_function_of_activation_has_a_row():
    layers = [placed.layer for case in CASES_BUILT.values() for placed in case.network.walk()]
    assert {layer.function for layer in layers if isinstance(layer, Activation)} == set(
        get_args(Activation.model_fields["function"].annotation)
    )


def test_every_model_has_a_row():
    assert {*MODEL_CASES, *LIKE_ANOTHER} == {path.stem for path in Path("conf/models").glob("*.yaml")}


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_equal(results: Results, case: str):
    assert difference(results, f"{case}|forward float32") < FLOAT32
    assert difference(results, f"{case}|forward float64") < FLOAT64


@pytest.mark.parametrize("case", CASES)
def test_weights_come_back_as_they_went_in(results: Results, case: str):
    given = np.concatenate([array.ravel() for array in CASES_BUILT[case].weights.values()])
    for framework in FRAMEWORKS:
        np.testing.assert_array_equal(results[framework][f"{case}|round trip float64"], given)
        np.testing.assert_array_equal(results[framework][f"{case}|round trip float32"], given.astype(np.float32))


@pytest.mark.parametrize("case", CASES)
def test_parameter_counts_are_those_of_the_layer_list(results: Results, case: str):
    trainable = sum(
        int(np.prod(weight.shape)) for weight in CASES_BUILT[case].network.weights().values() if weight.trainable
    )
    for framework in FRAMEWORKS:
        assert results[framework][f"{case}|parameters"] == trainable


@pytest.mark.parametrize("case", CASES)
def test_a_saved_network_predicts_as_before(results: Results, case: str):
    for framework, way in product(FRAMEWORKS, ("reloaded", "pyfunc") if case in LOGGED else ("reloaded",)):
        before = results[framework][f"{case}|forward float32"]
        if CASES_BUILT[case].network.head:
            before = softmax(before, axis=1)
        np.testing.assert_allclose(results[framework][f"{case}|{way}"], before, rtol=0, atol=FLOAT32)
        np.testing.assert_allclose(results[framework][f"{case}|{way}, one row"], before[:1], rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("case", CASES)
def test_outputs_of_every_layer_are_equal(results: Results, case: str):
    for placed in CASES_BUILT[case].network.layers:
        key = f"{case}|outputs|{placed.name}"
        assert results["keras"][key].shape == (ROWS, *placed.output_shape)
        assert difference(results, key) < FLOAT64


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_steps_of_padding_are_left_out(results: Results, framework: str):
    found = {name: results[framework][f"{PADDED}|outputs|{name}"] for name in ("normed", "mean", "largest", "last")}
    tokens = CASES_BUILT[PADDED].features
    assert not tokens[0].any()
    for row, given in enumerate(tokens):
        steps = found["normed"][row][given != 0]
        zeros = np.zeros(steps.shape[1])
        np.testing.assert_allclose(found["mean"][row], steps.mean(0) if len(steps) else zeros, atol=FLOAT64)
        np.testing.assert_array_equal(found["largest"][row], steps.max(0) if len(steps) else zeros)
        np.testing.assert_array_equal(found["last"][row], steps[-2] if len(steps) > 1 else zeros)
    table = next(iter(CASES_BUILT[PADDED].weights.values()))
    slopes = results[framework][f"{PADDED}|gradients"][: table.size].reshape(table.shape)
    assert not slopes[0].any(), "the vector of padding matters"
    assert slopes[1:].any(axis=1).all()


@pytest.mark.parametrize("case", marked(WRITTEN_OUT))
def test_a_short_form_is_to_the_bit_what_it_stands_for(results: Results, case: str):
    for framework, what in product(FRAMEWORKS, ("forward float32", "forward float64", "gradients", "trained by sgd")):
        short, long = (results[framework][f"{row}|{what}"] for row in (WRITTEN_OUT[case], case))
        np.testing.assert_array_equal(short, long)


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_are_equal(results: Results, case: str):
    assert difference(results, f"{case}|loss") < FLOAT64
    assert difference(results, f"{case}|gradients") < GRADIENTS


@pytest.mark.parametrize("case", CASES)
def test_weights_are_equal_after_100_steps(results: Results, case: str):
    for optimizer in optimizers_for(case):
        key = f"{case}|trained by {optimizer}"
        before = results["torch"][f"{case}|round trip float64"]
        assert np.abs(results["torch"][key] - before).max() > 1e-3, "nothing was learned"
        if case not in CHAOTIC:
            assert difference(results, key) < AFTER_STEPS


@pytest.mark.parametrize("case", marked(CHAOTIC))
def test_chaotic_twins_part_no_more_than_a_framework_from_itself(results: Results, case: str):
    key = f"{case}|trained by sgd"
    own = np.abs(results["torch"][f"{case}|trained from changed weights"] - results["torch"][key]).max()
    assert own > AFTER_STEPS, "not chaotic"
    assert difference(results, key) < SELF_DIFFERENCES * own
    assert difference(results, f"{case}|trained briefly") < AFTER_STEPS


@pytest.mark.parametrize("training", TRAININGS)
def test_weights_are_equal_after_100_steps_whatever_is_set(results: Results, training: str):
    case, _ = TRAININGS[training]
    key = f"{case}|trained with {training}"
    assert np.abs(results["torch"][key] - results["torch"][f"{case}|trained by sgd"]).max() > 1e-3, "as without it"
    assert difference(results, key) < AFTER_STEPS


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_batches_that_make_one_step_are_as_good_as_one_batch(results: Results, framework: str):
    accumulated, whole = (
        results[framework][f"dense|trained with {name}"] for name in ("4 batches a step", "batches of 32")
    )
    assert np.abs(accumulated - whole).max() < FLOAT64


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_training_is_deterministic_and_resumes_to_the_same_bits(results: Results, framework: str):
    found = results[framework]
    keys = [key for key in found if key.startswith("resume|whole|")]
    assert len(keys) > 10
    for key in keys:
        np.testing.assert_array_equal(found[key.replace("whole", "again")], found[key])
        np.testing.assert_array_equal(found[key.replace("whole", "halves")], found[key])


def test_layers_of_saved_networks_have_their_arrays_by_earlier_names_too(results: Results):
    assert results["keras"]["of earlier names"] == 0


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", mask_networks())
def test_shared_masks_are_those_of_the_reference_bit_for_bit(results: Results, framework: str, name: str):
    placed = mask_networks()[name].layers[1]
    shape = (MASK_ROWS, *placed.output_shape)
    is_spatial = isinstance(placed.layer, SpatialDropout)
    for call in range(MASK_CALLS):
        key = next_key(layer_key(MASK_SEED, 1), call)
        kept = keep_mask((shape[0], shape[-1]) if is_spatial else shape, DROPOUT_RATE, key)
        if is_spatial:
            kept = np.broadcast_to(kept.reshape(shape[0], *[1] * (len(shape) - 2), shape[-1]), shape)
        values = results[framework][f"masks|{name}|{call}"]
        np.testing.assert_array_equal(values, np.where(kept, 1 / (1 - DROPOUT_RATE), 0))
    np.testing.assert_array_equal(results[framework][f"masks|{name}|1 again"], results[framework][f"masks|{name}|1"])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_native_dropout_drops_its_rate_and_scales_the_rest(results: Results, framework: str):
    values = results[framework]["dropout in training"]
    np.testing.assert_allclose(np.unique(values), [0, 1 / (1 - DROPOUT_RATE)], rtol=1e-6)
    # 50,000 draws: five standard deviations are 0.009.
    assert abs((values == 0).mean() - DROPOUT_RATE) < 0.009


def test_native_leaves_to_each_framework_what_the_model_leaves_open(results: Results):
    # epsilon, momentum of batch_norm, slope of leaky_relu, epsilon of Adam; then the written kernel and bias
    np.testing.assert_allclose(results["torch"]["native defaults"], [1e-5, 0.1, 0.01, 1e-8, 0, 1], rtol=1e-6)
    np.testing.assert_allclose(results["keras"]["native defaults"], [1e-3, 0.99, 0.3, 1e-7, 0, 1], rtol=1e-6)


@pytest.mark.parametrize("case", NATIVE)
def test_native_twins_start_from_their_own_weights(results: Results, case: str):
    assert difference(results, f"{case}|native") > 1e-3
