"""Workers on JAX do a share of the work each, and none waits for one that is gone."""

import re

import pytest
from shared_networks import BATCH_SIZE
from worker_process import run_worker, start_worker

from twintrain.system.ports import HOST, free_port
from twintrain.training.workers.worker import Worker

pytestmark = pytest.mark.slow
SECONDS = 120  # far less than a worker would wait for one that hangs


def test_each_computes_its_rows_of_a_batch(tmp_path):
    run_worker("shared_work_worker.py", tmp_path / "program")
    program = (tmp_path / "program").read_text()
    products = re.findall(r"= f64\[(\d+),[\d,]*\]\S* (dot|convolution)\(", program)
    share = (BATCH_SIZE + 1) // 2
    rows = {(int(rows), kind) for rows, kind in products}
    assert {(share, "dot"), (share, "convolution")} <= rows
    assert not {(BATCH_SIZE, "dot"), (BATCH_SIZE, "convolution")} & rows


def test_a_worker_whose_peer_dies_says_so_in_one_line():
    address = f"{HOST}:{free_port()}"
    left, dying = (
        start_worker("dying_worker.py", "keras-jax", **Worker(rank, 2, address).variables()) for rank in range(2)
    )
    said, _ = left.communicate(timeout=SECONDS)
    dying.communicate()
    assert left.returncode == 0 != dying.returncode
    assert said.splitlines()[-1].startswith("another worker ended, or did not answer for 300 s: "), said
