"""Windows that keep the largest value or the mean."""

from typing import ClassVar, Literal

from pydantic import Field

from twintrain.models.layers.layer import MAX_SIZE, TAKES, Layer, Shape, expect_rank, window_shape


class Pool(Layer):
    """A window that moves over a sequence or an image, each channel by itself."""

    RANK: ClassVar[int]

    pool_size: int = Field(2, ge=1, le=MAX_SIZE)
    strides: int | None = Field(None, ge=1, le=MAX_SIZE, description="null: as pool_size")
    padding: Literal["valid", "same"] = "valid"

    @property
    def stride(self) -> int:
        return self.strides or self.pool_size

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (self.RANK + 1,), TAKES[self.RANK])
        return (*window_shape(shape, self.pool_size, self.stride, self.padding), shape[-1])


class MaxPool1D(Pool):
    """The largest value of each window of a sequence; padding never wins."""

    RANK = 1


class MaxPool2D(Pool):
    """The largest value of each window of an image; padding never wins."""

    RANK = 2


class AvgPool1D(Pool):
    """The mean of each window of a sequence; padding is not counted."""

    RANK = 1


class AvgPool2D(Pool):
    """The mean of each window of an image; padding is not counted."""

    RANK = 2


class GlobalAvgPool(Layer):
    """The mean of each channel over all steps or pixels: (…, channels) → (channels,)."""

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2, 3), "it takes sequences and images")
        return shape[-1:]
