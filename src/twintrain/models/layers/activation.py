"""Functions of each number, and the head of a saved network."""

from typing import ClassVar, Literal

from pydantic import Field

from twintrain.errors import UserError
from twintrain.models.layers.layer import Layer, Padding, Shape, Weight

# Options of one function alone.
OWNERS = {
    "negative_slope": "leaky_relu",
    "alpha": "celu",
    "approximate": "gelu",
    "alpha_initializer": "prelu",
}
GATED = ("glu", "swiglu")


class Activation(Layer):
    """A function of each number; softmax is one of the last axis, glu and swiglu halve it.

    elu and selu: Clevert et al. 2016 (α = 1) and Klambauer et al. 2017. celu: max(x, 0) + min(α · (exp(x/α) − 1), 0),
    Barron 2017. gelu: x · Φ(x) with the exact Φ, Hendrycks and Gimpel 2016. silu: x · σ(x). mish: x ·
    tanh(softplus(x)), Misra 2019. softplus: ln(1 + exp(x)), Dugas et al. 2001. softsign: x / (1 + |x|), Glorot and
    Bengio 2010. hardtanh: x cut off at ±1. hard_sigmoid: x/6 + 1/2 cut off at 0 and 1, and hard_swish: x ·
    hard_sigmoid(x), Howard et al. 2019. glu: a · σ(b), a being the first half of the last axis and b, the gate, the
    second, Dauphin et al. 2017. swiglu: a · silu(b) of the same halves, Shazeer 2020.

    Attributes:
        negative_slope: leaky_relu's alone.
        alpha: celu's alone, 1 if left out.
        approximate: gelu's alone: by 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))), of the same paper.
        alpha_initializer: prelu's alone: the value at which its slopes start, one a channel (He et al. 2015).
    """

    PADDING: ClassVar[Padding] = "passed on"
    function: Literal[
        "relu",
        "relu6",
        "leaky_relu",
        "prelu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "softplus",
        "softsign",
        "sigmoid",
        "tanh",
        "hardtanh",
        "hard_sigmoid",
        "hard_swish",
        "glu",
        "swiglu",
        "softmax",
    ]
    negative_slope: float | None = Field(None, ge=0, le=1e6)
    alpha: float | None = Field(None, ge=1e-6, le=1e6)
    approximate: bool | None = None
    alpha_initializer: float | None = Field(None, ge=-1e6, le=1e6)

    def aligned(self) -> "Activation":
        match self.function:
            case "leaky_relu" if self.negative_slope is None:
                return self.model_copy(update={"negative_slope": 0.01})
            case "prelu" if self.alpha_initializer is None:
                return self.model_copy(update={"alpha_initializer": 0.25})
        return self

    def output_shape(self, shape: Shape) -> Shape:
        for option, owner in OWNERS.items():
            if getattr(self, option) is not None and self.function != owner:
                raise UserError(f"{self.function} has no {option}; {owner} has")
        return (*shape[:-1], _half(self.function, shape[-1])) if self.function in GATED else shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        if self.function != "prelu":
            return {}
        return {"alpha": Weight(shape=shape[-1:], initializer=self.alpha_initializer)}


class Softmax(Layer):
    """Probabilities at the end of the saved network, for reading; training and loss see the logits before it."""


def _half(function: str, channels: int) -> int:
    if channels % 2:
        raise UserError(f"{function} halves the last axis; expected an even number, got {channels}")
    return channels // 2
