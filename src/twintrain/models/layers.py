"""The vocabulary of layers: what each takes, what comes out, which weights it has.

Names and arguments are Keras's. Sequences are (steps, channels), images (height, width, channels), kernels
(…, in, out). An argument at null is a convention that the frameworks do not share: `aligned` fills it from ALIGNED,
`native` leaves it to each framework.
"""

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

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


class Dense(Layer):
    """Fully connected over the last axis: (…, features) → (…, units), vectors and sequences.

    `units: outputs` stands for what the task needs.
    """

    ALIGNED = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}

    units: int | Literal["outputs"]
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    @field_validator("units", mode="before")
    @classmethod
    def _at_least_one(cls, units: Any) -> Any:
        return _count_or("outputs", units)

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, (1, 2), "flatten it first")
        return (*shape[:-1], self.units)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return _kernel_and_bias(self, (shape[-1], self.units))


class Conv(Layer):
    """Cross-correlation with a window of the same size along every axis; what a `same` padding adds is zero."""

    ALIGNED = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}
    RANK: ClassVar[int]

    filters: int = Positive
    kernel_size: int = Positive
    strides: int = Field(1, ge=1, le=MAX_SIZE)
    padding: Literal["valid", "same"] = "valid"
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, (self.RANK + 1,), TAKES[self.RANK])
        return (*_window_shape(shape, self.kernel_size, self.strides, self.padding), self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return _kernel_and_bias(self, (*[self.kernel_size] * self.RANK, shape[-1], self.filters))


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

    ALIGNED = {"depthwise_initializer": "glorot_uniform", "bias_initializer": "zeros"}

    kernel_size: int = Positive
    strides: int = Field(1, ge=1, le=MAX_SIZE)
    padding: Literal["valid", "same"] = "valid"
    depth_multiplier: int = Field(1, ge=1, le=MAX_SIZE)
    use_bias: bool = True
    depthwise_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, (3,), TAKES[2])
        window = _window_shape(shape, self.kernel_size, self.strides, self.padding)
        return (*window, shape[-1] * self.depth_multiplier)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        kernel = _depthwise_kernel(self, shape)
        fans = {"fan_in": kernel.fan_in, "fan_out": kernel.fan_out}
        bias = Weight(shape=(shape[-1] * self.depth_multiplier,), initializer=self.bias_initializer, **fans)
        return {"kernel": kernel, **({"bias": bias} if self.use_bias else {})}


