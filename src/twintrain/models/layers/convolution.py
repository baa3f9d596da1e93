"""Convolutions of sequences and images."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from twintrain.models.layers.layer import (
    MAX_SIZE,
    TAKES,
    BiasInitializer,
    Initializer,
    Layer,
    Positive,
    Shape,
    Weight,
    expect_rank,
    kernel_and_bias,
    window_shape,
)


class Conv(Layer):
    """Cross-correlation with a window of the same size along every axis; what a `same` padding adds is zero."""

    ALIGNED: ClassVar[dict[str, Any]] = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}
    RANK: ClassVar[int]

    filters: int = Positive
    kernel_size: int = Positive
    strides: int = Field(1, ge=1, le=MAX_SIZE)
    padding: Literal["valid", "same"] = "valid"
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (self.RANK + 1,), TAKES[self.RANK])
        return (*window_shape(shape, self.kernel_size, self.strides, self.padding), self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        kernel = (*[self.kernel_size] * self.RANK, shape[-1], self.filters)
        return kernel_and_bias(kernel, self.kernel_initializer, self.bias_initializer, self.use_bias)


class Conv1D(Conv):
    """1-D cross-correlation: (steps, channels) → (steps', filters)."""

    RANK = 1


class Conv2D(Conv):
    """2-D cross-correlation: (height, width, channels) → (height', width', filters)."""

    RANK = 2


class DepthwiseConv2D(Layer):
    """A cross-correlation of each channel by itself: (height, width, channels) → (…, channels · depth_multiplier).

    Output channel c · depth_multiplier + m is filter m of channel c.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"depthwise_initializer": "glorot_uniform", "bias_initializer": "zeros"}

    kernel_size: int = Positive
    strides: int = Field(1, ge=1, le=MAX_SIZE)
    padding: Literal["valid", "same"] = "valid"
    depth_multiplier: int = Field(1, ge=1, le=MAX_SIZE)
    use_bias: bool = True
    depthwise_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (3,), TAKES[2])
        window = window_shape(shape, self.kernel_size, self.strides, self.padding)
        return (*window, shape[-1] * self.depth_multiplier)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        kernel = _depthwise_kernel(self, shape)
        fans = {"fan_in": kernel.fan_in, "fan_out": kernel.fan_out}
        bias = Weight(shape=(shape[-1] * self.depth_multiplier,), initializer=self.bias_initializer, **fans)
        return {"kernel": kernel, **({"bias": bias} if self.use_bias else {})}


class SeparableConv2D(Layer):
    """A depthwise cross-correlation, then a pointwise one that mixes the channels: → (height', width', filters)."""

    ALIGNED: ClassVar[dict[str, Any]] = {
        "depthwise_initializer": "glorot_uniform",
        "pointwise_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
    }

    filters: int = Positive
    kernel_size: int = Positive
    strides: int = Field(1, ge=1, le=MAX_SIZE)
    padding: Literal["valid", "same"] = "valid"
    depth_multiplier: int = Field(1, ge=1, le=MAX_SIZE)
    use_bias: bool = True
    depthwise_initializer: Initializer | None = None
    pointwise_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (3,), TAKES[2])
        return (*window_shape(shape, self.kernel_size, self.strides, self.padding), self.filters)

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
    window = layer.kernel_size**2
    return Weight(
        shape=(layer.kernel_size, layer.kernel_size, shape[-1], layer.depth_multiplier),
        initializer=layer.depthwise_initializer,
        fan_in=window,
        fan_out=window * layer.depth_multiplier,
    )
