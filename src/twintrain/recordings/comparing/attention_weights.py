"""The weights of attention of several heads, which one framework keeps in one array and the other by head."""

from collections.abc import Mapping

import numpy as np

PARTS = ("query", "key", "value")


def of_attention(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Kernels (input, heads · size) of query, key and value, and (heads · size, output) of the output, with biases.

    Args:
        arrays: by role; kernels (input, …, output), where heads have axes of their own (input, heads, size) and
            (heads, size, output); in `qkv_kernel` and `qkv_bias` the three lie one after the other.
    """
    found: dict[str, np.ndarray] = {}
    for role, array in arrays.items():
        whole, _, kind = role.partition("_")
        if whole == "qkv":
            thirds = np.split(array, len(PARTS), -1)
            found |= {f"{part}_{kind}": third for part, third in zip(PARTS, thirds, strict=True)}
        elif kind == "kernel":
            found[role] = array.reshape((-1, array.shape[-1]) if whole == "output" else (array.shape[0], -1))
        else:
            found[role] = array.ravel()
    return found
