"""Keras on JAX and on PyTorch: every layer and model is PyTorch's own, to float64."""

import numpy as np
import pytest
from twin_cases import LAYER_CASES, MODEL_CASES
from worker_process import run_worker

pytestmark = pytest.mark.slow

# Nearly all the time goes into compiling programs that run a few times; what XLA makes faster is left out.
QUICK_TO_COMPILE = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
TOLERANCES = {"forward": 1e-12, "reloaded": 1e-12, "loss": 1e-12, "gradients": 1e-10, "trained": 1e-10}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """What each framework made of every row, one after the other in processes of their own."""
    folder = tmp_path_factory.mktemp("engines")
    found = {}
    for framework in ("torch", "keras-jax", "keras-torch"):
        out = folder / f"{framework}.npz"
        run_worker("twin_worker.py", framework, out, "brief", **QUICK_TO_COMPILE)
        found[framework] = dict(np.load(out))
    return found


@pytest.mark.parametrize("framework", ["keras-jax", "keras-torch"])
@pytest.mark.parametrize("case", [*LAYER_CASES, *MODEL_CASES])
def test_keras_on_another_library_is_the_same(results: dict, framework: str, case: str):
    for what, tolerance in TOLERANCES.items():
        expected, found = (results[name][f"{case}|{what}"] for name in ("torch", framework))
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=what)
