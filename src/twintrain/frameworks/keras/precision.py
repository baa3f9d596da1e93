"""Half precision in Keras: layers that compute in it, by the rule of `models/precision.py`."""

from collections.abc import Callable

import keras
from keras import KerasTensor, ops


def rounded(values: KerasTensor, dtype: str) -> KerasTensor:
    """What comes into a layer in the dtype that it computes in; codes as they are."""
    own = keras.backend.standardize_dtype(values.dtype)
    return ops.cast(values, dtype) if keras.backend.is_float_dtype(own) and own != dtype else values


def call(
    layer: Callable[..., KerasTensor], values: list[KerasTensor], dtype: str, joins: bool, **mask: KerasTensor
) -> KerasTensor:
    """What a layer gives that was made to compute in a dtype: what comes in is rounded to it.

    Args:
        joins: whether it takes all that comes in as one list.
    """
    taken = [rounded(value, dtype) for value in values]
    return layer(taken, **mask) if joins else layer(*taken, **mask)
