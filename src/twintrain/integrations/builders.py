"""Functions that build a model, each run in a process of its own, and what they build compared."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.errors import UserError, cut
from twintrain.integrations.recorded_builder import ARRAYS, NOT_RECORDED, Order
from twintrain.recordings.comparing.diff import Diff, diff

Builder = Callable[[], Any]


def compare_built(reference: Builder, other: Builder, x: Any, folder: Path, x_other: Any = None) -> Diff:
    """Records what both build with the weights of the first, each in a process of its own, and compares the recordings.

    Args:
        reference, other: functions without arguments at the top of a module, that give a model of either framework.
            A framework that the module imports at its top is in the other's process too, and the two may crash each
            other there.
        x: rows as the first model takes them: an array, or several in a tuple, list or dict.
        folder: for the recordings.
        x_other: the same rows as the second takes them; None: with channels turned where it has them elsewhere.

    Raises:
        UserError: a function is not at the top of a module, or its model cannot be built or recorded, or does not take
            the weights over.
    """
    paths = [folder / "reference.npz", folder / "other.npz"]
    _record(reference, x, paths[0], None)
    _record(other, x_other, paths[1], paths[0])
    return diff(*paths)


def _record(build: Builder, x: Any, to: Path, weights: Path | None) -> None:
    name = getattr(build, "__qualname__", type(build).__qualname__)
    if not name.isidentifier() or not hasattr(build, "__code__"):
        raise UserError(f"{cut(name)} cannot be run in another process; expected a function at the top of a module")
    order = Order(build.__module__, build.__code__.co_filename, name, str(to), weights and str(weights))
    if x is not None:
        np.savez(to.with_suffix(ARRAYS), **_by_name(x))
    # What the tests have put on the path is there too.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "twintrain.integrations.recorded_builder", json.dumps(order)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or [f"its process ended with status {ended.returncode}"]
        raise UserError(f"{name}: {said[-1] if ended.returncode == NOT_RECORDED else cut(said[-1])}")


def _by_name(x: Any) -> Mapping[str, Any]:
    """Arrays by names that say how they were given: alone, in a row, or by name."""
    if isinstance(x, Mapping):
        return {f"named {name}": _numbers(value) for name, value in x.items()}
    if isinstance(x, list | tuple):
        return {f"at {place}": _numbers(value) for place, value in enumerate(x)}
    return {"alone": _numbers(x)}


def _numbers(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
