"""Functions of each number, and the head of a saved network."""

from typing import Literal

from pydantic import Field

from twintrain.errors import UserError
from twintrain.models.layers.layer import Layer, Shape, Weight


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
