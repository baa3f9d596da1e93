"""Scalers that are fitted on the training rows alone, as plain dicts for JSON."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from twintrain.errors import UserError


def fit_scaler(blocks: Iterable[np.ndarray], method: str) -> dict[str, Any] | None:
    """Fits a scaler on blocks of training rows (rows, columns); None when there is nothing to scale.

    Means and variances of blocks are put together as T. F. Chan, G. H. Golub and R. J. LeVeque do (Updating formulae
    and a pairwise algorithm for computing sample variances, 1979).

    Returns:
        `{"method": "standard", "mean": […], "scale": […]}` with the biased standard deviation, as
        scikit-learn's StandardScaler; a constant column gets scale 1.
    """
    if method == "none":
        return None
    rows, mean, variance = 0, 0.0, 0.0
    for block in blocks:
        if block.dtype.kind != "f" or block.ndim != 2:
            raise UserError(
                "split.scale: standard needs numeric columns; expected split.scale: none for codes and images"
            )
        share = len(block) / (rows + len(block))
        step = block.mean(axis=0, dtype=np.float64) - mean
        within = block.var(axis=0, dtype=np.float64)
        variance = (1 - share) * variance + share * within + share * (1 - share) * step**2
        mean, rows = mean + share * step, rows + len(block)
    deviation = np.sqrt(variance)
    return {
        "method": method,
        "mean": mean.tolist(),
        "scale": np.where(deviation > 0, deviation, 1.0).tolist(),
    }


def fit_target_scaler(labels: np.ndarray, method: str) -> dict[str, Any] | None:
    """Fits a scaler on the numbers (rows, outputs) that training rows should be given, as `fit_scaler`."""
    if method != "none" and labels.dtype.kind != "f":
        raise UserError("split.scale_target: standard is for a regression; expected split.scale_target: none")
    return fit_scaler([labels], method)


def scale(numbers: np.ndarray, scaler: dict[str, Any] | None) -> np.ndarray:
    """Applies a fitted scaler; keeps the dtype."""
    if scaler is None:
        return numbers
    return ((numbers - np.array(scaler["mean"])) / np.array(scaler["scale"])).astype(numbers.dtype)


def output_scaler(scalers: dict[str, Any], task: str) -> dict[str, Any] | None:
    """Of the scalers in scaler.json, the one that what a network gives is in."""
    return scalers["features" if task == "reconstruction" else "target"]


def unscale(numbers: np.ndarray, scaler: dict[str, Any] | None) -> np.ndarray:
    """Takes a scaler back; float64."""
    if scaler is None:
        return numbers.astype(np.float64)
    return numbers * np.array(scaler["scale"]) + np.array(scaler["mean"])
