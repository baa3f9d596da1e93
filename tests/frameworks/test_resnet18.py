"""A network of torchvision's as a model file: equal to it in PyTorch and in Keras."""

import numpy as np
import pytest
from worker_process import run_worker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("resnet18")
    for framework in ("torch", "keras"):
        run_worker("resnet18_worker.py", framework, folder)
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_it_is_torchvisions_in_outputs_and_after_ten_steps(found: dict[str, dict[str, np.ndarray]], framework: str):
    begun = np.concatenate([array.ravel() for array in found["initial"].values()])
    assert begun.size == 11_178_051 + 2 * 4_800  # as torchvision counts with three classes, and the running statistics
    assert np.abs(found["torchvision"]["trained"] - begun).max() > 0.01, "nothing was learned"
    for what, tolerance in (("logits", 1e-12), ("trained", 1e-11)):
        np.testing.assert_allclose(found[framework][what], found["torchvision"][what], rtol=0, atol=tolerance)
