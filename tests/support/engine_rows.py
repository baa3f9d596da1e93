"""What PyTorch makes of rows of the twin contract test, and Keras on other libraries."""

from pathlib import Path

import numpy as np
from worker_process import run_worker

ENGINES = ("keras-jax", "keras-torch")
TOLERANCES = {"forward": 1e-12, "reloaded": 1e-12, "loss": 1e-12, "gradients": 1e-10, "trained": 1e-10}
STEPS = 10

Results = dict[str, dict[str, np.ndarray]]


def made_of(
    names: list[str], folder: Path, engines: tuple[str, ...] = ENGINES, steps: int = STEPS, **variables: str
) -> Results:
    """What PyTorch and other engines made of rows, one after the other in processes of their own.

    Args:
        folder: what lies there of an engine already is taken.
        steps: of each training.
        variables: of the processes' environment.
    """
    found = {}
    for framework in ("torch", *engines):
        out = folder / f"{framework}.npz"
        if not out.is_file():
            run_worker("twin_worker.py", framework, out, "brief", steps, *names, **variables)
        found[framework] = dict(np.load(out))
    return found


def differences(results: Results, engine: str, name: str) -> dict[str, float]:
    """The largest absolute difference of each quantity of a row, nan where one is not finite; both as TOLERANCES."""
    pairs = {what: [results[of][f"{name}|{what}"] for of in ("torch", engine)] for what in TOLERANCES}
    return {what: float(np.abs(expected - found).max()) for what, (expected, found) in pairs.items()}
