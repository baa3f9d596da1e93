"""Convolutions of sequences, images and volumes."""

import math
from typing import Any, ClassVar

from pydantic import Field, field_validator

from twintrain.errors import UserError
from twintrain.models.layers.layer import (
    MAX_SIZE,
    TAKES,
    BiasInitializer,
    Initializer,
    Positive,
    Shape,
    Weight,
    expect_rank,
    expect_room,
    kernel_and_bias,
)
from twintrain.models.layers.window import Window, by, one_an_axis


class KernelWindow(Window):
    """The window of a kernel; what a padding adds is zero.

    Attributes:
        dilation_rate: how far apart neighbours in the window are.
    """

    kernel_size: tuple[int, ...]
    dilation_rate: tuple[int, ...] = Field(1, validate_default=True)

    @property
    def window(self) -> Shape:
        return tuple((size - 1) * rate + 1 for size, rate in zip(self.kernel_size, self.dilation_rate, strict=True))


class Conv(KernelWindow):
    """Cross-correlation: (…, channels) → (…, filters).

    Attributes:
        groups: in so many equal shares channels are convolved, each by as many of the filters, side by side.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}

    filters: int = Positive
    groups: int = Field(1, ge=1, le=MAX_SIZE)
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        places = self.places(shape)
        if shape[-1] % self.groups or self.filters % self.groups:
            raise UserError(
                f"groups: expected a divisor of {shape[-1]} channels and {self.filters} filters, got {self.groups}"
            )
        return (*places, self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        kernel = (*self.kernel_size, shape[-1] // self.groups, self.filters)
        return kernel_and_bias(kernel, self.kernel_initializer, self.bias_initializer, self.use_bias, self.groups)


class Conv1D(Conv):
    """1-D cross-correlation: (steps, channels) → (steps', filters)."""

    RANK = 1


class Conv2D(Conv):
    """2-D cross-correlation: (height, width, channels) → (height', width', filters)."""

    RANK = 2


class Conv3D(Conv):
    """3-D cross-correlation: (depth, height, width, channels) → (depth', height', width', filters)."""

    RANK = 3

    def taken_strides(self, shape: Shape) -> Shape:
        """The strides, 1 where there is one place alone."""
        return tuple(
            stride if places > 1 else 1 for stride, places in zip(self.strides, self.places(shape), strict=True)
        )

    def reached(self, shape: Shape) -> list[int]:
        """How many cells of each axis windows reach, what padding adds before included."""
        numbers = zip(self.places(shape), self.strides, self.window, strict=True)
        return [(places - 1) * stride + window for places, stride, window in numbers]

    @field_validator("groups")
    @classmethod
    def _one(cls, groups: int) -> int:
        if groups > 1:
            raise ValueError(f"expected 1, since TensorFlow's 3-D convolutions have no groups, got {groups}")
        return groups


class ConvTranspose(Window):
    """The transpose of a cross-correlation, as its gradient is: (…, channels) → (…, filters).

    Each input adds the kernel, so many times, to a window of the output, and windows of neighbours are `strides` apart:
    n of them reach over (n − 1) · strides + kernel_size. Words of `padding` mean what they do in Keras, numbers what
    they do in PyTorch.

    Attributes:
        padding: `valid` gives all that windows reach, but n · strides at least; `same` gives n · strides, of what is
            more an odd cell is left out after; numbers leave out so many cells on either side.
        output_padding: so many of the cells that numbers leave out after an axis are given all the same.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}

    filters: int = Positive
    kernel_size: tuple[int, ...]
    output_padding: tuple[int, ...] = Field(0, validate_default=True)
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    @field_validator("output_padding", mode="before")
    @classmethod
    def _counts(cls, value: Any) -> Shape:
        return one_an_axis(value, cls.RANK, 0)

    @property
    def window(self) -> Shape:
        return self.kernel_size

    def sides(self, shape: Shape) -> list[tuple[int, int]]:
        """Cells that are left out before and after each axis of what windows reach; below zero they are added."""
        match self.padding:
            case "valid":
                return [(0, min(beyond, 0)) for beyond in self._beyond()]
            case "same":
                return [(max(beyond, 0) // 2, beyond - max(beyond, 0) // 2) for beyond in self._beyond()]
        return [(cells, cells - given) for cells, given in zip(self.padding, self.output_padding, strict=True)]

    def places(self, shape: Shape) -> Shape:
        """Sizes of the output along each axis.

        Raises:
            UserError: a sample has another number of axes, padding and strides do not allow the output padding, or
                nothing is left.
        """
        expect_rank(shape, (self.RANK + 1,), TAKES[self.RANK])
        self._check_output_padding()
        reached = [
            (size - 1) * move + window for size, move, window in zip(shape, self.strides, self.window, strict=False)
        ]
        expect_room(*reached, self.filters)
        left = tuple(size - sum(sides) for size, sides in zip(reached, self.sides(shape), strict=True))
        if min(left) < 1:
            raise UserError(f"a padding of {by(self.padding)} leaves nothing of {by(reached)}")
        return left

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.places(shape), self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        window = math.prod(self.kernel_size)
        # As with strides of 1.
        fans = {"fan_in": window * shape[-1], "fan_out": window * self.filters}
        kernel = Weight(shape=(*self.kernel_size, self.filters, shape[-1]), initializer=self.kernel_initializer, **fans)
        bias = Weight(shape=(self.filters,), initializer=self.bias_initializer, **fans)
        return {"kernel": kernel, **({"bias": bias} if self.use_bias else {})}

    def _check_output_padding(self) -> None:
        most = (
            [0] * self.RANK if isinstance(self.padding, str) else map(min, self.padding, (s - 1 for s in self.strides))
        )
        if any(given > limit for given, limit in zip(self.output_padding, most, strict=True)):
            raise UserError(
                "output_padding: expected no more than a padding in numbers, and less than strides, "
                f"got {list(self.output_padding)}"
            )

    def _beyond(self) -> list[int]:
        """How far windows reach beyond strides."""
        return [window - move for window, move in zip(self.window, self.strides, strict=True)]


class Conv1DTranspose(ConvTranspose):
    """Of one axis: (steps, channels) → (steps', filters)."""

    RANK = 1


class Conv2DTranspose(ConvTranspose):
    """Of two axes: (height, width, channels) → (height', width', filters)."""

    RANK = 2


class DepthwiseConv2D(KernelWindow):
    """A cross-correlation of each channel by itself: (height, width, channels) → (…, channels · depth_multiplier).

    Output channel c · depth_multiplier + m is filter m of channel c.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"depthwise_initializer": "glorot_uniform", "bias_initializer": "zeros"}
    RANK = 2

    depth_multiplier: int = Field(1, ge=1, le=MAX_SIZE)
    use_bias: bool = True
    depthwise_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.places(shape), shape[-1] * self.depth_multiplier)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        kernel = _depthwise_kernel(self, shape)
        fans = {"fan_in": kernel.fan_in, "fan_out": kernel.fan_out}
        bias = Weight(shape=(shape[-1] * self.depth_multiplier,), initializer=self.bias_initializer, **fans)
        return {"kernel": kernel, **({"bias": bias} if self.use_bias else {})}


class SeparableConv2D(KernelWindow):
    """A depthwise cross-correlation, then a pointwise one that mixes the channels: → (height', width', filters)."""

    ALIGNED: ClassVar[dict[str, Any]] = {
        "depthwise_initializer": "glorot_uniform",
        "pointwise_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
    }
    RANK = 2

    filters: int = Positive
    depth_multiplier: int = Field(1, ge=1, le=MAX_SIZE)
    use_bias: bool = True
    depthwise_initializer: Initializer | None = None
    pointwise_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.places(shape), self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        between = shape[-1] * self.depth_multiplier
        fans = {"fan_in": between, "fan_out": self.filters}
        weights = {
            "depthwise_kernel": _depthwise_kernel(self, shape),
            "pointwise_kernel": Weight(
                shape=(1, 1, between, self.filters), initializer=self.pointwise_initializer, **fans
            ),
        }
        if self.use_bias:
            weights["bias"] = Weight(shape=(self.filters,), initializer=self.bias_initializer, **fans)
        return weights


def _depthwise_kernel(layer: DepthwiseConv2D | SeparableConv2D, shape: Shape) -> Weight:
    """Each output is fed by the window of one channel alone."""
    window = math.prod(layer.kernel_size)
    return Weight(
        shape=(*layer.kernel_size, shape[-1], layer.depth_multiplier),
        initializer=layer.depthwise_initializer,
        fan_in=window,
        fan_out=window * layer.depth_multiplier,
    )
