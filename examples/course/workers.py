"""Modules of this folder as processes: one framework a process, and none outlives the command."""

import os
import subprocess
import sys
from pathlib import Path

from twintrain.errors import UserError

FRAMEWORKS = ("torch", "keras")


def run_in_both(module: str, folder: Path, ending: str, *arguments: str) -> list[Path]:
    """Runs a module in PyTorch and in Keras, both at once; returns the files that they have written.

    Raises:
        UserError: as `run`.
    """
    outs = [folder / f"{module}-{framework}{ending}" for framework in FRAMEWORKS]
    run(*([module, framework, str(out), *arguments] for framework, out in zip(FRAMEWORKS, outs, strict=True)))
    return outs


def run(*commands: list[str]) -> None:
    """Runs modules with their arguments, all at once, from start to end.

    Raises:
        UserError: one has failed; what it said last goes along.
    """
    workers = [_start(*command) for command in commands]
    try:
        for command, worker in zip(commands, workers, strict=True):
            said, _ = worker.communicate()
            if worker.returncode:
                last = (said.strip().splitlines() or ["it ended without a word"])[-1]
                raise UserError(f"{' '.join(command[:2])}: {last}")
    finally:
        for worker in workers:
            worker.kill()  # of those that have ended, nothing


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", f"examples.course.{module}", *arguments]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
