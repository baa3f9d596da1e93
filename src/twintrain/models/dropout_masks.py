"""Dropout masks that both frameworks draw alike: a counter-based hash, in integers, defined here with NumPy.

An element is kept where its hash is at least rate · 2³². The hash is lowbias32 (Wellons 2018,
https://nullprogram.com/blog/2018/07/31/) of the element's index, spread over 32 bits by the golden ratio, and of a key
that is another for every seed, layer and training call. All numbers are 32 bits wide; after every product the higher
bits are cut off, so that int64 is wide enough.
"""

import math
from typing import TypeVar

import numpy as np

BITS = 0xFFFFFFFF
GOLDEN = 0x9E3779B9
FACTORS = (0x7FEB352D, 0x846CA68B)

# int, or an array of int64 of any framework with Python's operators.
Integers = TypeVar("Integers")


def layer_key(seed: int, number: int) -> int:
    """Key of a layer: `seed` is that of the training, `number` the layer's place in the network."""
    return next_key(next_key(0, seed & BITS ^ seed >> 32 & BITS), number)


def next_key(key: Integers, value: Integers) -> Integers:
    """Mixes another number into a key: that of a layer and the number of its call give the key of the call."""
    return mix((key ^ value) + GOLDEN & BITS)


def mix(values: Integers) -> Integers:
    """lowbias32: a bijection of 32 bits in which every bit of the input moves every bit of the output."""
    values = values ^ values >> 16
    values = values * FACTORS[0] & BITS
    values = values ^ values >> 15
    values = values * FACTORS[1] & BITS
    return values ^ values >> 16


def threshold(rate: float) -> int:
    """The smallest hash that is kept."""
    return math.floor(rate * 2**32)


def keep_mask(shape: tuple[int, ...], rate: float, key: int) -> np.ndarray:
    """The reference: which elements one call keeps, channels last.

    Args:
        shape: (rows, …), or (rows, channels) where whole channels are dropped.
        key: `next_key` of the layer's key and the number of its training calls so far.

    Returns:
        Booleans of this shape.
    """
    index = np.arange(math.prod(shape), dtype=np.int64)
    return (mix((index * GOLDEN & BITS) ^ key) >= threshold(rate)).reshape(shape)
