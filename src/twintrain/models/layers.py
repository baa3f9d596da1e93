"""The vocabulary of layers: what each takes, what comes out, which weights it has.

Names and arguments are Keras's. Images are (height, width, channels), kernels are (…, in, out). An argument at
null is a convention that the frameworks do not share: `aligned` fills it from ALIGNED, `native` leaves it to
each framework.
"""

import math
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twintrain.errors import UserError

Shape = tuple[int, ...]
Initializer = Literal["glorot_uniform", "he_uniform", "fan_in_uniform", "uniform", "normal", "zeros", "ones"]
Positive = Field(ge=1)


class Weight(BaseModel):
    """One array of a layer: its shape, how it is drawn (None: by each framework), whether it has a gradient."""

    shape: Shape
    initializer: Initializer | None
    fan_in: int = 0
    fan_out: int = 0
    trainable: bool = True


class Layer(BaseModel):
    """A kind of layer. `output_shape` and `weights` are what the two frameworks must agree on."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    ALIGNED: ClassVar[dict[str, Any]] = {}

    def aligned(self) -> "Layer":
        """Returns the layer with every convention written out."""
        open_ones = {name: value for name, value in self.ALIGNED.items() if getattr(self, name) is None}
        return self.model_copy(update=open_ones)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one sample after the layer.

        Raises:
            UserError: a sample of this shape does not fit the layer.
        """
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        """The layer's arrays by Keras's names, for input samples of this shape."""
        return {}


class Dense(Layer):
    """Fully connected: (features,) → (units,). `units: outputs` stands for what the task needs."""

    ALIGNED = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}

    units: int | Literal["outputs"]
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: Initializer | None = None

    @field_validator("units", mode="before")
    @classmethod
    def _at_least_one(cls, units: Any) -> Any:
        return _count_or("outputs", units)

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, 1, "flatten it first")
        return (self.units,)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return _kernel_and_bias(self, (shape[0], self.units), receptive_field=1)


class Conv2D(Layer):
    """2-D cross-correlation: (height, width, channels) → (height', width', filters)."""

    ALIGNED = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}

    filters: int = Positive
    kernel_size: int = Positive
    strides: int = Field(1, ge=1)
    padding: Literal["valid", "same"] = "valid"
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: Initializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, 3, "it takes images")
        return (*_window_shape(shape, self.kernel_size, self.strides, self.padding), self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        kernel = (self.kernel_size, self.kernel_size, shape[2], self.filters)
        return _kernel_and_bias(self, kernel, receptive_field=self.kernel_size**2)


class Pool2D(Layer):
    """A window that moves over an image: (height, width, channels) → (height', width', channels)."""

    pool_size: int = Field(2, ge=1)
    strides: int | None = Field(None, ge=1, description="null: as pool_size")
    padding: Literal["valid", "same"] = "valid"

    @property
    def stride(self) -> int:
        return self.strides or self.pool_size

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, 3, "it takes images")
        return (*_window_shape(shape, self.pool_size, self.stride, self.padding), shape[2])


class MaxPool2D(Pool2D):
    """The largest value of each window; padding never wins."""


class AvgPool2D(Pool2D):
    """The mean of each window; padding is not counted."""


