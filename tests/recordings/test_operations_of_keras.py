import json

import numpy as np
import pytest
from worker_process import run_worker

from twintrain.recordings.comparing.operations import compute


@pytest.mark.slow
def test_operations_give_what_keras_gives_where_it_is_not_pytorch(tmp_path):
    run_worker("operations_keras_worker.py", tmp_path / "keras.npz")
    stored = np.load(tmp_path / "keras.npz")
    described = json.loads(str(stored["described"]))
    for number, (op, options, axes) in enumerate(described):
        weights = {role: (stored[f"{number}/{role}"], letters) for role, letters in axes.items()}
        found = compute(op, options, weights, stored[f"{number}/input"])
        # TensorFlow interpolates in float32, whatever it is given.
        bound = 1e-6 if op == "upsample" else 1e-12
        np.testing.assert_allclose(found, stored[f"{number}/output"], rtol=0, atol=bound, err_msg=f"{op} {options}")
    assert len(described) == 15