class SeparableConv2D(Layer):
    """A depthwise cross-correlation, then a pointwise one that mixes the channels: → (height', width', filters)."""

    ALIGNED = {
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
        _expect_rank(shape, (3,), TAKES[2])
        return (*_window_shape(shape, self.kernel_size, self.strides, self.padding), self.filters)

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
        _expect_rank(shape, (self.RANK + 1,), TAKES[self.RANK])
        return (*_window_shape(shape, self.pool_size, self.stride, self.padding), shape[-1])


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
        _expect_rank(shape, (2, 3), "it takes sequences and images")
        return shape[-1:]


class Flatten(Layer):
    """(…, channels) → (numbers,), channels last."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


class Reshape(Layer):
    """The same numbers in another shape, channels last before and after: → target_shape."""

    target_shape: list[Annotated[int, Positive]] = Field(min_length=1, max_length=3)

    def output_shape(self, shape: Shape) -> Shape:
        if math.prod(self.target_shape) != math.prod(shape):
            raise UserError(
                f"target_shape {self.target_shape} holds {math.prod(self.target_shape)} numbers, "
                f"a sample of {shape} holds {math.prod(shape)}"
            )
        return tuple(self.target_shape)


class Dropout(Layer):
    """Zeroes a share of the inputs in training and scales the others by 1 / (1 − rate).

    `masks: shared` are those of `models/dropout_masks.py`, the same in both frameworks; `own` are the framework's.
    """

    ALIGNED = {"masks": "shared"}

    rate: float = Field(ge=0, lt=1)
    masks: Literal["shared", "own"] | None = None


class SpatialDropout(Dropout):
    """Dropout of whole channels of sequences and images."""

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, (2, 3), "it takes sequences and images; on vectors, dropout does the same")
        return shape


class BatchNorm(Layer):
    """Batch normalisation over the last axis (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167).

    `momentum` is the share of the running statistics that stays at each step. The running variance is the
    unbiased one (divided by n − 1), as in PyTorch.
    """

    ALIGNED = {"momentum": 0.9, "epsilon": 1e-5}

    momentum: float | None = Field(None, ge=0, lt=1)
    epsilon: float | None = Field(None, gt=0, le=1e6)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        channels = shape[-1:]
        return {
            "gamma": Weight(shape=channels, initializer="ones"),
            "beta": Weight(shape=channels, initializer="zeros"),
            "moving_mean": Weight(shape=channels, initializer="zeros", trainable=False),
            "moving_variance": Weight(shape=channels, initializer="ones", trainable=False),
        }


class LayerNorm(Layer):
    """Layer normalisation of each vector along the last axis (Ba et al. 2016, https://arxiv.org/abs/1607.06450)."""

    ALIGNED = {"epsilon": 1e-5}

    epsilon: float | None = Field(None, gt=0, le=1e6)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return {
            "gamma": Weight(shape=shape[-1:], initializer="ones"),
            "beta": Weight(shape=shape[-1:], initializer="zeros"),
        }


class Activation(Layer):
    """A function of each number; softmax is one of the last axis.

    elu and selu: Clevert et al. 2016 (α = 1) and Klambauer et al. 2017. gelu: x · Φ(x) with the exact Φ, Hendrycks
    and Gimpel 2016. silu: x · σ(x). hardtanh: x cut off at ±1.

    Attributes:
        negative_slope: leaky_relu's alone.
        alpha_initializer: prelu's alone: the value at which its slopes start, one a channel (He et al. 2015).
    """

    function: Literal[
        "relu",
        "relu6",
        "leaky_relu",
        "prelu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "sigmoid",
        "tanh",
        "hardtanh",
        "softmax",
    ]
    negative_slope: float | None = Field(None, ge=0, le=1e6)
    alpha_initializer: float | None = Field(None, ge=-1e6, le=1e6)

    def aligned(self) -> "Activation":
        match self.function:
            case "leaky_relu" if self.negative_slope is None:
                return self.model_copy(update={"negative_slope": 0.01})
            case "prelu" if self.alpha_initializer is None:
                return self.model_copy(update={"alpha_initializer": 0.25})
        return self

    def output_shape(self, shape: Shape) -> Shape:
        for option, owner in (("negative_slope", "leaky_relu"), ("alpha_initializer", "prelu")):
            if getattr(self, option) is not None and self.function != owner:
                raise UserError(f"{self.function} has no {option}; {owner} has")
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        if self.function != "prelu":
            return {}
        return {"alpha": Weight(shape=shape[-1:], initializer=self.alpha_initializer)}


class Softmax(Layer):
    """Probabilities at the end of the saved network, for reading; training and loss see the logits before it."""


class Embedding(Layer):
    """Vectors for category codes, by a table that is learned.

    `input: columns`: one table a column, side by side: (columns,) → (sum of the widths,). `input: tokens`: one table
    of as many rows as the column with most categories has, for all positions: (steps,) → (steps, output_dim).
    `output_dim: auto` gives n categories min(50, (n + 1) // 2) numbers.
    """

    ALIGNED = {"embeddings_initializer": "normal"}

    input: Literal["columns", "tokens"] = "columns"
    output_dim: int | Literal["auto"] = "auto"
    embeddings_initializer: Initializer | None = None
    # Filled in from the data set: number of categories of each column.
    input_dims: tuple[int, ...] = ()

    @field_validator("output_dim", mode="before")
    @classmethod
    def _at_least_one(cls, output_dim: Any) -> Any:
        return _count_or("auto", output_dim)

    @property
    def tables(self) -> dict[str, Shape]:
        """Shape of each table, (categories, numbers), by the name of its array."""
        if self.input == "tokens":
            return {"embeddings": self._size(max(self.input_dims))}
        return {f"column_{index}": self._size(categories) for index, categories in enumerate(self.input_dims)}

    def _size(self, categories: int) -> Shape:
        return (categories, min(50, (categories + 1) // 2) if self.output_dim == "auto" else self.output_dim)

    def output_shape(self, shape: Shape) -> Shape:
        if not self.input_dims:
            raise UserError(
                "expected category codes as input; it goes first, on a table with preprocess.categorical: codes"
            )
        width = sum(numbers for _, numbers in self.tables.values())
        return (*shape, width) if self.input == "tokens" else (width,)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        initializer = self.embeddings_initializer
        return {
            name: Weight(shape=size, initializer=initializer, fan_in=size[0], fan_out=size[1])
            for name, size in self.tables.items()
        }


class Recurrent(Layer):
    """(steps, channels) → (units,), the state after the last step, or with return_sequences (steps, units).

    The gates stand side by side in the last axis of kernel (channels, gates · units), recurrent_kernel (units, gates ·
    units) and bias (gates · units,), in Keras's order.
    """

    ALIGNED = {
        "kernel_initializer": "glorot_uniform",
        "recurrent_initializer": "orthogonal",
        "bias_initializer": "zeros",
    }
    GATES: ClassVar[int] = 1

    units: int = Positive
    return_sequences: bool = False
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    recurrent_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        _expect_rank(shape, (2,), TAKES[1])
        return (shape[0], self.units) if self.return_sequences else (self.units,)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        inputs, numbers = shape[-1], self.GATES * self.units
        kernel = {"fan_in": inputs, "fan_out": self.units, "gates": self.GATES}
        recurrent = {"fan_in": self.units, "fan_out": self.units, "gates": self.GATES}
        weights = {
            "kernel": Weight(shape=(inputs, numbers), initializer=self.kernel_initializer, **kernel),
            "recurrent_kernel": Weight(
                shape=(self.units, numbers), initializer=self.recurrent_initializer, **recurrent
            ),
        }
        if self.use_bias:
            weights["bias"] = Weight(shape=self.bias_shape, initializer=self.bias_initializer, **kernel)
        return weights

    @property
    def bias_shape(self) -> Shape:
        return (self.GATES * self.units,)


class SimpleRNN(Recurrent):
    """h ← tanh(x W + h U + b) (Elman 1990)."""


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), gates input, forget, cell, output.

    `unit_forget_bias` starts the bias of the forget gate at one (Jozefowicz et al. 2015).
    """

    ALIGNED = {**Recurrent.ALIGNED, "unit_forget_bias": True}
    GATES = 4

    unit_forget_bias: bool | None = None

    def output_shape(self, shape: Shape) -> Shape:
        if self.unit_forget_bias and self.bias_initializer is None:
            raise UserError("unit_forget_bias: true needs a bias_initializer in native, such as zeros")
        return super().output_shape(shape)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        weights = super().weights(shape)
        if self.use_bias and self.unit_forget_bias:
            weights["bias"] = weights["bias"].model_copy(update={"gate_of_ones": 1})
        return weights


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), gates update, reset, candidate.

    The reset gate acts after the recurrent product, as in cuDNN, so that bias is (2, 3 · units): one row for the
    inputs, one for the state.
    """

    GATES = 3

    @property
    def bias_shape(self) -> Shape:
        return (2, self.GATES * self.units)


class Nested(Layer):
    """A layer that is made of stacks of others, all on the same input."""

    @abstractmethod
    def stacks(self) -> dict[str, list[Entry]]:
        """Layers as they are written in a model file, by the name of the stack."""

    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        """Shape of one sample after the layer, from those at the ends of the stacks.

        Raises:
            UserError: the ends do not fit each other.
        """
        first, *others = shapes.values()
        if any(shape[:-1] != first[:-1] for shape in others):
            ends = ", ".join(f"{name} ends in {shape}" for name, shape in shapes.items())
            raise UserError(
                "branches stand side by side on the last axis, all others must be equal, but "
                f"{ends}; give them the same strides, and padding: same"
            )
        return (*first[:-1], sum(shape[-1] for shape in shapes.values()))


class Bidirectional(Nested):
    """A recurrent layer and another one that reads backwards, side by side (Schuster and Paliwal 1997)."""

    layer: dict[Literal["simple_rnn", "lstm", "gru"], dict[str, Any]] = Field(min_length=1, max_length=1)

    def stacks(self) -> dict[str, list[Entry]]:
        return {"forward": [self.layer], "backward": [self.layer]}


class Inception(Nested):
    """Parallel branches on the same input, side by side on the last axis (Szegedy et al. 2015); [] hands it on."""

    branches: list[list[Entry]] = Field(min_length=1)

    def stacks(self) -> dict[str, list[Entry]]:
        return {str(index): branch for index, branch in enumerate(self.branches)}


class Residual(Nested):
    """layers(x) + shortcut(x) (He et al. 2016); `shortcut: null` is x itself."""

    layers: list[Entry] = Field(min_length=1)
    shortcut: list[Entry] | None = None

    def stacks(self) -> dict[str, list[Entry]]:
        return {"layers": self.layers, "shortcut": self.shortcut or []}

    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        body, shortcut = shapes.values()
        if body != shortcut:
            size = body[-1]
            mends = {1: f"dense: {{units: {size}}}", 2: f"conv1d: {{filters: {size}, kernel_size: 1}}"}
            mend = mends.get(len(body), f"conv2d: {{filters: {size}, kernel_size: 1}} with the strides of layers")
            raise UserError(
                f"layers end in {body}, the shortcut in {shortcut}; expected equal shapes: "
                f"give the shortcut a layer such as {mend}"
            )
        return body


LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv1d": Conv1D,
    "conv2d": Conv2D,
    "depthwise_conv2d": DepthwiseConv2D,
    "separable_conv2d": SeparableConv2D,
    "max_pool1d": MaxPool1D,
    "max_pool2d": MaxPool2D,
    "avg_pool1d": AvgPool1D,
    "avg_pool2d": AvgPool2D,
    "global_avg_pool": GlobalAvgPool,
    "flatten": Flatten,
    "reshape": Reshape,
    "dropout": Dropout,
    "spatial_dropout": SpatialDropout,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "activation": Activation,
    "softmax": Softmax,
    "embedding": Embedding,
    "simple_rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
    "bidirectional": Bidirectional,
    "inception": Inception,
    "residual": Residual,
}
# What a window of so many axes moves over.
TAKES = {1: "it takes sequences", 2: "it takes images"}


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Cells that `same` adds before and after an axis; an odd one goes after, as in TensorFlow."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _count_or(word: str, value: Any) -> Any:
    if value == word or (type(value) is int and 1 <= value <= MAX_SIZE):
        return value
    raise ValueError(f"expected 1 to {MAX_SIZE:,}, or {word}, got {shown(value)}")


def _expect_rank(shape: Shape, ranks: tuple[int, ...], mend: str) -> None:
    if len(shape) not in ranks:
        raise UserError(f"expected a sample of {' or '.join(map(str, ranks))} axes, got {shape}; {mend}")


def _window_shape(shape: Shape, kernel: int, stride: int, padding: str) -> Shape:
    sizes = shape[:-1]
    if padding == "same":
        return tuple(math.ceil(size / stride) for size in sizes)
    if kernel > min(sizes):
        window, whole = (" × ".join(map(str, numbers)) for numbers in ([kernel] * len(sizes), sizes))
        raise UserError(f"a window of {window} does not fit into {whole}")
    return tuple((size - kernel) // stride + 1 for size in sizes)


def _kernel_and_bias(layer: Dense | Conv, kernel: Shape) -> dict[str, Weight]:
    window = math.prod(kernel[:-2])
    fans = {"fan_in": window * kernel[-2], "fan_out": window * kernel[-1]}
    weights = {"kernel": Weight(shape=kernel, initializer=layer.kernel_initializer, **fans)}
    if layer.use_bias:
        weights["bias"] = Weight(shape=kernel[-1:], initializer=layer.bias_initializer, **fans)
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
