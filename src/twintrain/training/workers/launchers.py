"""What may start the workers of a training: this machine, Ray, or a program of the site, for Slurm or Kubernetes.

A launcher starts one process a worker, tells each which it is (`worker.Worker`), and ends when all have: well, or
with the first that has not. All workers work in the project's folder, or in the same one shared by several hosts.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from twintrain.errors import UserError, shown
from twintrain.system import project
from twintrain.system.ray_cluster import ADDRESS_OF_RAY, check_ray
from twintrain.training.workers import launch
from twintrain.training.workers.launcher_program import run_workers

LOCAL, RAY = "local", "ray"
RAY_PROGRAM = ("-m", "twintrain.training.workers.ray_launcher")


def launcher(name: str) -> Callable[[list[str], int, Path], None]:
    """The function of command, number of workers and folder that runs them: see `launch.run_workers`.

    Args:
        name: `train.launcher`.
    """
    if name == LOCAL:
        return launch.run_workers
    return partial(run_workers, [sys.executable, *RAY_PROGRAM] if name == RAY else [name])


def is_here(name: str) -> bool:
    """Whether all workers are on this machine, as far as can be known."""
    return name == LOCAL or (name == RAY and ADDRESS_OF_RAY not in os.environ)


def shared_folder(name: str) -> Path | None:
    """Where folders for workers are to be, so that all see them; None: anywhere on this machine."""
    if name == LOCAL:
        return None
    project.WORKERS.mkdir(parents=True, exist_ok=True)
    return project.WORKERS


def check_launcher(name: str) -> None:
    """Raises a UserError where there is no such launcher."""
    if name == RAY:
        check_ray("train.launcher")
    if name not in (LOCAL, RAY) and not (Path(name).is_file() and os.access(name, os.X_OK)):
        raise UserError(f"train.launcher: {shown(name)} is no program; expected the path of a file that can be run")
