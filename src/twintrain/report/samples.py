"""Rows of arrays as a page shows them: images as small PNGs, sequences and vectors as lines."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

SHOWN_PIXELS = 112
LINE_WIDTH, LINE_HEIGHT = 160, 60
SHOWN_STEPS = 200


@dataclass(frozen=True)
class Sample:
    """One row.

    Attributes:
        image: a PNG as base64; empty for what is no image.
        lines: one text of points a channel, for an SVG of LINE_WIDTH × LINE_HEIGHT.
        masks: of a segmentation, such PNGs by what they show: the true mask, and what the networks made of it.
    """

    image: str = ""
    lines: tuple[str, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict)


def samples_of(rows: np.ndarray, masks: Mapping[str, np.ndarray] | None = None) -> list[Sample]:
    """Draws raw rows: uint8 images (rows, height, width, channels), sequences (rows, steps, channels) or vectors.

    Args:
        masks: of images, arrays (rows, height · width) from 0 to 1 by what they show.
    """
    if rows.ndim == 4:
        shape, masks = (*rows.shape[1:3], 1), masks or {}
        drawn = [{name: png(each[place].reshape(shape)) for name, each in masks.items()} for place in range(len(rows))]
        return [Sample(image=png(row), masks=found) for row, found in zip(rows, drawn, strict=True)]
    return [Sample(lines=_lines(row.reshape(len(row), -1))) for row in rows]


def png(image: np.ndarray) -> str:
    """An image (height, width, 1 or 3), uint8 or from 0 to 1, as base64 of a PNG of at most SHOWN_PIXELS a side."""
    pixels = image if image.dtype == np.uint8 else (np.clip(image, 0, 1) * 255.0).round().astype(np.uint8)
    picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    picture.thumbnail((SHOWN_PIXELS, SHOWN_PIXELS))
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _lines(steps: np.ndarray) -> tuple[str, ...]:
    """Points of each column of (steps, channels), the whole row scaled to the box together."""
    every = -(-len(steps) // SHOWN_STEPS)
    steps = np.nan_to_num(steps[::every].astype(np.float64))
    low, extent = steps.min(), np.ptp(steps) or 1.0
    across = np.linspace(2, LINE_WIDTH - 2, len(steps))
    down = 2 + (LINE_HEIGHT - 4) * (1 - (steps - low) / extent)
    return tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, column, strict=True)) for column in down.T)


def rows_to_draw(details: dict[str, Any]) -> np.ndarray:
    """Row numbers (int64) of the disagreements that have no columns to list: those of arrays."""
    listed = details.get("disagreements", [])
    return np.array([found["row"] for found in listed if found["columns"] is None], dtype=np.int64)
