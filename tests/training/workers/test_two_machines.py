"""Workers on two machines, whose own names lead to neither, train together."""

from concurrent.futures import ThreadPoolExecutor

import joined_machines
import numpy as np
import pytest
from worker_process import finish, start_worker

from twintrain.system.ports import free_port
from twintrain.training.workers.worker import Worker

LACKING = joined_machines.missing()
pytestmark = pytest.mark.skipif(bool(LACKING), reason=str(LACKING))
TRAINING = "mlp|sgd"


def test_each_knows_the_address_by_which_those_of_the_other_machine_reach_it():
    with joined_machines.joined_machines(2) as (first, second), ThreadPoolExecutor(3) as threads:
        port = free_port()

        def host(rank, machine, way):
            with machine.entered():
                return Worker(rank, 3, f"{way}:{port}").host()

        # The second finds the first on its own machine, by a name of the loopback.
        ways = (first.address, "127.0.0.1", first.address)
        found = list(threads.map(host, range(3), (first, first, second), ways))
    assert found == [first.address, first.address, second.address]


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["torch", "keras", "keras-jax"])  # Keras on PyTorch adds up as PyTorch does
def test_they_train_to_the_same_bits(tmp_path, framework):
    out, started = tmp_path / "out", []
    with joined_machines.joined_machines(2) as machines:
        address = f"{machines[0].address}:{free_port()}"
        for rank, machine in enumerate(machines):
            told = Worker(rank, len(machines), address).variables()
            with machine.entered():
                started.append(start_worker("shared_training_worker.py", framework, out, "float64", TRAINING, **told))
        for worker in started:
            finish(worker)
    first, second = (np.load(f"{out}-{rank}.npz") for rank in range(len(machines)))
    for what in ("loss", "gradients", "weights"):
        np.testing.assert_array_equal(first[f"{TRAINING}|{what}"], second[f"{TRAINING}|{what}"], err_msg=what)
