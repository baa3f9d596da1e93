"""LBFGS, which PyTorch alone has, through the training loop."""

import numpy as np
import pytest
from lbfgs_worker import EPOCHS, OPTIMIZERS
from worker_process import run_worker


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("lbfgs") / "out.npz"
    run_worker("lbfgs_worker.py", out)
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
