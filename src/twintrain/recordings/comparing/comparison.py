"""Two arrays side by side: how far they are from each other, in whatever order their axes lie."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# Relative errors at which numbers are the same but for rounding in float32.
SAME = 1e-6
# Of two layouts, the one whose error is this share of the other's is right, whatever is likely.
TELLS = 0.01
# Where channels go the other way round.
OPPOSITE = {"first": "last", "last": "first", "same": "same", None: None}


class Turned(NamedTuple):
    """An array in the axes of another.

    Attributes:
        permutation: what `np.transpose` took to turn it, of its axes that are longer than one where the number of axes
            differs.
    """

    array: np.ndarray
    permutation: tuple[int, ...]


@dataclass(frozen=True)
class Difference:
    """How far an array is from the reference.

    Attributes:
        largest: largest absolute difference, divided by the largest magnitude of the reference; inf where shapes do
            not fit or one of them has NaN.
        mean: mean absolute difference, divided by the same.
        place: index of the worst element in the reference's axes.
        cosine: of the angle between both as vectors; None where one of them is zero.
        permutation: that turned the other into the reference's axes; None where shapes do not fit.
    """

    largest: float
    mean: float
    place: tuple[int, ...]
    cosine: float | None
    permutation: tuple[int, ...] | None


def turned(reference: np.ndarray, other: np.ndarray, likely: str | None = None) -> Turned | None:
    """Returns the other array in the reference's axes: as it is, or with channels put first or last.

    Of the layouts that fit, that whose numbers are nearest. Any other order of the axes behind the first, or of the
    first two, is taken only where its numbers agree. Axes of length one count for nothing where the number of axes
    differs. An image flattened in another order is not merely turned.

    Args:
        likely: "first" or "last", where the other's channels are to be put in an array whose numbers do not say it;
            "same" where they are to be left.

    Returns:
        None where no order of the axes gives the reference's shape.
    """
    if reference.ndim != other.ndim:
        shape, bare = reference.shape, (_bare(reference), _bare(other))
        if bare[0].ndim != bare[1].ndim:
            return None
        found = turned(*bare, likely)
        return found and Turned(found.array.reshape(shape), found.permutation)
    layouts = _layouts(other.ndim)
    best = _nearest(reference, other, layouts)
    if best and (other.ndim < 3 or error(reference, best.array) <= SAME):
        return best
    agreeing = _nearest(reference, other, _orders(other.ndim) - layouts)
    if agreeing and error(reference, agreeing.array) <= SAME:
        return agreeing
    expected = best and likely and _nearest(reference, other, {_layout(other.ndim, likely)})
    # An array whose numbers are far from the reference's in any layout says nothing of its own.
    return expected if expected and TELLS * error(reference, expected.array) < error(reference, best.array) else best


def error(reference: np.ndarray, other: np.ndarray) -> float:
    """Largest absolute difference of arrays of one shape, divided by the largest magnitude of the reference.

    Returns:
        inf where one of them has NaN.
    """
    if not reference.size:
        return 0.0
    largest = float(_gaps(reference, other).max()) / scale(reference)
    return largest if np.isfinite(largest) else np.inf


def scale(reference: np.ndarray) -> float:
    """The largest finite magnitude of an array, by which its errors are divided; 1 of zeros."""
    sizes = np.abs(reference)
    largest = float(sizes.max(initial=0.0))
    if not np.isfinite(largest):
        largest = float(sizes.max(initial=0.0, where=np.isfinite(sizes)))
    return largest or 1.0


def _gaps(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Absolute differences; those of equal infinities, as around a pool or behind a mask, are 0."""
    with np.errstate(invalid="ignore"):
        gaps = np.abs(np.subtract(reference, other, dtype=np.float64))
    return gaps if np.isfinite(gaps).all() else np.where(reference == other, 0.0, gaps)


def difference(reference: np.ndarray, other: np.ndarray, likely: str | None = None) -> Difference:
    """Compares an array with the reference, in the reference's axes, see `turned`."""
    found = turned(reference, other, likely)
    if found is None:
        return Difference(np.inf, np.inf, (), None, None)
    gaps = _gaps(reference, found.array)
    if not gaps.size:
        return Difference(0.0, 0.0, (), None, found.permutation)
    if not np.isfinite(gaps).all():
        place = np.unravel_index(np.argmax(~np.isfinite(gaps)), gaps.shape)
        return Difference(np.inf, np.inf, tuple(map(int, place)), None, found.permutation)
    place = tuple(map(int, np.unravel_index(np.argmax(gaps), gaps.shape)))
    unit = scale(reference)
    return Difference(
        float(gaps[place]) / unit, float(gaps.mean()) / unit, place, _cosine(reference, found.array), found.permutation
    )


def _cosine(a: np.ndarray, b: np.ndarray) -> float | None:
    # Divided first, so that squares of very large or small numbers stay numbers.
    a, b = np.ravel(a) / scale(a), np.ravel(b) / scale(b)
    a, b = (np.where(np.isinf(each), np.sign(each), each) for each in (a, b))
    lengths = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / lengths if lengths else None


def _nearest(reference: np.ndarray, other: np.ndarray, orders: set[tuple[int, ...]]) -> Turned | None:
    fitting = [order for order in sorted(orders) if tuple(other.shape[axis] for axis in order) == reference.shape]
    if len(fitting) < 2:
        return Turned(np.transpose(other, fitting[0]), fitting[0]) if fitting else None
    found = [Turned(np.transpose(other, order), order) for order in fitting]
    return min(found, key=lambda each: error(reference, each.array))


def _layouts(axes: int) -> set[tuple[int, ...]]:
    """As it is, channels put first, channels put last."""
    return {_layout(axes, name) for name in ("same", "first", "last")}


def _layout(axes: int, name: str) -> tuple[int, ...]:
    same = tuple(range(axes))
    if name == "same" or axes < 3:
        return same
    return (0, axes - 1, *same[1:-1]) if name == "first" else (0, *same[2:], 1)


def _orders(axes: int) -> set[tuple[int, ...]]:
    rest = tuple(range(1, axes))
    orders = {(0, *order) for order in itertools.permutations(rest)} if axes <= 5 else set()
    return orders | ({(1, 0, *rest[1:])} if axes > 2 else set())


def _bare(array: np.ndarray) -> np.ndarray:
    """The array without axes of length one, but for its rows."""
    return array.reshape((*array.shape[:1], *(length for length in array.shape[1:] if length > 1)))
