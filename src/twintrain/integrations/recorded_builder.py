"""Builds a model and records it, in a process of its own: python -m twintrain.integrations.recorded_builder ORDER."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.archive import load
from twintrain.recordings.frameworks import framework_of
from twintrain.recordings.record import record
from twintrain.recordings.transferring.target import rows_for

ARRAYS = ".rows.npz"  # beside the recording
NOT_RECORDED = 2


class Order(NamedTuple):
    """What is to be recorded.

    Attributes:
        module, file, function: where the model is built.
        to: the recording.
        weights: a recording whose weights it begins with, and whose rows it is run on where there are none of its own.
    """

    module: str
    file: str
    function: str
    to: str
    weights: str | None


def main(order: Order) -> int:
    """Builds and records; what the user can mend is the last line on stderr and status 2."""
    try:
        _record(getattr(_module(order), order.function)(), order)
    except UserError as error:
        print(error, file=sys.stderr)
        return NOT_RECORDED
    return 0


def _module(order: Order) -> Any:
    try:
        return importlib.import_module(order.module)
    except ModuleNotFoundError as error:
        if error.name != order.module:
            raise
    spec = importlib.util.spec_from_file_location(order.module, order.file)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[order.module] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def _record(model: Any, order: Order) -> None:
    given = Path(order.to).with_suffix(ARRAYS)
    rows = [_rows(given)] if given.exists() else [*rows_for(load(order.weights), framework_of(model).name)]  # type: ignore[arg-type]
    for place, x in enumerate(rows):
        try:
            record(model, x, to=order.to, weights=order.weights)
        except UserError:
            if place == len(rows) - 1:
                raise
        else:
            return


def _rows(path: Path) -> Any:
    with np.load(path) as arrays:
        found = dict(arrays)
    if "alone" in found:
        return found["alone"]
    if any(name.startswith("named ") for name in found):
        return {name.removeprefix("named "): array for name, array in found.items()}
    return [found[f"at {place}"] for place in range(len(found))]


if __name__ == "__main__":
    sys.exit(main(Order(*json.loads(sys.argv[1]))))
