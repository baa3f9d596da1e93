"""Where the workers of a training meet before their framework has them talk to each other.

A framework that waits for a worker in vain says so late and in its own words; JAX ends the process with a trace.
"""

import os
import socket
import time

from twintrain.errors import UserError
from twintrain.training.workers import Worker

SECONDS_TO_MEET = 30
_SECONDS_BETWEEN_TRIES = 0.1
_ALL_ARE_HERE = b"go"


def meet(worker: Worker) -> None:
    """Returns once all of several workers are there; the port of their address is free again then.

    Raises:
        UserError: they are not within `SECONDS_TO_MEET`, or two of them cannot be of one training.
    """
    deadline = time.monotonic() + SECONDS_TO_MEET
    if worker.is_first:
        _receive(worker, deadline)
    else:
        _come(worker, deadline)


def _receive(worker: Worker, deadline: float) -> None:
    """Waits for all others, then tells them."""
    here: dict[int, socket.socket] = {}
    try:
        with _listening(worker) as door:
            while len(here) < worker.size - 1:
                door.settimeout(_left(deadline))
                caller, _ = door.accept()
                rank, size = _greeting(caller, deadline)
                if size != worker.size or rank in here:
                    raise UserError(f"{worker.address}: worker {rank} of {size} came to worker 0 of {worker.size}")
                here[rank] = caller
        for caller in here.values():
            caller.sendall(_ALL_ARE_HERE)
    except TimeoutError as error:
        missing = ", ".join(str(rank) for rank in range(1, worker.size) if rank not in here)
        raise UserError(
            f"{worker.address}: of {worker.size} workers these did not come within {SECONDS_TO_MEET} s: {missing}"
        ) from error
    finally:
        for caller in here.values():
            caller.close()


def _listening(worker: Worker) -> socket.socket:
    _, port = _place(worker)
    try:
        return socket.create_server(("", port))
    except OSError as error:
        raise UserError(f"MASTER_PORT={port}: {os.strerror(error.errno)}; expected a free port") from error


def _greeting(caller: socket.socket, deadline: float) -> tuple[int, int]:
    """Which worker calls, and of how many."""
    caller.settimeout(_left(deadline))
    rank, size = caller.recv(64).split()
    return int(rank), int(size)


def _come(worker: Worker, deadline: float) -> None:
    """Calls the first worker until it answers that all are there."""
    reason = "no answer"
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(_place(worker), timeout=_left(deadline)) as first:
                first.sendall(f"{worker.rank} {worker.size}".encode())
                first.settimeout(_left(deadline))
                if first.recv(64) == _ALL_ARE_HERE:
                    return
                raise UserError(f"{worker.address}: worker 0 ended before all {worker.size} workers had come")
        except OSError as error:
            reason = error.strerror or str(error)
            time.sleep(_SECONDS_BETWEEN_TRIES)
    raise UserError(f"{worker.address}: worker 0 was not met within {SECONDS_TO_MEET} s: {reason}")


def _left(deadline: float) -> float:
    """Seconds; a socket takes 0 for never waiting at all."""
    return max(0.01, deadline - time.monotonic())


def _place(worker: Worker) -> tuple[str, int]:
    host, _, port = worker.address.rpartition(":")
    return host, int(port)
