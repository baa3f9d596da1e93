"""Pools over windows and over all of an image."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twintrain.recordings.comparing.operations.layouts import from_last, to_last
from twintrain.recordings.comparing.operations.windows import per_axis, windows

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]


def max_pool(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray:
    """The largest number of each window; padding never wins, unless it has a `padding_value`."""
    images = to_last(images, options)
    seen = windows(_strided(options), _size(options, images), images.shape[1:-1])
    largest = np.full((len(images), *seen.counts, images.shape[-1]), -np.inf)
    value = options.get("padding_value")
    for _, view in seen.positions(seen.padded(images, -np.inf if value is None else value)):
        np.maximum(largest, view, out=largest)
    return from_last(largest, options)


def avg_pool(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray:
    """The mean of each window, over the padding too where `count_include_pad`, never over what ceil_mode adds."""
    images = to_last(images, options)
    lengths = images.shape[1:-1]
    seen = windows(_strided(options), _size(options, images), lengths)
    total = sum(view for _, view in seen.positions(seen.padded(images)))
    if options.get("divisor"):
        return from_last(total / options["divisor"], options)
    counted = np.zeros((1, *(length + sum(pad) for length, pad in zip(lengths, seen.pads, strict=True)), 1))
    if options.get("count_include_pad"):
        counted += 1
    else:
        inner = (slice(before, before + length) for length, (before, _) in zip(lengths, seen.pads, strict=True))
        counted[(slice(None), *inner)] = 1
    beyond = [(0, max(0, need - have)) for need, have in zip(_reach(seen), counted.shape[1:-1], strict=True)]
    counted = np.pad(counted, [(0, 0), *beyond, (0, 0)])
    return from_last(total / sum(view for _, view in seen.positions(counted)), options)


def global_pool(options: Options, images: np.ndarray, reduce: Callable[..., np.ndarray]) -> np.ndarray:
    """One number a channel: (rows, channels), or with axes of one where `keepdims`."""
    images = to_last(images, options)
    keeps = bool(options.get("keepdims"))
    pooled = reduce(images, axis=tuple(range(1, images.ndim - 1)), keepdims=keeps)
    return from_last(pooled, options) if keeps else pooled


def adaptive_avg_pool(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray:
    """Means of windows so large that there are `size` of them (PyTorch's AdaptiveAvgPool)."""
    images = to_last(images, options)
    wanted = options.get("size", options.get("output_size"))
    sizes = [wanted] * (images.ndim - 2) if wanted is None or isinstance(wanted, int) else wanted
    for axis, size in enumerate(sizes, 1):
        length = images.shape[axis]
        count = length if size is None else size
        bounds = [(at * length // count, -(-(at + 1) * length // count)) for at in range(count)]
        means = [np.take(images, range(*bound), axis).mean(axis) for bound in bounds]
        images = np.stack(means, axis)
    return from_last(images, options)


def _strided(options: Options) -> Options:
    """The options with strides: windows follow each other without a gap where none are given."""
    return {**options, "strides": options.get("strides") or options["size"]}


def _size(options: Options, images: np.ndarray) -> tuple[int, ...]:
    return per_axis(options["size"], images.ndim - 2)


def _reach(seen: Any) -> list[int]:
    spans = zip(seen.counts, seen.strides, seen.size, seen.dilation, strict=True)
    return [(count - 1) * stride + (size - 1) * gap + 1 for count, stride, size, gap in spans]


OPERATIONS = {
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_avg_pool": lambda options, weights, images: global_pool(options, images, np.mean),
    "global_max_pool": lambda options, weights, images: global_pool(options, images, np.max),
    "adaptive_avg_pool": adaptive_avg_pool,
}
