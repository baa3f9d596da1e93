"""Processes of our own: one framework a process."""

import os
from pathlib import Path


def worker_environment() -> dict[str, str]:
    """The environment of a child process that runs a module of this package."""
    source = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}
