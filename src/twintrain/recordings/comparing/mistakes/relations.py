"""How an array may have come about from another: reordered, scaled, activated, dropped out."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from twintrain.recordings.comparing.comparison import error
from twintrain.recordings.comparing.mistakes.trial import Pair, Trial
from twintrain.recordings.comparing.operations.activations import OPERATIONS as ACTIVATIONS

Relation = tuple[str, str, str, Callable[[np.ndarray], np.ndarray | None]]
# An array of rows is known again by as many of its numbers.
COMPARED = 64
CLOSE = 1e-5


def flattened_otherwise(pair: Pair) -> Iterator[Trial]:
    """The image of a flatten in another layout."""
    if pair.ours.op not in ("flatten", "reshape"):
        return
    for mistake, saying, remedy, change in _orders_of_axes():
        inputs = tuple(change(each) for each in pair.ours.inputs)
        if all(each is not None for each in inputs):
            layer = replace(pair.ours, inputs=tuple(each for each in inputs if each is not None))
            yield Trial(mistake, layer, f"{pair.their_title} {saying}", remedy)


def inputs_in_another_order(pair: Pair) -> Iterator[Trial]:
    """The inputs of a join, the other way round."""
    if len(pair.ours.inputs) > 1:
        layer = replace(pair.ours, inputs=pair.ours.inputs[::-1])
        saying = f"{pair.their_title} joins its inputs in the reverse order"
        yield Trial("inputs in another order", layer, saying, "in one order")


def relations(reference: np.ndarray, other: np.ndarray) -> Iterator[Relation]:
    """What may have made an array of the other out of the reference's; each with its name, a clause and its remedy.

    Both have one shape.
    """
    if (order := row_order(reference, other)) is not None:
        yield "rows in another order", "has the rows in another order", "in one order", lambda x: x[order]
    yield from _reversals(reference)
    yield from _divided(reference)
    yield from _affine(reference, other)
    for name in ACTIVATIONS:
        if name != "prelu":
            function = ACTIVATIONS[name]
            yield f"{name} more", f"applies {name} once more", "without it", lambda x, f=function: f({}, {}, x)
    yield "dropout", "drops numbers out, as dropout in training does", "without dropout", _dropped(other)


def _orders_of_axes() -> Iterator[Relation]:
    remedy = "flattened in one order"
    yield "flattened in another order", "flattens channels last, not first", remedy, lambda x: _moved(x, 1, -1)
    yield "flattened in another order", "flattens channels first, not last", remedy, lambda x: _moved(x, -1, 1)
    yield "flattened in another order", "flattens with its spatial axes exchanged", remedy, lambda x: _moved(x, -1, -2)


def _moved(array: np.ndarray, source: int, target: int) -> np.ndarray | None:
    return np.moveaxis(array, source, target) if array.ndim > 2 else None


def _reversals(reference: np.ndarray) -> Iterator[Relation]:
    for axis in (1, -1) if reference.ndim == 4 else ():
        if reference.shape[axis] == 3:
            saying = "has the channels in reverse order (RGB and BGR)"
            yield "channels reversed", saying, "in one order", lambda x, axis=axis: np.flip(x, axis)
    for axis in range(1, reference.ndim):
        saying = f"is mirrored along axis {axis} of the reference"
        yield "mirrored", saying, "the same way round", lambda x, axis=axis: np.flip(x, axis)


def _divided(reference: np.ndarray) -> Iterator[Relation]:
    """Rows of numbers that were an image (a, b) and are taken in the order (b, a), for all a and b."""
    if reference.ndim != 2:
        return
    count = reference.shape[1]
    saying, remedy = (
        "has the numbers of a row in another order, as a flatten of the other layout gives them",
        "in one order",
    )
    for first in range(2, count // 2 + 1):
        if count % first == 0:
            yield (
                "flattened in another order",
                saying,
                remedy,
                lambda x, first=first: x.reshape(len(x), first, -1).swapaxes(1, 2).reshape(len(x), -1),
            )


def _affine(reference: np.ndarray, other: np.ndarray) -> Iterator[Relation]:
    """All numbers scaled and shifted alike, or each channel so."""
    x, y = reference.ravel(), other.ravel()
    if x.size > 2 and np.ptp(x):
        factor, shift = fitted(x, y)
        saying = f"has the numbers times {factor:.6g}" + (
            f" plus {shift:.4g}" if abs(shift) > CLOSE * np.ptp(y) else ""
        )
        yield "scaled", saying, "scaled alike", lambda x: factor * x + shift
    for axis in {1, reference.ndim - 1} if reference.ndim > 2 else ():
        fits = [
            fitted(a.ravel(), b.ravel())
            for a, b in zip(np.moveaxis(reference, axis, 0), np.moveaxis(other, axis, 0), strict=True)
        ]
        shape = [-1 if at == axis else 1 for at in range(reference.ndim)]
        factors, shifts = (np.reshape(each, shape) for each in zip(*fits, strict=True))
        yield (
            "normalised",
            "scales and shifts each channel by numbers of its own",
            "scaled alike",
            lambda x, factors=factors, shifts=shifts: factors * x + shifts,
        )


def fitted(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Factor and shift of the line through the points, by least squares."""
    spread = x - x.mean()
    power = float(spread @ spread)
    factor = float(spread @ (y - y.mean())) / power if power else 0.0
    return factor, float(y.mean() - factor * x.mean())


def row_order(reference: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    """Which row of the reference each row of the other is; None where they are not the same rows in another order."""
    if reference.ndim < 2 or len(reference) < 2:
        return None
    rows = [each.reshape(len(each), -1) for each in (reference, other)]
    places = np.linspace(0, rows[0].shape[1] - 1, COMPARED).astype(int)
    gaps = np.abs(rows[1][:, None, places] - rows[0][None, :, places]).max(-1)
    order = gaps.argmin(1)
    is_another = len(set(order)) == len(order) and not np.array_equal(order, np.arange(len(order)))
    return order if is_another and error(other, reference[order]) < CLOSE else None


def _dropped(other: np.ndarray) -> Callable[[np.ndarray], np.ndarray | None]:
    """What dropout makes of an array if it drops what is zero in the other."""

    def drop(x: np.ndarray) -> np.ndarray | None:
        if x.shape != other.shape:
            return None
        kept = (other != 0) & (x != 0)
        if not kept.any() or not ((other == 0) & (x != 0)).any():
            return None
        return np.where(other != 0, x * np.median(other[kept] / x[kept]), 0.0)

    return drop


MISTAKES = (flattened_otherwise, inputs_in_another_order)
