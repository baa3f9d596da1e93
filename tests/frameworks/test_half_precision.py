"""Half precision is the same in both frameworks and on all engines, as far as numbers of 16 bits tell."""

from itertools import product

import numpy as np
import pytest
from half_precision import DTYPES, FAST, FIRST_SCALE, LAYERS, STEPS, Results, half_cases
from selected_tests import are_selected
from twin_cases import kinds
from worker_process import finish, start_worker

from twintrain.models.layers import LAYERS as KINDS
from twintrain.models.precision import MULTIPLYING, layer_dtypes
from twintrain.settings.sections.precision import SCALED, epsilon
from twintrain.training.loss_scale import next_scale

# A layer rounds what comes in, its kernel and its sums, each by half of epsilon at most.
ROUNDINGS = 3
# Gradients go through the layers twice.
GRADIENTS = 2
FRAMEWORKS = {"torch": False, "keras": False, "keras-jax": True, "keras-torch": True}
SLOW = pytest.mark.slow
ALL = [
    pytest.param(framework, name, dtype, marks=[SLOW] if is_slow or name not in FAST else [])
    for (framework, is_slow), name, dtype in product(FRAMEWORKS.items(), LAYERS, DTYPES)
    if framework != "keras-jax" or name in FAST or dtype == SCALED
]
ONES = [pytest.param(framework, marks=[SLOW] if is_slow else []) for framework, is_slow in FRAMEWORKS.items()]


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What each framework made of the rows that the selected tests are about."""
    slow = are_selected(request, slow=True)
    folder = tmp_path_factory.mktemp("half")
    wanted = [framework for framework, is_slow in FRAMEWORKS.items() if slow or not is_slow]
    workers = [
        start_worker("half_precision_worker.py", framework, folder / f"{framework}.npz", *(LAYERS if slow else FAST))
        for framework in wanted
    ]
    for worker in workers:
        finish(worker)
    return {framework: dict(np.load(folder / f"{framework}.npz")) for framework in wanted}


def error(found: np.ndarray, exact: np.ndarray) -> float:
    """The largest difference, as a share of the largest number."""
    return float(np.abs(found.astype(np.float64) - exact).max() / np.abs(exact).max())


def test_every_kind_that_computes_in_half_precision_has_a_row():
    computing = {kind for kind, layer in KINDS.items() if issubclass(layer, MULTIPLYING)}
    assert computing <= set().union(*(kinds(layers) for _, layers in LAYERS.values()))


@pytest.mark.parametrize(("framework", "name", "dtype"), ALL)
def test_it_is_float64_but_for_rounding(results: Results, framework: str, name: str, dtype: str):
    layers = [*layer_dtypes(half_cases()[name].network, dtype).values()].count(dtype)
    bound = layers * ROUNDINGS * epsilon(dtype) / 2
    for what, allowed in {"outputs": bound, "loss": bound, "gradients": GRADIENTS * bound}.items():
        found = error(results[framework][f"{name}|{dtype}|{what}"], results["torch"][f"{name}|float64|{what}"])
        assert found < allowed, what
        assert found > epsilon(dtype) / 20 or what == "loss", "not in half precision"


@pytest.mark.parametrize(("framework", "name", "dtype"), ALL)
def test_outputs_and_gradients_are_float32(results: Results, framework: str, name: str, dtype: str):
    assert set(results[framework][f"{name}|{dtype}|dtypes"]) == {"float32"}


@pytest.mark.parametrize("framework", ONES)
def test_all_skip_the_same_steps_and_scale_by_the_same(results: Results, framework: str):
    scales, moved = (results[framework][f"scaled|{what}"] for what in ("scales", "moved"))
    np.testing.assert_array_equal(scales, results["torch"]["scaled|scales"])
    np.testing.assert_array_equal(moved, results["torch"]["scaled|moved"])
    assert not moved[0], "the first scale was not too large"
    assert 0 < sum(moved) < STEPS
    assert (np.diff([FIRST_SCALE, *scales]) > 0).any(), "the scale never grew"
    assert ((np.diff([FIRST_SCALE, *scales]) < 0) == ~moved).all()


@pytest.mark.parametrize("framework", ONES)
def test_all_scale_by_the_same_where_batches_are_accumulated(results: Results, framework: str):
    scales = results[framework]["accumulated|scales"]
    np.testing.assert_array_equal(scales, results["torch"]["accumulated|scales"])
    assert scales[0] < FIRST_SCALE


@pytest.mark.parametrize("framework", ONES)
def test_a_skipped_step_leaves_no_trace_and_the_scale_is_divided_out(results: Results, framework: str):
    for what in ("weights", "averages"):
        found = error(results[framework][f"scaled|{what}"], results["torch"][f"scaled|float64 {what}"])
        assert found < STEPS * ROUNDINGS * epsilon(SCALED) / 2


@pytest.mark.parametrize("framework", ONES)
def test_a_scaled_training_goes_on_to_the_same_bits(results: Results, framework: str):
    for what in ("weights", "averages"):
        np.testing.assert_array_equal(
            results[framework][f"scaled|resumed {what}"], results[framework][f"scaled|{what}"]
        )


def test_the_scale_is_halved_by_overflow_and_doubled_after_many_good_steps():
    assert next_scale(2.0**15, 7, is_finite=False) == (2.0**14, 0)
    assert next_scale(2.0**15, 1998, is_finite=True) == (2.0**15, 1999)
    assert next_scale(2.0**15, 1999, is_finite=True) == (2.0**16, 0)
    assert next_scale(1.0, 0, is_finite=False) == (1.0, 0)
    assert next_scale(2.0**24, 1999, is_finite=True) == (2.0**24, 0)
