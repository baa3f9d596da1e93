"""LBFGS, which PyTorch alone has, through the training loop."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lbfgs_worker import EPOCHS, OPTIMIZERS


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root, out = Path(__file__).parents[1], tmp_path_factory.mktemp("lbfgs") / "out.npz"
    paths = f"{root / 'src'}{os.pathsep}{root / 'tests'}"
    command = [sys.executable, str(root / "tests/lbfgs_worker.py"), str(out)]
    subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": paths}, check=True)
    return dict(np.load(out))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lbfgs_learns_xor(results, name):
    losses = results[f"{name}|whole|val_loss"]
    assert len(losses) == EPOCHS
    assert losses[0] > 0.5
    assert losses[-1] < 1e-6


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lbfgs_goes_on_from_a_checkpoint_to_the_same_bits(results, name):
    whole = {key: array for key, array in results.items() if key.startswith(f"{name}|whole|")}
    assert len(whole) == 9
    for key, array in whole.items():
        np.testing.assert_array_equal(results[key.replace("whole", "parts")], array)
