"""Where the windows of convolutions and pools lie: padding, strides, dilation, and what each position sees."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Pads = list[tuple[int, int]]


@dataclass(frozen=True)
class Windows:
    """The windows of a layer on images (rows, *spatial, channels).

    Attributes:
        size: of a window, one number a spatial axis, like all that follow.
        strides: from one window to the next.
        dilation: from one number within a window to the next.
        pads: what is added before and after.
        counts: how many windows there are.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: Pads
    counts: tuple[int, ...]

    def padded(self, images: np.ndarray, value: float = 0.0) -> np.ndarray:
        """The images with as much around them as the last window needs, or without what no window sees."""
        reach = [
            (count - 1) * stride + (size - 1) * dilation + 1
            for count, stride, size, dilation in zip(self.counts, self.strides, self.size, self.dilation, strict=True)
        ]
        lengths = images.shape[1:-1]
        after = [
            max(need - before - length, 0) for need, (before, _), length in zip(reach, self.pads, lengths, strict=True)
        ]
        pads = [(before, end) for (before, _), end in zip(self.pads, after, strict=True)]
        return np.pad(images, [(0, 0), *pads, (0, 0)], constant_values=value)

    def positions(self, padded: np.ndarray) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """For each place in a window, what all windows see there: views (rows, *counts, channels)."""
        for place in itertools.product(*map(range, self.size)):
            steps = zip(place, self.dilation, self.strides, self.counts, strict=True)
            parts = [slice(at * gap, at * gap + (count - 1) * stride + 1, stride) for at, gap, stride, count in steps]
            yield place, padded[(slice(None), *parts)]


def windows(options: Mapping[str, Any], size: Sequence[int], lengths: Sequence[int]) -> Windows:
    """The windows that options make on images with these spatial lengths.

    Raises:
        ValueError: not one window fits.
    """
    axes = len(size)
    strides, dilation = per_axis(options.get("strides") or 1, axes), per_axis(options.get("dilation") or 1, axes)
    pads = padding(options.get("padding", "valid"), size, strides, dilation, lengths)
    counts = []
    for length, pad, window, stride, gap in zip(lengths, pads, size, strides, dilation, strict=True):
        room = length + sum(pad) - (window - 1) * gap - 1
        count = (-(-room // stride) if options.get("ceil_mode") else room // stride) + 1
        # PyTorch drops a last window that would begin in the padding behind.
        if options.get("ceil_mode") and (count - 1) * stride >= length + pad[0]:
            count -= 1
        counts.append(count)
    if min(counts) < 1:
        raise ValueError(f"no window of {tuple(size)} fits into {tuple(lengths)}")
    return Windows(tuple(size), strides, dilation, pads, tuple(counts))


def padding(
    form: Any, size: Sequence[int], strides: Sequence[int], dilation: Sequence[int], lengths: Sequence[int]
) -> Pads:
    """What a form of padding adds before and after each spatial axis: valid, same, causal, or the numbers themselves.

    `same` is TensorFlow's: the larger half comes after.
    """
    if isinstance(form, int):
        return [(form, form)] * len(size)
    if not isinstance(form, str):
        return [(pad, pad) if isinstance(pad, int) else (int(pad[0]), int(pad[1])) for pad in form]
    if form == "valid":
        return [(0, 0)] * len(size)
    reaches = [(window - 1) * gap + 1 for window, gap in zip(size, dilation, strict=True)]
    if form == "causal":
        return [(reach - 1, 0) for reach in reaches]
    if form != "same":
        raise ValueError(f"padding {form!r}")
    totals = [
        max((-(-length // stride) - 1) * stride + reach - length, 0)
        for length, stride, reach in zip(lengths, strides, reaches, strict=True)
    ]
    return [(total // 2, total - total // 2) for total in totals]


def per_axis(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """A number, or one an axis, as one an axis."""
    values = (value,) * axes if isinstance(value, int) else tuple(int(each) for each in value)
    return values * axes if len(values) == 1 else values
