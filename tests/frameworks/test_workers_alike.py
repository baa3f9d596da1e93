"""Several workers train to the weights of one."""

from pathlib import Path

import numpy as np
import pytest
from shared_networks import LAYERS, SETTINGS
from started_workers import run_together

pytestmark = pytest.mark.slow
FRAMEWORKS = ("torch", "keras-jax")
SIZES = (1, 2, 4)
# Adam divides the gradient of a bias before batch norm, which is rounding alone, by its own size and 1e-8.
TOLERANCE = {"sgd": 1e-14, "adam": 1e-8, "all at once": 1e-14}

Results = dict[int, list[dict[str, np.ndarray]]]


@pytest.fixture(scope="module", params=FRAMEWORKS)
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What each of 1, 2 and 4 workers made of every training in a framework."""
    folder = tmp_path_factory.mktemp("workers")
    return {size: trained(request.param, size, folder / str(size)) for size in SIZES}


def trained(framework: str, size: int, out: Path) -> list[dict[str, np.ndarray]]:
    run_together("shared_training_worker.py", size, framework, out, "float64")
    return [dict(np.load(f"{out}-{rank}.npz")) for rank in range(size)]


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("training", SETTINGS)
@pytest.mark.parametrize("network", LAYERS)
def test_they_train_to_the_weights_of_one(results: Results, network: str, training: str, size: int):
    (alone,), several = results[1], results[size]
    for what in ("loss", "gradients", "training", "weights"):
        key = f"{network}|{training}|float64|{what}"
        assert alone[key].std() > 0 or what == "loss"
        difference = np.abs(several[0][key] - alone[key]).max()
        assert difference < (TOLERANCE[training] if what in ("weights", "training") else 1e-14), what


@pytest.mark.parametrize("size", SIZES[1:])
def test_all_workers_have_the_same_to_the_bit(results: Results, size: int):
    first, *others = results[size]
    for other in others:
        for key, array in first.items():
            np.testing.assert_array_equal(other[key], array, err_msg=key)
    assert all((array == [1, 2]).all() for key, array in first.items() if key.endswith("agreed"))
