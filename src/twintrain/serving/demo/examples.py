"""Test rows to begin with."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def chosen_rows(labels: np.ndarray, count: int) -> np.ndarray:
    """Chooses rows of a part so that all classes have a turn.

    Args:
        labels: (rows,) int64 of classes; or (rows, outputs) of numbers, of which rows are taken at even distances.
        count: how many rows at most.

    Returns:
        int64, places in `labels`: a row of each class in their order, then another of each, and so on.
    """
    if labels.ndim > 1:
        return np.arange(0, len(labels), -(-len(labels) // count))
    turns = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        turns[labels == label] = np.arange((labels == label).sum())
    return np.lexsort((labels, turns))[:count]


def as_points(sample: np.ndarray) -> "pd.DataFrame":
    """A sequence (steps, channels) or vector (numbers,) as the points of a chart: place, number and channel."""
    import pandas as pd

    channels = sample.reshape(len(sample), -1)
    places, numbers = np.indices(channels.shape)
    return pd.DataFrame(
        {"place": places.ravel(), "number": channels.ravel(), "channel": [f"channel {one + 1}" for one in numbers.flat]}
    )
