"""What a kind of layer is: what it takes, what comes out, which weights it has."""

import math
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from twintrain.errors import UserError, shown

Shape = tuple[int, ...]
Entry = str | dict[str, Any]
BiasInitializer = Literal[
    "zeros",
    "ones",
    "uniform",
    "normal",
    "fan_in_uniform",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
]
Initializer = Literal[BiasInitializer, "orthogonal"]
MAX_SIZE = 10**6  # of anything in a layer: beyond it is a slip
Positive = Field(ge=1, le=MAX_SIZE)


class Weight(BaseModel):
    """One array of a layer: its shape, how it is drawn, whether it has a gradient.

    Attributes:
        initializer: by what it is drawn; a number fills the array; None leaves it to each framework.
        fan_in: number of inputs that feed one output, the whole window of a convolution included.
        fan_out: number of outputs that one input feeds, in the same sense.
        gates: number of arrays that stand side by side in the last axis. Each gate is a matrix of its own: the fans
            are those of one gate, and `orthogonal` makes each of them orthogonal.
        gate_of_ones: the gate that starts at one, whatever the initializer says.
    """

    shape: Shape
    initializer: Initializer | float | None
    fan_in: int = 0
    fan_out: int = 0
    gates: int = 1
    gate_of_ones: int | None = None
    trainable: bool = True


class Layer(BaseModel):
    """A kind of layer. `output_shape` and `weights` are what the two frameworks must agree on."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    ALIGNED: ClassVar[dict[str, Any]] = {}

    def aligned(self) -> "Layer":
        """Returns the layer with every convention written out."""
        open_ones = {name: value for name, value in self.ALIGNED.items() if getattr(self, name) is None}
        return self.model_copy(update=open_ones)

    def open_settings(self) -> list[str]:
        """Names of the arguments that are left to each framework and that `aligned` would fill in."""
        filled = self.aligned()
        return [name for name, value in self if value is None and getattr(filled, name) is not None]

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one sample after the layer.

        Raises:
            UserError: a sample of this shape does not fit the layer.
        """
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        """The layer's arrays by Keras's names, for input samples of this shape."""
        return {}


# What a window of so many axes moves over.
TAKES = {1: "it takes sequences", 2: "it takes images"}


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Cells that `same` adds before and after an axis; an odd one goes after, as in TensorFlow."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def count_or(word: str, value: Any) -> Any:
    """Checks a number of things, which a word may stand for."""
    if value == word or (type(value) is int and 1 <= value <= MAX_SIZE):
        return value
    raise ValueError(f"expected 1 to {MAX_SIZE:,}, or {word}, got {shown(value)}")


def expect_rank(shape: Shape, ranks: tuple[int, ...], mend: str) -> None:
    """Raises a UserError where a sample has another number of axes."""
    if len(shape) not in ranks:
        raise UserError(f"expected a sample of {' or '.join(map(str, ranks))} axes, got {shape}; {mend}")


def window_shape(shape: Shape, kernel: int, stride: int, padding: str) -> Shape:
    """Places of a window along each axis but the last.

    Raises:
        UserError: the window is larger than the sample.
    """
    sizes = shape[:-1]
    if padding == "same":
        return tuple(math.ceil(size / stride) for size in sizes)
    if kernel > min(sizes):
        window, whole = (" × ".join(map(str, numbers)) for numbers in ([kernel] * len(sizes), sizes))
        raise UserError(f"a window of {window} does not fit into {whole}")
    return tuple((size - kernel) // stride + 1 for size in sizes)


def kernel_and_bias(
    kernel: Shape, initializer: Initializer | None, bias_initializer: BiasInitializer | None, use_bias: bool
) -> dict[str, Weight]:
    """The arrays of a layer that has one kernel, (…, in, out), and perhaps one bias, (out,)."""
    window = math.prod(kernel[:-2])
    fans = {"fan_in": window * kernel[-2], "fan_out": window * kernel[-1]}
    weights = {"kernel": Weight(shape=kernel, initializer=initializer, **fans)}
    if use_bias:
        weights["bias"] = Weight(shape=kernel[-1:], initializer=bias_initializer, **fans)
    return weights


def given(**arguments: Any) -> dict[str, Any]:
    """Leaves out what is open, so that a framework's own default holds."""
    return {name: value for name, value in arguments.items() if value is not None}
