"""Several workers train to the weights of one."""

import functools
from collections.abc import Callable

import numpy as np
import pytest
from shared_networks import LAYERS, SETTINGS, STEPS
from started_workers import run_together

from twintrain.settings.sections.precision import SCALED, epsilon

pytestmark = pytest.mark.slow
ALL = [f"{network}|{training}" for network in LAYERS for training in SETTINGS]
# Keras takes long to make a network and a graph of it: these have every kind of layer and all settings once.
SOME = ["mlp|all at once", "lstm|adam", "residual|sgd"]
HALF = f"mlp|all at once|{SCALED}"
TRAININGS = {
    "torch": {1: [*ALL, HALF], 2: [*ALL, HALF], 4: SOME},
    "keras": {1: [*SOME, HALF], 2: [*SOME, HALF], 4: SOME[:1]},
    "keras-jax": {1: SOME, 2: SOME},
    "keras-torch": {1: SOME, 2: SOME},
}
SHARED = [(framework, size) for framework, sizes in TRAININGS.items() for size in sizes if size > 1]
# Adam divides the gradient of a bias before batch norm, which is rounding alone, by its own size and 1e-8.
TOLERANCE = {"sgd": 1e-14, "adam": 1e-8, "all at once": 1e-14}

Results = list[dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Results]:
    """What each of so many workers made of every training."""
    folder = tmp_path_factory.mktemp("workers")

    @functools.cache
    def trained(framework: str, size: int) -> Results:
        out = folder / f"{framework}-{size}"
        trainings = ",".join(TRAININGS[framework][size])
        run_together("shared_training_worker.py", size, framework, out, "float64", trainings)
        return [dict(np.load(f"{out}-{rank}.npz")) for rank in range(size)]

    return trained


@pytest.mark.parametrize(
    ("framework", "size", "training"),
    [
        (framework, size, training)
        for framework, size in SHARED
        for training in TRAININGS[framework][size]
        if training != HALF
    ],
)
def test_they_train_to_the_weights_of_one(
    results: Callable[[str, int], Results], framework: str, size: int, training: str
):
    (alone,), several = results(framework, 1), results(framework, size)
    for what in ("loss", "gradients", "training", "weights"):
        key = f"{training}|{what}"
        assert alone[key].std() > 0 or what == "loss"
        difference = np.abs(several[0][key] - alone[key]).max()
        tolerance = TOLERANCE[training.split("|")[1]] if what in ("weights", "training") else 1e-14
        assert difference < tolerance, what


@pytest.mark.parametrize("framework", TRAININGS)
def test_the_only_worker_meets_nobody(results: Callable[[str, int], Results], framework: str):
    (alone,), (first, _) = results(framework, 1), results(framework, 2)
    assert alone["met"].size == 0
    assert first["met"].size > 0


@pytest.mark.parametrize(("framework", "size"), SHARED)
def test_all_workers_have_the_same_to_the_bit(results: Callable[[str, int], Results], framework: str, size: int):
    first, *others = results(framework, size)
    for other in others:
        for key in first.keys() - {"met"}:
            np.testing.assert_array_equal(other[key], first[key], err_msg=key)
    assert all((array == [1, 1 / 3]).all() for key, array in first.items() if key.endswith("agreed"))


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_in_half_precision_they_are_one_but_for_rounding(results: Callable[[str, int], Results], framework: str):
    (alone,), (first, _) = results(framework, 1), results(framework, 2)
    for what in ("loss", "gradients", "training", "weights"):
        key = f"{HALF}|{what}"
        assert np.abs(first[key] - alone[key]).max() < STEPS * epsilon(SCALED) * np.abs(alone[key]).max(), what
