"""Functions that build a model, each run in a process of its own, and what they build compared."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.errors import UserError, cut
from twintrain.recordings.building.recorded_builder import ARRAYS, NOT_RECORDED, Order
from twintrain.recordings.comparing.diff import Diff, diff

Builder = Callable[[], Any]
# Makes an order of where to record to, and whose weights to begin with.
Maker = Callable[[Path, Path | None], Order]
FUNCTIONS = ("build_torch", "build_keras")
ROWS = 4


def verify(
    reference: Builder, other: Builder, x: Any, x_other: Any = None, pairs: Mapping[str, str] | None = None
) -> Diff:
    """Records what both build with the weights of the first, each in a process of its own, and compares the recordings.

    Args:
        reference, other: functions without arguments at the top of a module, that give a model of either framework.
            A framework that the module imports at its top is in the other's process too, and the two may crash each
            other there.
        x: rows as the first model takes them: an array, or several in a tuple, list or dict.
        x_other: the same rows as the second takes them; None: with channels turned where it has them elsewhere.
        pairs: as of `diff`.

    Raises:
        UserError: a function is not at the top of a module, or its model cannot be built or recorded, or does not take
            the weights over.
    """
    return _compared([partial(_order, build) for build in (reference, other)], (x, x_other), pairs)


def verify_file(
    path: Path,
    shape: Sequence[int] | None = None,
    outputs: int | None = None,
    pairs: Mapping[str, str] | None = None,
) -> Diff:
    """Does the same with the functions `build_torch` and `build_keras` of a file.

    Args:
        path: of the file, whose `x` are the rows as PyTorch's model takes them.
        shape: of one sample as Keras's model takes it, (…, channels): rows are drawn, and the functions are given the
            shape, PyTorch's with the channels first, and the number of outputs.
        outputs: of a model, beside a shape.

    Raises:
        UserError: there is no such file, it lacks a function or rows, or as `verify`.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}; expected one with the functions build_torch and build_keras")
    shapes: tuple[Any, Any] = (None, None)
    x = None
    if shape is not None:
        first = (shape[-1], *shape[:-1]) if len(shape) > 1 else tuple(shape)
        shapes = first, tuple(shape)
        x = np.random.default_rng(0).normal(size=(ROWS, *first)).astype(np.float32)
    makers = [
        partial(_order_in_file, path, function, [] if given is None else [list(given), *_if_given(outputs)])
        for function, given in zip(FUNCTIONS, shapes, strict=True)
    ]
    return _compared(makers, (x, None), pairs)


def _compared(makers: Sequence[Maker], rows: tuple[Any, Any], pairs: Mapping[str, str] | None) -> Diff:
    """Records one after the other, the second with the weights of the first, and compares the recordings."""
    with tempfile.TemporaryDirectory(prefix="twintrain-") as folder:
        paths = [Path(folder) / f"{name}.npz" for name in ("reference", "other")]
        for make, to, weights, x in zip(makers, paths, (None, paths[0]), rows, strict=True):
            _record(make(to, weights), x)
        return diff(*paths, pairs)


def _order_in_file(path: Path, function: str, arguments: list[Any], to: Path, weights: Path | None) -> Order:
    return Order(path.stem, str(path.resolve()), function, str(to), weights and str(weights), arguments)


def _if_given(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _order(build: Builder, to: Path, weights: Path | None) -> Order:
    name = getattr(build, "__qualname__", type(build).__qualname__)
    if not name.isidentifier() or not hasattr(build, "__code__"):
        raise UserError(f"{cut(name)} cannot be run in another process; expected a function at the top of a module")
    return Order(build.__module__, build.__code__.co_filename, name, str(to), weights and str(weights), [])


def _record(order: Order, x: Any) -> None:
    if x is not None:
        np.savez(Path(order.to).with_suffix(ARRAYS), **_by_name(x))
    # What the caller has put on the path is there too.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "twintrain.recordings.building.recorded_builder", json.dumps(order)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or [f"its process ended with status {ended.returncode}"]
        last = said[-1] if ended.returncode == NOT_RECORDED else cut(said[-1])
        raise UserError(f"{order.function}: {last}")


def _by_name(x: Any) -> Mapping[str, Any]:
    """Arrays by names that say how they were given: alone, in a row, or by name."""
    if isinstance(x, Mapping):
        return {f"named {name}": _numbers(value) for name, value in x.items()}
    if isinstance(x, list | tuple):
        return {f"at {place}": _numbers(value) for place, value in enumerate(x)}
    return {"alone": _numbers(x)}


def _numbers(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
