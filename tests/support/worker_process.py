"""Starts the workers of the tests: one framework a process."""

import gc
import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Nearly all of JAX's time goes into compiling programs that run a few times; what XLA makes faster is left out. Of the
# contract's rows one then has wrong gradients on JAX: padded sequences, 0.1 beside 1e-16 as users compile it.
QUICK_TO_COMPILE = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
AS_USERS_COMPILE = {"XLA_FLAGS": ""}


def of_script(script: str) -> tuple[str, str]:
    """What Python takes to run a script of tests/, wherever it lies, as `_run` does."""
    (found,) = (ROOT / "tests").rglob(script)
    return __file__, str(found)


def start_worker(script: str, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """Starts a script of tests/, wherever it lies, with the library and tests/support on its path."""
    worker = of_script(script)
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT / "tests/support", Path(worker[-1]).parent)))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path, **QUICK_TO_COMPILE, **variables}
    command = [sys.executable, *worker, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(worker: subprocess.Popen[str]) -> str:
    """Waits for a worker, which must end well, and returns what it said."""
    said, _ = worker.communicate()
    assert worker.returncode == 0, f"{worker.args}:\n{said}"
    return said


def run_worker(script: str, *arguments: object, **variables: str) -> None:
    """Runs a script of tests/ to its end."""
    finish(start_worker(script, *arguments, **variables))


def _run(script: str) -> None:
    """Runs a script as Python does, but for what takes a framework seconds that a test gains nothing from."""
    gc.set_threshold(100_000)  # to search the objects of imported modules for garbage again and again
    sys.argv = sys.argv[1:]
    runpy.run_path(script, run_name="__main__")
    sys.stdout.flush()
    os._exit(0)  # to take them apart in good order


if __name__ == "__main__":
    _run(sys.argv[1])
