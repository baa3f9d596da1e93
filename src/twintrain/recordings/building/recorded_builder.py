"""Builds a model and records it, in a process of its own:

python -m twintrain.recordings.building.recorded_builder ORDER
"""

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.archive import load
from twintrain.recordings.frameworks import framework_of
from twintrain.recordings.record import record
from twintrain.recordings.transferring.target import rows_for

ROWS = "x"  # what rows are called in a file that builds models
ARRAYS = ".rows.npz"  # beside the recording
NOT_RECORDED = 2


class Order(NamedTuple):
    """What is to be recorded.

    Attributes:
        module, file, function: where the model is built.
        to: the recording.
        weights: a recording whose weights it begins with, and whose rows it is run on where there are none of its own.
        arguments: of the function.
    """

    module: str
    file: str
    function: str
    to: str
    weights: str | None
    arguments: list[Any]


def main(order: Order) -> int:
    """Builds and records; what the user can mend is the last line on stderr and status 2."""
    try:
        module = _module(order)
        _record(_built(module, order), module, order)
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


def _built(module: Any, order: Order) -> Any:
    function = getattr(module, order.function, None)
    if not callable(function):
        takes = ", ".join(map(str, order.arguments))
        raise UserError(f"{order.file}: expected a function {order.function}({takes}), got none")
    return function(*(tuple(each) if isinstance(each, list) else each for each in order.arguments))


def _record(model: Any, module: Any, order: Order) -> None:
    rows = [*_candidates(model, module, order)]
    for place, x in enumerate(rows):
        try:
            record(model, x, to=order.to, weights=order.weights)
        except UserError:
            if place == len(rows) - 1:
                raise
        else:
            return


def _candidates(model: Any, module: Any, order: Order) -> Iterator[Any]:
    """Rows that the model may take: those that were given, those of the other's recording, or the module's own."""
    given = Path(order.to).with_suffix(ARRAYS)
    if given.exists():
        yield _rows(given)
    elif order.weights:
        yield from rows_for(load(order.weights), framework_of(model).name)
    elif hasattr(module, ROWS):
        yield getattr(module, ROWS)
    else:
        raise UserError(
            f"{order.file}: expected {ROWS} = the rows that the model of {order.function} takes, or --input-shape, got "
            "neither"
        )


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
