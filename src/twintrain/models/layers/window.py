"""What convolutions and pools have in common: a window that moves over all axes of a sample but the last."""

import math
from abc import abstractmethod
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from twintrain.errors import UserError, shown
from twintrain.models.layers.layer import MAX_SIZE, TAKES, Layer, Shape, expect_rank, expect_room

# The axes that a window of so many moves over.
AXES = {1: "[steps]", 2: "[height, width]", 3: "[depth, height, width]"}


class Window(Layer):
    """A window, by one number for all axes or a list of one each.

    Attributes:
        strides: how far it moves at once.
        padding: `valid` adds nothing; `same` adds what makes strides of 1 keep the size, an odd cell after; numbers add
            so many cells on either side of an axis.
    """

    RANK: ClassVar[int]

    strides: tuple[int, ...] = Field(1, validate_default=True)
    padding: Literal["valid", "same"] | tuple[int, ...] = "valid"

    @field_validator("kernel_size", "pool_size", "strides", "dilation_rate", mode="before", check_fields=False)
    @classmethod
    def _sizes(cls, value: Any, place: ValidationInfo) -> Shape | None:
        if value is None and cls.model_fields[place.field_name].default is None:
            return None
        return one_an_axis(value, cls.RANK)

    @field_validator("padding", mode="before")
    @classmethod
    def _word_or_sizes(cls, value: Any) -> Any:
        return value if value in ("valid", "same") else one_an_axis(value, cls.RANK, 0, "valid, same, ")

    @property
    @abstractmethod
    def window(self) -> Shape:
        """Its size along each axis, gaps included."""

    @property
    def moves(self) -> Shape:
        """How far it moves along each axis."""
        return self.strides

    def sides(self, shape: Shape) -> list[tuple[int, int]]:
        """Cells that are added before and after each axis of a sample."""
        match self.padding:
            case "valid":
                return [(0, 0)] * self.RANK
            case "same":
                return list(map(same_padding, shape, self.window, self.moves))
        return [(cells, cells) for cells in self.padding]

    def places(self, shape: Shape) -> Shape:
        """How many places the window has along each axis.

        Raises:
            UserError: a sample has another number of axes, or the window is larger than what it moves over.
        """
        expect_rank(shape, (self.RANK + 1,), TAKES[self.RANK])
        padded = [size + sum(sides) for size, sides in zip(shape, self.sides(shape), strict=False)]
        expect_room(*padded, shape[-1])
        if any(window > size for window, size in zip(self.window, padded, strict=True)):
            raise UserError(f"a window of {by(self.window)} does not fit into {by(padded)}")
        return tuple(
            (size - window) // move + 1 for size, window, move in zip(padded, self.window, self.moves, strict=True)
        )


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Cells that `same` adds before and after an axis; an odd one goes after, as in TensorFlow."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def one_an_axis(value: Any, rank: int, least: int = 1, words: str = "") -> Shape:
    """Reads a number for all axes, or a list of one number an axis; `words` are what else may stand there."""
    numbers = value if isinstance(value, list | tuple) else [value] * rank
    if len(numbers) == rank and all(type(number) is int and least <= number <= MAX_SIZE for number in numbers):
        return tuple(numbers)
    raise ValueError(f"expected {words}{least} to {MAX_SIZE:,} or a list {AXES[rank]} of such, got {shown(value)}")


def by(sizes: list[int] | Shape) -> str:
    """Sizes as an error shows them: `4 × 6`."""
    return " × ".join(map(str, sizes))
