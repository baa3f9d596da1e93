"""Layers that read a sequence step by step."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from twintrain.errors import UserError
from twintrain.models.layers.layer import (
    TAKES,
    BiasInitializer,
    Entry,
    Initializer,
    Layer,
    Padding,
    Positive,
    Shape,
    Weight,
    Wrapper,
    expect_rank,
)


class Recurrent(Layer):
    """(steps, channels) → (units,), the state after the last step, or with return_sequences (steps, units).

    The gates stand side by side in the last axis of kernel (channels, gates · units), recurrent_kernel (units, gates ·
    units) and bias (gates · units,), in Keras's order. A step of padding leaves the state as it is.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {
        "kernel_initializer": "glorot_uniform",
        "recurrent_initializer": "orthogonal",
        "bias_initializer": "zeros",
    }
    PADDING: ClassVar[Padding] = "left out"
    GATES: ClassVar[int] = 1

    units: int = Positive
    return_sequences: bool = False
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    recurrent_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2,), TAKES[1])
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

    ALIGNED: ClassVar[dict[str, Any]] = {**Recurrent.ALIGNED, "unit_forget_bias": True}
    GATES: ClassVar[int] = 4

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

    GATES: ClassVar[int] = 3

    @property
    def bias_shape(self) -> Shape:
        return (2, self.GATES * self.units)


class Bidirectional(Wrapper):
    """A recurrent layer and another one that reads backwards, side by side (Schuster and Paliwal 1997).

    Of a step of padding its sequences have zeros, as Keras's have, and those of one direction the state before it.
    """

    PADDING: ClassVar[Padding] = "left out"

    layer: dict[Literal["simple_rnn", "lstm", "gru"], dict[str, Any]] = Field(min_length=1, max_length=1)

    def parts(self) -> dict[str, Entry]:
        return {"forward": self.layer, "backward": self.layer}

    def wrapped_shape(self, shape: Shape, shapes: list[Shape]) -> Shape:
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))
