"""Convolutions over any number of axes: a matrix product for each place of the kernel."""

from typing import Any

import numpy as np

from twintrain.recordings.comparing.operations.layouts import from_last, to_last
from twintrain.recordings.comparing.operations.windows import padding, per_axis, windows

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]


def conv(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray | None:
    """Cross-correlation in `groups`; kernel (*spatial, input / groups, output)."""
    if options.get("padding_mode", "zeros") != "zeros":
        return None
    kernel, groups = weights["kernel"], int(options.get("groups") or 1)
    images = to_last(images, options)
    *size, inputs, outputs = kernel.shape
    if images.ndim != kernel.ndim or images.shape[-1] != inputs * groups:
        raise ValueError(f"a kernel {kernel.shape} in {groups} groups for images {images.shape}")
    seen = windows(options, size, images.shape[1:-1])
    total = np.zeros((len(images), *seen.counts, groups, outputs // groups))
    for place, view in seen.positions(seen.padded(images)):
        total += _grouped(view, kernel[place], groups)
    return from_last(_biased(total.reshape(*total.shape[:-2], outputs), weights), options)


def depthwise_conv(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray | None:
    """Each channel by kernels of its own; kernel (*spatial, channels, multiplier), or as grouped ones are laid out."""
    images = to_last(images, options)
    kernel = weights["kernel"]
    *size, _, _ = kernel.shape
    kernel = kernel.reshape(*size, images.shape[-1], -1)
    grouped = {**options, "groups": images.shape[-1], "data_format": "last"}
    kernel = kernel.reshape(*size, 1, -1)
    return from_last(conv(grouped, {**weights, "kernel": kernel}, images), options)


def conv_transpose(options: Options, weights: Arrays, images: np.ndarray) -> np.ndarray | None:
    """The gradient of a convolution by its input; kernel (*spatial, input, output / groups).

    Numbers as `padding` are what is cut off the full output before and after each axis, as PyTorch means them.
    """
    kernel, groups = weights["kernel"], int(options.get("groups") or 1)
    images = to_last(images, options)
    *size, inputs, outputs = kernel.shape
    if images.ndim != kernel.ndim or images.shape[-1] != inputs:
        raise ValueError(f"a kernel {kernel.shape} for images {images.shape}")
    axes, lengths = len(size), images.shape[1:-1]
    strides, dilation = per_axis(options.get("strides") or 1, axes), per_axis(options.get("dilation") or 1, axes)
    spans = list(zip(lengths, size, strides, dilation, strict=True))
    full = [(length - 1) * stride + (window - 1) * gap + 1 for length, window, stride, gap in spans]
    # Longer than the last number needs, by a stride: an output may be longer than what was added to it.
    room = [length + stride for length, stride in zip(full, strides, strict=True)]
    total = np.zeros((len(images), *room, groups, outputs))
    for place in np.ndindex(*size):
        steps = zip(place, dilation, strides, lengths, strict=True)
        parts = [slice(at * gap, at * gap + (count - 1) * step + 1, step) for at, gap, step, count in steps]
        total[(slice(None), *parts)] += _grouped(images, _by_input(kernel[place], groups), groups)
    parts = [slice(start, start + length) for start, length in _kept(options, size, strides, dilation, lengths, full)]
    total = total[(slice(None), *parts)]
    return from_last(_biased(total.reshape(*total.shape[:-2], groups * outputs), weights), options)


def _kept(
    options: Options,
    size: list[int],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    lengths: tuple[int, ...],
    full: list[int],
) -> list[tuple[int, int]]:
    """Where the output of a transposed convolution begins in the full one, and its length, for each axis."""
    form = options.get("padding", "valid")
    added = per_axis(options.get("output_padding") or 0, len(size))
    if form == "same":
        wanted = [length * stride for length, stride in zip(lengths, strides, strict=True)]
        pads = padding("same", size, strides, dilation, wanted)
        return [(before, length) for (before, _), length in zip(pads, wanted, strict=True)]
    if form == "valid":
        # Keras's output is as long as the strides reach, PyTorch's, which names what it adds, as long as the kernel.
        is_keras = options.get("output_padding") is None
        spare = [is_keras * max(stride - window, 0) for stride, window in zip(strides, size, strict=True)]
        return [(0, length + extra + more) for length, extra, more in zip(full, spare, added, strict=True)]
    pads = padding(form, size, strides, dilation, lengths)
    return [
        (before, length - before - after + more)
        for (before, after), length, more in zip(pads, full, added, strict=True)
    ]


def _grouped(images: np.ndarray, kernel: np.ndarray, groups: int) -> np.ndarray:
    """One product (…, inputs) by (inputs / groups, outputs), which gives (…, groups, outputs / groups)."""
    if groups == 1:
        return (images @ kernel)[..., None, :]
    split = images.reshape(*images.shape[:-1], groups, -1)
    kernels = kernel.reshape(kernel.shape[0], groups, -1)
    return np.einsum("...gi,igo->...go", split, kernels)


def _by_input(kernel: np.ndarray, groups: int) -> np.ndarray:
    """A kernel (input, output / groups) whose groups lie along the input, as one (input / groups, output)."""
    inputs, outputs = kernel.shape
    return kernel.reshape(groups, inputs // groups, outputs).transpose(1, 0, 2).reshape(inputs // groups, -1)


def _biased(output: np.ndarray, weights: Arrays) -> np.ndarray:
    return output + weights["bias"] if "bias" in weights else output


OPERATIONS = {"conv": conv, "depthwise_conv": depthwise_conv, "conv_transpose": conv_transpose}
