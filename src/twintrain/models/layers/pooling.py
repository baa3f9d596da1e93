"""Windows that keep the largest value or the mean."""

from typing import ClassVar

from pydantic import Field

from twintrain.errors import UserError
from twintrain.models.layers.layer import TAKES_ALL, Layer, Padding, Shape, expect_rank
from twintrain.models.layers.window import Window


class Pool(Window):
    """A window that moves over a sequence, an image or a volume, each channel by itself."""

    pool_size: tuple[int, ...] = Field(2, validate_default=True)
    strides: tuple[int, ...] | None = Field(None, description="null: as pool_size")

    @property
    def window(self) -> Shape:
        return self.pool_size

    @property
    def moves(self) -> Shape:
        return self.strides or self.pool_size

    def output_shape(self, shape: Shape) -> Shape:
        places = self.places(shape)
        if any(max(sides) >= window for sides, window in zip(self.sides(shape), self.pool_size, strict=True)):
            raise UserError(
                f"a window of padding alone would have no value; expected a padding below pool_size "
                f"{list(self.pool_size)}, got {list(self.padding)}"
            )
        return (*places, shape[-1])


class MaxPool1D(Pool):
    """The largest value of each window of a sequence; padding never wins."""

    RANK = 1


class MaxPool2D(Pool):
    """The largest value of each window of an image; padding never wins."""

    RANK = 2


class MaxPool3D(Pool):
    """The largest value of each window of a volume; padding never wins."""

    RANK = 3


class AvgPool1D(Pool):
    """The mean of each window of a sequence; padding is not counted."""

    RANK = 1


class AvgPool2D(Pool):
    """The mean of each window of an image; padding is not counted."""

    RANK = 2


class AvgPool3D(Pool):
    """The mean of each window of a volume; padding is not counted."""

    RANK = 3


class GlobalPool(Layer):
    """One value a channel: (…, channels) → (channels,)."""

    PADDING: ClassVar[Padding] = "left out"

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2, 3, 4), TAKES_ALL)
        return shape[-1:]


class GlobalMaxPool(GlobalPool):
    """The largest value of each channel of all steps or pixels; 0 where all steps are padding."""


class GlobalAvgPool(GlobalPool):
    """The mean of each channel over all steps or pixels; 0 where all steps are padding."""
