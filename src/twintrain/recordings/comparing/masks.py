"""Which keys attention sees by the masks that it is given, whose meaning no recording says: what gives its numbers."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from twintrain.recordings.comparing.layer_pair import REPRODUCED, Layer, as_masked

# Query, key and value, after which masks come.
UNMASKED = 3
# What is added to scores that are to count for nothing, and less.
LITTLE = -1e3


def seen_by(layer: Layer, precision: str) -> np.ndarray | None:
    """Which keys are seen, (rows, heads, queries, keys), where what is alike along an axis has it once.

    Masks are true where keys are seen or where they are not, or are added to scores; they are of queries and keys, of
    rows and keys, of rows and queries, or of all of them.

    Returns:
        None where no meaning of the masks gives the layer's output, or too little of its inputs is known.
    """
    if layer.is_sampled or any(each.ndim != 3 for each in layer.inputs[:UNMASKED]):
        return None
    axis = 0 if layer.options.get("time_major") else 1
    query, key = (each.shape[axis] for each in layer.inputs[:2])
    rows, later = layer.inputs[0].shape[1 - axis], np.tri(query, key, dtype=bool)[None, None]
    if len(layer.inputs) == UNMASKED:
        masked = as_masked(layer)
        found = later if masked.options.get("causal") else np.ones((1, 1, 1, 1), bool)
        return found if masked.reproduction_error() <= REPRODUCED[precision] else None
    meanings = [
        [seen for seen in _meanings(mask, rows, query, key) if _fits(seen, rows, query, key)]
        for mask in layer.inputs[UNMASKED:]
    ]
    for masks in itertools.product(*meanings, (np.ones_like(later), later)):
        seen = np.logical_and.reduce(np.broadcast_arrays(*masks))
        if with_mask(layer, seen).reproduction_error() <= REPRODUCED[precision]:
            return _bare(seen)
    return None


def with_mask(layer: Layer, seen: np.ndarray) -> Layer:
    """The layer without masks of its own, and with what it sees."""
    return replace(layer, inputs=layer.inputs[:UNMASKED], options={**layer.options, "seen": seen})


def words(seen: np.ndarray) -> str:
    """What is masked, as sentences have it."""
    if seen.all():
        return "none"
    if np.array_equal(seen, np.tri(*seen.shape[2:], dtype=bool)[None, None]):
        return "later times"
    return f"{int((~seen).sum()):,} of {seen.size:,} keys"


def _meanings(mask: np.ndarray, rows: int, queries: int, keys: int) -> Iterator[np.ndarray]:
    """All that a mask may say of which keys are seen, (rows, heads, queries, keys)."""
    is_added = mask.dtype.kind == "f" and not np.isin(mask, (0, 1)).all()
    for seen in [mask > LITTLE] if is_added else [mask != 0, mask == 0]:
        if seen.shape == (queries, keys):
            yield seen[None, None]
        if seen.shape == (rows, keys):
            yield seen[:, None, None]
        if seen.shape == (rows, queries):
            yield seen[:, None, :, None]
        if seen.ndim == 3 and len(seen) == 1:
            yield seen[None]
        elif seen.ndim == 3 and len(seen) % rows == 0:  # of each head, those of a row together
            yield seen.reshape(rows, -1, *seen.shape[1:])
        if seen.ndim == 4:
            yield seen


def _fits(seen: np.ndarray, rows: int, queries: int, keys: int) -> bool:
    """Whether it is of these rows, of any heads, and of these queries and keys, or alike for all of them."""
    lengths = zip(seen.shape, (rows, seen.shape[1], queries, keys), strict=True)
    return all(length in (1, wanted) for length, wanted in lengths)


def _bare(seen: np.ndarray) -> np.ndarray:
    """The same, with axes along which it is alike of length one."""
    for axis in range(seen.ndim):
        first = seen.take([0], axis)
        seen = first if (seen == first).all() else seen
    return seen
