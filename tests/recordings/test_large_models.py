import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
import numpy as np, torch, torchvision
import twintrain
torch.manual_seed(0)
model = torchvision.models.resnet50(weights=None)
x = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype("float32")
twintrain.record(model, x, to=sys.argv[1])
print(twintrain.diff(sys.argv[1], sys.argv[1]).verdict)
"""


@pytest.mark.slow
def test_a_network_of_25_million_weights_takes_less_than_200_mb_and_4_gb(tmp_path):
    path = tmp_path / "resnet50.npz"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "same\n"), done.stderr
    assert path.stat().st_size < 200e6
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 4e6  # kB
