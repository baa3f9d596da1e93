"""What can be computed by hand comes out the same in both frameworks."""

import numpy as np
import pytest
from worked_examples import BY_HAND, TRUTH
from worker_process import run_worker

FRAMEWORKS = ("torch", "keras")
# The slide prints eight digits.
HALF_A_DIGIT = 0.5e-8

Results = dict[str, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What each framework makes of the examples, in a process of its own."""
    folder = tmp_path_factory.mktemp("examples")
    found = {}
    for framework in FRAMEWORKS:
        run_worker("worked_example_worker.py", framework, folder / f"{framework}.npz")
        found[framework] = dict(np.load(folder / f"{framework}.npz"))
    return found


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("figure", BY_HAND)
def test_backpropagation_is_that_by_hand_to_eight_digits(results: Results, framework: str, figure: str):
    found = results[framework][figure].ravel()
    # A rounded figure may be half a digit away.
    np.testing.assert_allclose(found, np.ravel(BY_HAND[figure]), rtol=0, atol=HALF_A_DIGIT * 1.001)


@pytest.mark.parametrize("figure", BY_HAND)
def test_frameworks_agree_beyond_the_printed_digits(results: Results, figure: str):
    first, second = (results[framework][figure] for framework in FRAMEWORKS)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-15)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("gate", TRUTH)
def test_gate_with_weights_by_hand_has_its_truth_table(results: Results, framework: str, gate: str):
    assert results[framework][gate].astype(int).tolist() == TRUTH[gate]
