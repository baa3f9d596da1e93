import json

import numpy as np
from worker_process import run_worker

from twintrain.recording.operations import compute


def test_operations_give_what_keras_gives_where_it_is_not_pytorch(tmp_path):
    run_worker("operations_keras_worker.py", tmp_path / "keras.npz")
    stored = np.load(tmp_path / "keras.npz")
    described = json.loads(str(stored["described"]))
    for number, (op, options, axes) in enumerate(described):
        weights = {role: (stored[f"{number}/{role}"], letters) for role, letters in axes.items()}
        found = compute(op, options, weights, stored[f"{number}/input"])
        message = f"{op} {options}"
        np.testing.assert_allclose(found, stored[f"{number}/output"], rtol=0, atol=1e-12, err_msg=message)
    assert len(described) == 15
