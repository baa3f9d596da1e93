"""Train, validation and test rows, and the scaler that is fitted on the training rows alone."""

from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from twintrain.config import Split
from twintrain.data.parts import PARTS
from twintrain.errors import UserError


def split_rows(labels: np.ndarray, split: Split) -> dict[str, np.ndarray]:
    """Draws the row numbers of each part, in ascending order.

    Raises:
        UserError: a class has too few rows to be in all three parts.
    """
    rows = np.arange(len(labels))
    if split.method == "same":
        return dict.fromkeys(PARTS, rows)
    try:
        rest, test = train_test_split(rows, test_size=split.test, stratify=labels, random_state=split.seed)
        share = split.val / (1 - split.test)
        train, val = train_test_split(rest, test_size=share, stratify=labels[rest], random_state=split.seed)
        parts = {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test)}
    except ValueError:
        parts = {}
    classes = len(np.unique(labels))
    if not parts or any(len(np.unique(labels[part])) < classes for part in parts.values()):
        counts = np.bincount(labels)
        raise UserError(
            f"split: expected every class in train, val and test, but {len(labels)} rows with "
            f"{counts[counts > 0].min()} in the smallest class are too few for val: {split.val:g} and "
            f"test: {split.test:g}; for truth tables there is split.method: same"
        )
    return parts


def fit_scaler(features: np.ndarray, method: str) -> dict[str, Any] | None:
    """Fits a scaler on training rows (rows, columns); None when there is nothing to scale.

    Returns:
        `{"method": "standard", "mean": […], "scale": […]}` with the biased standard deviation, as
        scikit-learn's StandardScaler; a constant column gets scale 1.
    """
    if method == "none":
        return None
    if features.dtype.kind != "f" or features.ndim != 2:
        raise UserError("split.scale: standard needs numeric columns; expected split.scale: none for codes and images")
    deviation = features.std(axis=0, dtype=np.float64)
    return {
        "method": method,
        "mean": features.mean(axis=0, dtype=np.float64).tolist(),
        "scale": np.where(deviation > 0, deviation, 1.0).tolist(),
    }


def scale(features: np.ndarray, scaler: dict[str, Any] | None) -> np.ndarray:
    """Applies a fitted scaler; keeps the dtype."""
    if scaler is None:
        return features
    return ((features - np.array(scaler["mean"])) / np.array(scaler["scale"])).astype(features.dtype)
