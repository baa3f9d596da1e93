"""Starts a script of the tests as several workers."""

import socket

from worker_process import finish, start_worker

from twintrain.training.workers.worker import Worker


def run_together(script: str, size: int, *arguments: object, **variables: str) -> None:
    """Runs as many processes of a script, each told which worker it is, to their end."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        address = f"127.0.0.1:{found.getsockname()[1]}"
    started = [
        start_worker(script, *arguments, **variables, **Worker(rank, size, address).variables()) for rank in range(size)
    ]
    for worker in started:
        finish(worker)
