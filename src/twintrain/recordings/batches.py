"""Rows by which the batches of a loop are known again, whatever the framework and its layout."""

import numpy as np

# Of SplitMix64 (Steele, Lea and Flood 2014, figure 15), which spreads each bit over all others.
GAMMA, FIRST, SECOND = (np.uint64(each) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
SHIFTS = tuple(np.uint64(each) for each in (30, 27, 31))


def row_digests(array: np.ndarray) -> np.ndarray:
    """A number a row that other numbers hardly have and the same ones in another order do, such as channels put last.

    Args:
        array: (rows, …), taken as float32.

    Returns:
        uint64 (rows,).
    """
    rows = np.ascontiguousarray(array, np.float32).reshape(len(array), -1) + np.float32(0)  # one zero, not two
    with np.errstate(over="ignore"):
        mixed = rows.view(np.uint32).astype(np.uint64) + GAMMA
        mixed = (mixed ^ (mixed >> SHIFTS[0])) * FIRST
        mixed = (mixed ^ (mixed >> SHIFTS[1])) * SECOND
        return (mixed ^ (mixed >> SHIFTS[2])).sum(1, dtype=np.uint64)
