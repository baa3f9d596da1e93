"""Weights that are a little off, to see what a model makes of rounding."""

import zlib

import numpy as np

# Eight units in the last place of float32: such weights are as good as the others there, and what they change is what
# the model makes of rounding. In float64 it is far above rounding, so that what they change, divided by it, is how much
# the model enlarges a relative error; times float64's precision it is what rounding may come to.
PERTURBATION = 2.0**-20


def perturbed(name: str, array: np.ndarray, by: float = PERTURBATION) -> np.ndarray:
    """A weight, each number changed by a share of itself, up or down; float64.

    Args:
        name: of the weight, by which it is drawn what goes up: the same for ever, so that it need not be stored.
        by: the share.
    """
    drawn = np.random.PCG64(zlib.crc32(name.encode())).random_raw(array.size).reshape(array.shape)
    # An array of no axes times another is a number.
    return np.asarray(array * np.where(drawn >> np.uint64(63), 1 + by, 1 - by))
