"""Starts a script of the tests as several workers."""

from worker_process import finish, start_worker

from twintrain.system.ports import HOST, free_port
from twintrain.training.workers.worker import Worker


def run_together(script: str, size: int, *arguments: object, **variables: str) -> None:
    """Runs as many processes of a script, each told which worker it is, to their end."""
    address = f"{HOST}:{free_port()}"
    started = [
        start_worker(script, *arguments, **variables, **Worker(rank, size, address).variables()) for rank in range(size)
    ]
    for worker in started:
        finish(worker)