class Flatten(Layer):
    """(height, width, channels) → (height · width · channels,), channels last."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


class Dropout(Layer):
    """Zeroes a share of the inputs in training and scales the others by 1 / (1 − rate)."""

    rate: float = Field(ge=0, lt=1)


class BatchNorm(Layer):
    """Batch normalisation over the last axis (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167).

    `momentum` is the share of the running statistics that stays at each step. The running variance is the
    unbiased one (divided by n − 1), as in PyTorch.
    """

    ALIGNED = {"momentum": 0.9, "epsilon": 1e-5}

    momentum: float | None = Field(None, ge=0, lt=1)
    epsilon: float | None = Field(None, gt=0)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        channels = (shape[-1],)
        return {
            "gamma": Weight(shape=channels, initializer="ones"),
            "beta": Weight(shape=channels, initializer="zeros"),
            "moving_mean": Weight(shape=channels, initializer="zeros", trainable=False),
            "moving_variance": Weight(shape=channels, initializer="ones", trainable=False),
        }


class Activation(Layer):
    """An elementwise function. `negative_slope` is leaky_relu's alone."""

    function: Literal["relu", "leaky_relu", "sigmoid", "tanh"]
    negative_slope: float | None = Field(None, ge=0)

    def aligned(self) -> "Activation":
        if self.function == "leaky_relu" and self.negative_slope is None:
            return self.model_copy(update={"negative_slope": 0.01})
        return self

    def output_shape(self, shape: Shape) -> Shape:
        if self.negative_slope is not None and self.function != "leaky_relu":
            raise UserError(f"{self.function} has no negative_slope; leaky_relu has")
        return shape


class Embedding(Layer):
    """One table of vectors a column of category codes, side by side: (columns,) → (sum of the widths,).

    `output_dim: auto` gives a column of n categories min(50, (n + 1) // 2) numbers.
    """

    ALIGNED = {"embeddings_initializer": "normal"}

    output_dim: int | Literal["auto"] = "auto"
    embeddings_initializer: Initializer | None = None
    # Filled in from the data set: number of categories of each column.
    input_dims: tuple[int, ...] = ()

    @field_validator("output_dim", mode="before")
    @classmethod
    def _at_least_one(cls, output_dim: Any) -> Any:
        return _count_or("auto", output_dim)

    @property
    def widths(self) -> list[int]:
        if self.output_dim == "auto":
            return [min(50, (categories + 1) // 2) for categories in self.input_dims]
        return [self.output_dim] * len(self.input_dims)

    def output_shape(self, shape: Shape) -> Shape:
        if not self.input_dims:
            raise UserError(
                "expected category codes as input; it goes first, on a table with preprocess.categorical: codes"
            )
        return (sum(self.widths),)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        initializer = self.embeddings_initializer
        return {
            f"column_{index}": Weight(shape=size, initializer=initializer, fan_in=size[0], fan_out=size[1])
            for index, size in enumerate(zip(self.input_dims, self.widths, strict=True))
        }


LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv2d": Conv2D,
    "max_pool2d": MaxPool2D,
    "avg_pool2d": AvgPool2D,
    "flatten": Flatten,
    "dropout": Dropout,
    "batch_norm": BatchNorm,
    "activation": Activation,
    "embedding": Embedding,
}


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Cells that `same` adds before and after an axis; an odd one goes after, as in TensorFlow."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _count_or(word: str, value: Any) -> Any:
    if value == word or (type(value) is int and value >= 1):
        return value
    raise ValueError(f"expected at least 1, or {word}, got {value!r}")


def _expect_rank(shape: Shape, rank: int, mend: str) -> None:
    if len(shape) != rank:
        raise UserError(f"expected a sample of {rank} axes, got {shape}; {mend}")


def _window_shape(shape: Shape, kernel: int, stride: int, padding: str) -> Shape:
    if padding == "same":
        return tuple(math.ceil(size / stride) for size in shape[:2])
    if kernel > min(shape[:2]):
        raise UserError(f"a window of {kernel} × {kernel} does not fit into {shape[0]} × {shape[1]}")
    return tuple((size - kernel) // stride + 1 for size in shape[:2])


def _kernel_and_bias(layer: Dense | Conv2D, kernel: Shape, receptive_field: int) -> dict[str, Weight]:
    fans = {"fan_in": receptive_field * kernel[-2], "fan_out": receptive_field * kernel[-1]}
    weights = {"kernel": Weight(shape=kernel, initializer=layer.kernel_initializer, **fans)}
    if layer.use_bias:
        weights["bias"] = Weight(shape=kernel[-1:], initializer=layer.bias_initializer, **fans)
    return weights
