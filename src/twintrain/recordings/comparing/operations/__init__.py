"""What a recorded layer computes, in NumPy and float64, whatever framework has recorded it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from twintrain.recordings.comparing.operations import (
    activations,
    attention,
    convolutions,
    joins,
    normalization,
    pooling,
    recurrent,
    upsampling,
)
from twintrain.recordings.comparing.operations.layouts import canonical

Arrays = dict[str, np.ndarray]
Operation = Callable[..., np.ndarray | None]

OPERATIONS: dict[str, Operation] = {
    **activations.OPERATIONS,
    **attention.OPERATIONS,
    **convolutions.OPERATIONS,
    **joins.OPERATIONS,
    **normalization.OPERATIONS,
    **pooling.OPERATIONS,
    **recurrent.OPERATIONS,
    **upsampling.OPERATIONS,
}


def compute(
    op: str | None, options: Mapping[str, Any], weights: Mapping[str, tuple[np.ndarray, str]], *inputs: np.ndarray
) -> np.ndarray | None:
    """Computes a recorded operation in float64.

    Args:
        op: our name of the operation, as a recording has it.
        options: its options, as a recording has them; what is left out has the frameworks' common default.
        weights: array and letters of its axes, by role; any layout of either framework.
        inputs: arrays (rows, …) in the layout that the options name; whole numbers stay such.

    Returns:
        the output (rows, …) in the layout of the inputs; None for an operation, or a form of it, that is not known.

    Raises:
        ValueError: the shapes do not fit together, as NumPy says it.
    """
    operation = OPERATIONS.get(op or "")
    if operation is None:
        return None
    arrays = {role: canonical(_exact(array), axes) for role, (array, axes) in weights.items()}
    output = operation(dict(options), arrays, *map(_exact, inputs))
    activation = options.get("activation")
    if output is None or op in recurrent.OPERATIONS or activation in (None, "linear"):
        return output
    return activations.activate(activation, output)


def _exact(array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    return array.astype(np.float64, copy=False) if array.dtype.kind == "f" else array
