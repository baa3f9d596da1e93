"""Normalisations by the batch, by running statistics, by the layer and by groups of channels."""

from typing import Any

import numpy as np

from twintrain.recordings.comparing.operations.layouts import is_channels_first

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]
EPSILON = 1e-5


def batch_norm(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray:
    """Normalises each channel along `axis` (last, if not given) by the batch in training, else by moving statistics."""
    axis = options.get("axis", -1)
    axis = (axis[0] if isinstance(axis, list) else axis) % images.ndim
    images = np.moveaxis(images, axis, -1)
    if options.get("training") or "moving_mean" not in weights:
        others = tuple(range(images.ndim - 1))
        mean, variance = images.mean(others), images.var(others)
        # What no framework does to the output, but mistakes do: the variance that is meant for the running one.
        if options.get("unbiased"):
            rows = images.size // images.shape[-1]
            variance = variance * rows / max(rows - 1, 1)
    else:
        mean, variance = weights["moving_mean"], weights["moving_variance"]
    normal = (images - mean) / np.sqrt(variance + options.get("epsilon", EPSILON))
    return np.moveaxis(_scaled(normal, weights), -1, axis)


def layer_norm(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray:
    """Normalises each row over `axes` (the last, if not given), which gamma and beta have too."""
    axes = options.get("axes", [-1])
    axes = sorted(axis % rows.ndim for axis in ([axes] if isinstance(axes, int) else axes))
    mean, variance = rows.mean(tuple(axes), keepdims=True), rows.var(tuple(axes), keepdims=True)
    normal = (rows - mean) / np.sqrt(variance + options.get("epsilon", EPSILON))
    return _scaled(normal, _along(axes, rows, weights))


def rms_norm(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray:
    """Divides each row by its root mean square over `axes`, which gamma has too (Zhang and Sennrich 2019)."""
    axes = sorted(axis % rows.ndim for axis in options.get("axes", [-1]))
    mean = np.square(rows).mean(tuple(axes), keepdims=True)
    return _scaled(rows / np.sqrt(mean + options.get("epsilon", EPSILON)), _along(axes, rows, weights))


def group_norm(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray:
    """Normalises each row's groups of neighbouring channels along `axis`, over all of the image."""
    axis = options.get("axis", 1 if is_channels_first(options) else -1)
    images = np.moveaxis(images, axis, -1)
    split = images.reshape(*images.shape[:-1], int(options["groups"]), -1)
    axes = (*range(1, images.ndim - 1), images.ndim)
    mean, variance = split.mean(axes, keepdims=True), split.var(axes, keepdims=True)
    normal = (split - mean) / np.sqrt(variance + options.get("epsilon", EPSILON))
    return np.moveaxis(_scaled(normal.reshape(images.shape), weights), -1, axis)


def _along(axes: list[int], rows: np.ndarray, weights: Arrays) -> Arrays:
    """Weights with axes of one beside those that are normalised over."""
    shape = [length if axis in axes else 1 for axis, length in enumerate(rows.shape)]
    return {role: array.reshape(shape) for role, array in weights.items()}


def _scaled(normal: np.ndarray, weights: Arrays) -> np.ndarray:
    if "gamma" in weights:
        normal = normal * weights["gamma"]
    return normal + weights["beta"] if "beta" in weights else normal


OPERATIONS = {"batch_norm": batch_norm, "layer_norm": layer_norm, "rms_norm": rms_norm, "group_norm": group_norm}
