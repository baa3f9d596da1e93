"""What a kind of layer is: what it takes, what comes out, which weights it has."""

import math
from abc import abstractmethod
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
# What a layer does where steps of a sequence are padding: it would compute with them, so that they are refused; it
# looks at each step alone and passes them on; it leaves them out.
Padding = Literal["refused", "passed on", "left out"]
MAX_SIZE = 10**6  # of anything in a layer: beyond it is a slip
MAX_NUMBERS = 10**9  # 4 GB in float32
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
    PADDING: ClassVar[Padding] = "refused"
    # How many inputs it takes, at least and at most.
    INPUTS: ClassVar[tuple[int, float]] = (1, 1)

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


class Wrapper(Layer):
    """A layer that is made of others, its parts, each of which takes the wrapper's input, or each step of it."""

    @abstractmethod
    def parts(self) -> dict[str, Entry]:
        """The parts as they are written in a model file, by what each is called."""

    @abstractmethod
    def wrapped_shape(self, shape: Shape, shapes: list[Shape]) -> Shape:
        """Shape of one sample after the layer, from that before it and those after its parts."""


# What a window of so many axes moves over.
TAKES = {1: "it takes sequences", 2: "it takes images", 3: "it takes volumes"}
TAKES_ALL = "it takes sequences, images and volumes"


def count_or(word: str, value: Any) -> Any:
    """Checks a number of things, which a word may stand for."""
    if value == word or (type(value) is int and 1 <= value <= MAX_SIZE):
        return value
    raise ValueError(f"expected 1 to {MAX_SIZE:,}, or {word}, got {shown(value)}")


def expect_rank(shape: Shape, ranks: tuple[int, ...], mend: str) -> None:
    """Raises a UserError where a sample has another number of axes."""
    if len(shape) not in ranks:
        raise UserError(f"expected a sample of {' or '.join(map(str, ranks))} axes, got {shape}; {mend}")


def expect_room(*shape: int) -> None:
    """Raises a UserError where one sample alone would hardly fit into memory."""
    if math.prod(shape) > MAX_NUMBERS:
        raise UserError(f"expected at most {MAX_NUMBERS:,} numbers a sample, got {math.prod(shape):,}")


def kernel_and_bias(
    kernel: Shape,
    initializer: Initializer | None,
    bias_initializer: BiasInitializer | None,
    use_bias: bool,
    groups: int = 1,
) -> dict[str, Weight]:
    """The arrays of a layer that has one kernel, (…, in / groups, out), and perhaps one bias, (out,)."""
    window = math.prod(kernel[:-2])
    fans = {"fan_in": window * kernel[-2], "fan_out": window * kernel[-1] // groups}
    weights = {"kernel": Weight(shape=kernel, initializer=initializer, **fans)}
    if use_bias:
        weights["bias"] = Weight(shape=kernel[-1:], initializer=bias_initializer, **fans)
    return weights


def given(**arguments: Any) -> dict[str, Any]:
    """Leaves out what is open, so that a framework's own default holds."""
    return {name: value for name, value in arguments.items() if value is not None}
