"""What a user gives as rows or targets, as arrays."""

from typing import Any

import numpy as np

from twintrain.errors import UserError, cut, first_line
from twintrain.recordings.trace import flat, mapped

EXPECTED = "expected an array or tensor, or several in a tuple, list or dict, with rows first"
FLOATS = ("float16", "float32", "float64")


def arrays_of(given: Any, what: str) -> Any:
    """The same tuples, lists and dicts of arrays.

    Args:
        what: what an error calls it.

    Raises:
        UserError: there is none, one of them is no array of numbers with rows, or has NaN.
    """
    arrays = mapped(given, _array)
    found = flat(arrays)
    if not found or not all(array.size for array in found):
        raise UserError(f"{EXPECTED}, got none")
    for number, array in enumerate(found):
        _check_numbers(array, f"{what} {number}" if len(found) > 1 else what)
    return arrays


def cast(arrays: Any, dtype: str) -> Any:
    """The same tuples, lists and dicts, with floats in a precision."""
    return mapped(arrays, lambda array: cast_one(array, dtype))


def cast_one(array: np.ndarray, dtype: str) -> np.ndarray:
    """An array in a precision if it is of floats."""
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array


def as_array(value: Any) -> np.ndarray:
    """An array or tensor as NumPy has it; floats that NumPy has not, such as bfloat16, in float32.

    Raises:
        TypeError, ValueError, RuntimeError: it is none.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.is_floating_point() and str(value.dtype).removeprefix("torch.") not in FLOATS:
            value = value.float()
    array = np.asarray(value)
    # JAX and TensorFlow bring types of their own along.
    return array.astype(np.float32) if array.dtype.kind == "V" and "float" in array.dtype.name else array


def _array(value: Any) -> np.ndarray:
    try:
        array = as_array(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{EXPECTED}, got {type(value).__name__}: {cut(first_line(error))}") from error
    if array.dtype.kind not in "biuf" or not array.ndim:
        raise UserError(f"{EXPECTED}, got {type(value).__name__} of {array.dtype} with {array.ndim} axes")
    return array


def _check_numbers(array: np.ndarray, which: str) -> None:
    if array.dtype.kind == "f" and np.isnan(array).any():
        place = tuple(int(index) for index in np.argwhere(np.isnan(array))[0])
        raise UserError(
            f"{which} has NaN, first at {place}, and all that is computed of it would be NaN; expected numbers"
        )
