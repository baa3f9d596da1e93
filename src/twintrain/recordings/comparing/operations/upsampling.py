"""Interpolation of images, axis by axis."""

from typing import Any

import numpy as np

from twintrain.recordings.comparing.operations.layouts import from_last, to_last
from twintrain.recordings.comparing.operations.windows import per_axis

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]
LINEAR = ("linear", "bilinear", "trilinear")


def upsample(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray | None:
    """To `size`, or by whole `scale`; by the nearest number, or linearly between the middles or the ends of pixels."""
    mode = options.get("mode", "nearest")
    if mode not in (*LINEAR, "nearest") or options.get("antialias"):
        return None
    images = to_last(images, options)
    axes = images.ndim - 2
    scales = options.get("scale")
    if scales is not None and any(scale != int(scale) for scale in (scales if isinstance(scales, list) else [scales])):
        return None  # PyTorch and Keras round other scales in ways of their own
    if scales is None:
        sizes = per_axis(options["size"], axes)
    else:
        sizes = tuple(length * scale for length, scale in zip(images.shape[1:-1], per_axis(scales, axes), strict=True))
    for axis, size in enumerate(sizes, 1):
        length = images.shape[axis]
        if mode == "nearest":
            images = np.take(images, np.arange(size) * length // size, axis)
        else:
            images = _between(images, axis, _places(length, size, bool(options.get("align_corners"))))
    return from_last(images, options)


def _places(length: int, size: int, align: bool) -> np.ndarray:
    """Where the new pixels lie among the old ones."""
    if align:
        return np.linspace(0, length - 1, size)
    return np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)


def _between(images: np.ndarray, axis: int, places: np.ndarray) -> np.ndarray:
    low = np.floor(places).astype(int)
    share = (places - low).reshape(-1, *(1,) * (images.ndim - 1 - axis))
    high = np.minimum(low + 1, images.shape[axis] - 1)
    return np.take(images, low, axis) * (1 - share) + np.take(images, high, axis) * share


OPERATIONS = {"upsample": upsample}
