"""`train.workers`: several processes train what one does, whoever starts them, and Ray's also when one is killed."""

import importlib.util
import os
import signal
import time

import numpy as np
import psutil
import pytest
from project_clone import BIN, ROOT, UNTRACKED, Clone

pytestmark = pytest.mark.slow
TRAIN = ("--train.dtype", "float64", "--train.threads", "1", "--baseline.others", "[]", *UNTRACKED)
SHORT = ("--train.epochs", "3", "--train.workers", "2")
LONG = ("--train.epochs", "150", "--train.workers", "2")
FAKE_CLUSTER = ROOT / "tests/support/fake_cluster"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    clone = Clone(tmp_path_factory.mktemp("workers") / "clone")
    done = clone.run("--preset", "diabetes_tuned", "--target", "split", *TRAIN)
    assert done.returncode == 0, done.stdout + done.stderr
    return clone


@pytest.fixture(scope="module")
def together(clone):
    """What two processes here make of a training, to be the same whoever starts them."""
    return trained(clone, "torch", *SHORT, "--train.launcher", "local")


def weights(clone, framework):
    with np.load(clone.folder / f"build/train/{framework}/weights.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if arrays[name].dtype.kind == "f"}


def trained(clone, framework, *arguments, **environment):
    done = clone.run("--target", f"train@{framework}", *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return weights(clone, framework)


def assert_alike(found, expected, tolerance=0.0):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance, err_msg=name)


def test_two_processes_leave_what_one_does(clone, together):
    alone = trained(clone, "torch", "--train.epochs", "3", "--train.workers", "1")
    assert_alike(together, alone, 1e-8)
    assert not list((clone.folder / "build").glob("workers/*"))


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: requirements-ray.txt")
def test_workers_of_ray_leave_what_others_do_also_after_a_kill(clone):
    others = trained(clone, "torch", *LONG, "--train.launcher", "local")
    said = with_a_kill(clone, "--train.launcher", "ray")
    note = "note: one of 2 workers was lost: rank 1 was killed (signal 9); all go on from the last checkpoint"
    assert note in said
    assert_alike(weights(clone, "torch"), others)


@pytest.mark.parametrize(("program", "launcher"), [("srun", "slurm/launch.sh"), ("kubectl", "kubernetes/launch.py")])
def test_programs_of_deploy_start_workers_that_leave_what_others_do(clone, together, tmp_path, program, launcher):
    cluster = fake_cluster(tmp_path) | ({"SLURM_JOB_ID": "4711", "SLURM_JOB_NODELIST": "node[1-2]"})
    started = trained(clone, "torch", *SHORT, "--train.launcher", f"deploy/{launcher}", **cluster)
    assert (tmp_path / program).exists()
    assert_alike(started, together)


def test_a_job_of_slurm_runs_an_experiment(clone, together, tmp_path):
    job = fake_cluster(tmp_path) | {"SLURM_JOB_ID": "4711", "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_NTASKS": "2"}
    anew = ("--target", "train@torch", "--train.epochs", "3", "--train.checkpoint_every", "9")
    done = clone.call("bash", "deploy/slurm/train.sbatch", *anew, **job)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "srun").exists()
    assert_alike(weights(clone, "torch"), together)


def test_more_workers_than_a_batch_has_rows_are_refused_before_one_starts(clone):
    done = clone.run("--target", "train@torch", "--train.workers", "1000")
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "workers; expected one for each at least: fewer train.workers, or another train.batch_size" in done.stderr
    assert not list((clone.folder / "build").glob("workers/*"))


def workers_of(process):
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "pipelines.train_worker" in child.cmdline()]


def with_a_kill(clone, *settings):
    """Trains, with the second worker killed after the first checkpoint; returns what was said."""
    log = clone.folder / "killed.log"
    with log.open("w") as said:
        process = clone.start("python", "-m", "pipelines.run", "--target", "train@torch", *settings, said=said)
    checkpoint = clone.folder / "build/checkpoints/torch.npz"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.02)
    second = [worker for worker in workers_of(process) if worker.environ().get("RANK") == "1"]
    os.kill(second[0].pid, signal.SIGKILL)
    assert process.wait(timeout=300) == 0, log.read_text("utf-8")
    return log.read_text("utf-8")


def fake_cluster(folder):
    """The environment in which srun, scontrol and kubectl are stand-ins that start processes here."""
    return {"PATH": f"{FAKE_CLUSTER}:{BIN}:{os.environ['PATH']}", "FAKE_CLUSTER": str(folder)}
