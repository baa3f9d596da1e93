"""`train.workers`: several processes train what one does, also when one of them is killed."""

import os
import shutil
import signal
import time

import numpy as np
import psutil
import pytest
from project_clone import UNTRACKED, Clone

pytestmark = pytest.mark.slow
TRAIN = ("--train.dtype", "float64", "--train.threads", "1", "--baseline.others", "[]", *UNTRACKED)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    clone = Clone(tmp_path_factory.mktemp("workers") / "clone")
    done = clone.run("--preset", "diabetes_tuned", "--target", "split", *TRAIN)
    assert done.returncode == 0, done.stderr
    return clone


def weights(clone, framework):
    with np.load(clone.folder / f"build/train/{framework}/weights.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if arrays[name].dtype.kind == "f"}


def trained(clone, framework, *arguments):
    done = clone.run("--target", f"train@{framework}", *arguments)
    assert done.returncode == 0, done.stderr
    return weights(clone, framework)


@pytest.mark.parametrize("framework", ["torch"])
def test_two_processes_leave_what_one_does(clone, framework):
    alone = trained(clone, framework, "--train.epochs", "3", "--train.workers", "1")
    together = trained(clone, framework, "--train.workers", "2")
    assert alone.keys() == together.keys()
    for name, array in alone.items():
        np.testing.assert_allclose(together[name], array, rtol=0, atol=1e-8, err_msg=name)
    assert not list((clone.folder / "build").glob("workers/*"))


def test_after_a_kill_they_go_on_to_the_same_weights(clone):
    undisturbed = trained(clone, "torch", "--train.epochs", "150", "--train.workers", "2")
    (clone.folder / "dvc.lock").unlink()
    shutil.rmtree(clone.folder / ".dvc/cache/runs")  # DVC would bring back what it has seen
    log = clone.folder / "killed.log"
    with log.open("w") as said:
        process = clone.start("python", "-m", "pipelines.run", "--target", "train@torch", said=said)
    checkpoint = clone.folder / "build/checkpoints/torch.npz"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.02)
    second = [worker for worker in workers_of(process) if worker.environ().get("RANK") == "1"]
    os.kill(second[0].pid, signal.SIGKILL)
    assert process.wait(timeout=300) == 0, log.read_text("utf-8")
    assert "note: worker 1 of 2 was killed (signal 9); all go on from the last checkpoint" in log.read_text("utf-8")
    for name, array in weights(clone, "torch").items():
        np.testing.assert_array_equal(array, undisturbed[name], err_msg=name)


def test_more_workers_than_a_batch_has_rows_are_refused_before_one_starts(clone):
    done = clone.run("--target", "train@torch", "--train.workers", "1000")
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "workers; expected one for each at least: fewer train.workers, or another train.batch_size" in done.stderr
    assert not list((clone.folder / "build").glob("workers/*"))


def workers_of(process):
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "pipelines.train_worker" in child.cmdline()]
