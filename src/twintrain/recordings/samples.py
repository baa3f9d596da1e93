"""Large arrays as samples: the same elements of an array and of it with its axes in another order, and a digest.

Along an axis, which places are taken depends on its length alone. Both frameworks so keep the same elements, wherever
they have the channels.
"""

import functools
import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from twintrain.errors import UserError, shown

# Elements that a sample has at most, and so the least that can be asked to be kept whole.
SAMPLE = 4096
# Bytes that all arrays but the weights may take, as far as samples can see to it. With the weights of a ResNet-50 that
# makes a file of less than 200 MB.
BUDGET = 80_000_000

Shape = tuple[int, ...]


class Digest(NamedTuple):
    """What is known of the whole of an array of which a sample is kept.

    Attributes:
        sha256: of its numbers in their order, little-endian.
        mean: of its numbers.
        deviation: their standard deviation.
        largest: their largest magnitude.
    """

    sha256: str
    mean: float
    deviation: float
    largest: float

    @classmethod
    def of(cls, array: np.ndarray) -> "Digest":
        """That of an array."""
        numbers = np.ascontiguousarray(array)
        little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
        with np.errstate(all="ignore"):
            values = (numbers.mean(dtype=np.float64), numbers.std(dtype=np.float64), np.abs(numbers).max())
        return cls(hashlib.sha256(little.data).hexdigest(), *map(float, values))


def is_whole(shape: Shape, limit: int | None) -> bool:
    """Whether an array is kept whole where that is done with those of up to so many elements; all are for None."""
    return limit is None or math.prod(shape) <= limit


def kept_shape(shape: Shape, limit: int | None) -> Shape:
    """The shape of what is kept of an array."""
    if is_whole(shape, limit):
        return shape
    most = _most(shape)
    return tuple(min(length, most) for length in shape)


def kept(array: np.ndarray, limit: int | None) -> np.ndarray:
    """What is kept of an array; of a sample all."""
    return array if is_whole(array.shape, limit) else array[np.ix_(*places(array.shape))]


def places(shape: Shape) -> list[np.ndarray]:
    """Which places along each axis a sample of an array has."""
    most = _most(shape)
    return [np.sort(_order(length)[:most]) for length in shape]


def packed(
    arrays: Mapping[str, np.ndarray], limit: int | None, samplable: Iterable[str]
) -> tuple[dict[str, np.ndarray], dict[str, Digest]]:
    """What is kept of arrays, with digests of those of which a sample is.

    Args:
        samplable: names of those that need not be whole.
    """
    cut = [name for name in samplable if name in arrays and not is_whole(arrays[name].shape, limit)]
    found = {name: kept(array, limit) if name in cut else array for name, array in arrays.items()}
    return found, {name: Digest.of(arrays[name]) for name in cut}


def chosen_limit(sizes: Iterable[tuple[int, int]], budget: int = BUDGET) -> int | None:
    """The largest power of two up to which arrays can be kept whole; None where all can.

    Args:
        sizes: of each array its elements, and the bytes that all passes together take for one.
        budget: bytes for all arrays.
    """
    sizes = [*sizes]
    largest = max((size for size, _ in sizes), default=0)
    limit = SAMPLE
    while limit < largest and sum(width * _kept(size, 2 * limit) for size, width in sizes) <= budget:
        limit *= 2
    return None if limit >= largest else limit


def checked_limit(limit: int | None) -> int | None:
    """The limit that a user asks for.

    Raises:
        UserError: it is none.
    """
    if limit is not None and (not isinstance(limit, int) or limit < SAMPLE):
        raise UserError(f"limit: expected a whole number of elements from {SAMPLE} on, got {shown(limit)}")
    return limit


def _kept(size: int, limit: int) -> int:
    return size if size <= limit else SAMPLE


@functools.cache
def _order(length: int) -> np.ndarray:
    """All places of an axis, those at its ends first, as what goes wrong at edges is to be seen."""
    drawn = np.random.PCG64(length).random_raw(length)
    drawn[[0, -1]] = 0
    return np.argsort(drawn, kind="stable")


@functools.cache
def _most(shape: Shape) -> int:
    """How many places along an axis a sample has at most."""
    least, most = 1, max(shape, default=1)
    while least < most:
        middle = (least + most + 1) // 2
        if math.prod(min(length, middle) for length in shape) <= SAMPLE:
            least = middle
        else:
            most = middle - 1
    return least
