"""What holds on a GPU: `make test-gpu`. Each training is a process of its own; figures of speed are printed alone."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from worker_process import finish, start_worker

from twintrain.errors import UserError
from twintrain.evaluation.comparison import mixture

TWINS = ("torch", "keras-torch")
# As tests of the CPU have it for weights after some steps in float32.
TOLERANCE = 1e-5
# What rounds to 10 bits differs by far more than float32 does; of older devices TF32 changes nothing.
TF32_SINCE = 8.0


def _capability() -> float:
    """The compute capability of the first CUDA device; 0 where there is none. Asks the driver, and no framework."""
    if shutil.which("nvidia-smi") is None:
        return 0.0
    asked = ("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return float(said[0]) if said and said[0].replace(".", "").isdigit() else 0.0


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(not _capability(), reason="there is no CUDA device (nvidia-smi names none)"),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trains as asked, once; returns the weights and the facts."""
    found = {}

    def train(framework, device="gpu", tf32="off", again=0):
        asked = (framework, device, tf32, again)
        if asked not in found:
            out = tmp_path_factory.mktemp("gpu") / "trained"
            finish(start_worker("gpu_worker.py", framework, device, tf32, out))
            with np.load(f"{out}.npz") as weights:
                found[asked] = (dict(weights), json.loads(out.with_suffix(".json").read_text("utf-8")))
        return found[asked]

    return train


def difference(first, other):
    assert first.keys() == other.keys()
    return max(float(np.abs(first[name] - other[name]).max()) for name in first)


@pytest.mark.parametrize("framework", TWINS)
def test_gpu_is_used_and_its_memory_is_written_down(trained, framework):
    _, facts = trained(framework)
    assert facts["device"] == "cuda"
    assert facts["peak_device_memory_mib"] * 2**20 > facts["bytes"]


def test_twins_agree_in_float32_without_tf32(trained):
    assert difference(trained("torch")[0], trained("keras-torch")[0]) < TOLERANCE


def test_gpu_agrees_with_cpu(trained):
    assert difference(trained("torch")[0], trained("torch", "cpu")[0]) < TOLERANCE


@pytest.mark.skipif(_capability() < TF32_SINCE, reason="the device has no TF32")
def test_tf32_is_off_unless_it_is_asked_for(trained):
    found = difference(trained("torch")[0], trained("torch", tf32="on")[0])
    print(f"weights with TF32 differ by {found:.1e} from those without")
    assert found > difference(trained("torch")[0], trained("keras-torch")[0])


@pytest.mark.parametrize("framework", TWINS)
def test_same_training_gives_the_same_bits(trained, framework):
    assert difference(trained(framework)[0], trained(framework, again=1)[0]) == 0


def test_mixed_devices_are_refused(trained):
    devices = {"torch": trained("torch")[1]["device"], "keras-torch": trained("keras-torch", "cpu")[1]["device"]}
    with pytest.raises(UserError, match="the twins ran on different devices"):
        mixture(devices, is_allowed=False)


@pytest.mark.parametrize(("framework", "other"), [("torch", "torch.compile"), ("keras-torch", "model.fit")])
def test_speed_is_printed(trained, framework, other):
    _, facts = trained(framework)
    ours, theirs = facts["steps_per_second"], facts["other_steps_per_second"]
    print(f"{framework}: {ours:.0f} steps a second, {other}: {theirs:.0f}")
    assert min(ours, theirs) > 0
