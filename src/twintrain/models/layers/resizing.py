"""Cells that are added, left out or repeated."""

from abc import abstractmethod
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from twintrain.errors import UserError, shown
from twintrain.models.layers.layer import MAX_SIZE, TAKES, TAKES_ALL, Layer, Shape, expect_rank, expect_room
from twintrain.models.layers.window import by, one_an_axis

Sides = tuple[int, int]


def _margin(value: Any) -> Any:
    """Reads a number for all sides, or a list of one entry an axis: a number, or [before, after]."""
    entries = value if isinstance(value, list | tuple) else [value]
    sides = [tuple(entry) if isinstance(entry, list | tuple) else (entry, entry) for entry in entries]
    numbers = [number for side in sides for number in side]
    if any(len(side) != 2 for side in sides) or any(type(n) is not int or not 0 <= n <= MAX_SIZE for n in numbers):
        raise ValueError(
            f"expected 0 to {MAX_SIZE:,} or a list, for each axis of one such or [before, after], got {shown(value)}"
        )
    return value if isinstance(value, int) else tuple(sides)


Margin = Annotated[int | tuple[Sides, ...], BeforeValidator(_margin)]


class Margins(Layer):
    """Cells before and after each axis of a sequence, an image or a volume."""

    @property
    @abstractmethod
    def margin(self) -> int | tuple[Sides, ...]:
        """How many cells: for all sides, or for those of each axis."""

    def sides(self, shape: Shape) -> tuple[Sides, ...]:
        """Cells before and after each axis of a sample but the last.

        Raises:
            UserError: the sample has more or fewer axes.
        """
        expect_rank(shape, (2, 3, 4), TAKES_ALL)
        axes = len(shape) - 1
        sides = ((self.margin, self.margin),) * axes if isinstance(self.margin, int) else self.margin
        if len(sides) != axes:
            entries = f"{axes} entries" if axes > 1 else "one entry"
            raise UserError(
                f"expected a number, or a list of {entries} for a sample of {shape}, got {len(sides)} of them"
            )
        return sides


class ZeroPadding(Margins):
    """Zeros around a sequence, an image or a volume: (…, channels) → (…, channels)."""

    padding: Margin

    @property
    def margin(self) -> int | tuple[Sides, ...]:
        return self.padding

    def output_shape(self, shape: Shape) -> Shape:
        padded = (*(size + sum(sides) for size, sides in zip(shape, self.sides(shape), strict=False)), shape[-1])
        expect_room(*padded)
        return padded


class Cropping(Margins):
    """The inner part of a sequence, an image or a volume: (…, channels) → (…, channels)."""

    cropping: Margin

    @property
    def margin(self) -> int | tuple[Sides, ...]:
        return self.cropping

    def output_shape(self, shape: Shape) -> Shape:
        cut = [sum(sides) for sides in self.sides(shape)]
        left = [size - cells for size, cells in zip(shape, cut, strict=False)]
        if min(left) < 1:
            raise UserError(f"a cropping of {by(cut)} leaves nothing of {by(shape[:-1])}")
        return (*left, shape[-1])


class UpSampling2D(Layer):
    """Each pixel several times, or what lies between pixels: (height, width, channels) → (height', width', channels).

    Attributes:
        size: how many pixels come of one along each axis, by one number or a list [height, width].
        interpolation: `nearest` repeats pixels; `bilinear` mixes the two along each axis whose centres are nearest, and
            repeats those at the edges.
    """

    size: tuple[int, ...] = Field(2, validate_default=True)
    interpolation: Literal["nearest", "bilinear"] = "nearest"

    @field_validator("size", mode="before")
    @classmethod
    def _sizes(cls, value: Any) -> Shape:
        return one_an_axis(value, 2)

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (3,), TAKES[2])
        height, width, channels = shape
        larger = (height * self.size[0], width * self.size[1], channels)
        expect_room(*larger)
        return larger
