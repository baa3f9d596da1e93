"""Keras on JAX and on PyTorch: every layer and model is PyTorch's own, to float64."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from twin_cases import LAYER_CASES, MODEL_CASES

pytestmark = pytest.mark.slow

TOLERANCES = {"forward": 1e-12, "loss": 1e-12, "gradients": 1e-10, "trained": 1e-10}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """What each framework made of every row, one after the other in processes of their own."""
    folder, root = tmp_path_factory.mktemp("engines"), Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root / 'tests'}"}
    found = {}
    for framework in ("torch", "keras-jax", "keras-torch"):
        out = folder / f"{framework}.npz"
        command = [sys.executable, str(root / "tests/twin_worker.py"), framework, str(out), "brief"]
        subprocess.run(command, cwd=root, env=environment, check=True)
        found[framework] = dict(np.load(out))
    return found


@pytest.mark.parametrize("framework", ["keras-jax", "keras-torch"])
@pytest.mark.parametrize("case", [*LAYER_CASES, *MODEL_CASES])
def test_keras_on_another_library_is_the_same(results: dict, framework: str, case: str):
    for what, tolerance in TOLERANCES.items():
        expected, found = (results[name][f"{case}|{what}"] for name in ("torch", framework))
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=what)
