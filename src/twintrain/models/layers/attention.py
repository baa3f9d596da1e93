"""Layers of transformers: attention, positions and tokens (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762)."""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from twintrain.errors import UserError
from twintrain.models.layers.layer import (
    MAX_SIZE,
    TAKES,
    BiasInitializer,
    Initializer,
    Layer,
    Padding,
    Positive,
    Shape,
    Weight,
    expect_rank,
)

# Of a table that is written out in a saved Keras network, as text.
MAX_CONSTANTS = 500_000
WAVE_LENGTHS = 10_000


# The score of what is not seen: far below any other, and finite, so that what sees nothing gives numbers.
UNSEEN = -1e30


class MultiHeadAttention(Layer):
    """Attention, (steps, channels) → the same: softmax(Q Kᵀ / √key_dim) V by heads, joined and projected.

    Of one input it is self-attention; of two, keys and values are made of the second one, the memory. The kernels of
    query, key and value are (channels, num_heads · key_dim), that of the output (num_heads · key_dim, channels), a
    head's numbers side by side. No step sees padding; one that sees nothing gets zeros before the output's
    projection.

    Attributes:
        key_dim: numbers of a head; channels / num_heads if left out.
        causal: no step sees a later one.
        dropout: share of the softmax that is dropped in training; `masks` as dropout has.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "masks": "shared",
    }
    PADDING: ClassVar[Padding] = "left out"
    INPUTS: ClassVar[tuple[int, float]] = (1, 2)

    num_heads: int = Positive
    key_dim: int | None = Field(None, ge=1, le=MAX_SIZE)
    use_bias: bool = True
    causal: bool = False
    dropout: float = Field(0.0, ge=0, lt=1)
    masks: Literal["shared", "own"] | None = None
    kernel_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None
    # Filled in from the graph, where there is one.
    memory_shape: Shape | None = None

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2,), TAKES[1])
        expect_rank(self.memory(shape), (2,), "the memory is a sequence as well")
        if self.causal and self.memory_shape:
            raise UserError("causal is for one sequence; a memory has steps of its own, none of which is later")
        if self.key_dim is None and shape[-1] % self.num_heads:
            raise UserError(
                f"{self.num_heads} heads do not divide {shape[-1]} channels; expected a divisor of these, or a key_dim"
            )
        return shape

    def head_size(self, shape: Shape) -> int:
        """Numbers of a head, for input samples of this shape."""
        return self.key_dim or shape[-1] // self.num_heads

    def memory(self, shape: Shape) -> Shape:
        """Shape of what keys and values are made of, for a query of this shape."""
        return self.memory_shape or shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        channels, inner = shape[-1], self.num_heads * self.head_size(shape)
        weights = {}
        for part, inputs, outputs in (
            ("query", channels, inner),
            *((part, self.memory(shape)[-1], inner) for part in ("key", "value")),
            ("output", inner, channels),
        ):
            fans = {"fan_in": inputs, "fan_out": outputs}
            weights[f"{part}_kernel"] = Weight(shape=(inputs, outputs), initializer=self.kernel_initializer, **fans)
            if self.use_bias:
                weights[f"{part}_bias"] = Weight(shape=(outputs,), initializer=self.bias_initializer, **fans)
        return weights


class PositionalEmbedding(Layer):
    """Adds a vector to each step by its place, (steps, channels) → the same.

    `kind: learned` has a table of them, `sinusoidal` those of `sinusoids`.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"embeddings_initializer": "uniform"}
    PADDING: ClassVar[Padding] = "passed on"

    kind: Literal["learned", "sinusoidal"] = "learned"
    embeddings_initializer: Initializer | None = None

    def aligned(self) -> "PositionalEmbedding":
        return super().aligned() if self.kind == "learned" else self

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2,), TAKES[1])
        if self.kind == "sinusoidal" and self.embeddings_initializer is not None:
            raise UserError("sinusoidal has no embeddings_initializer; learned has")
        if self.kind == "sinusoidal" and shape[0] * shape[1] > MAX_CONSTANTS:
            raise UserError(
                f"expected at most {MAX_CONSTANTS:,} numbers of sinusoidal positions, got {shape[0]:,} × {shape[1]:,}, "
                "with which Keras could not load the saved network; take kind: learned"
            )
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        if self.kind == "sinusoidal":
            return {}
        fans = {"fan_in": shape[0], "fan_out": shape[1]}
        return {"embeddings": Weight(shape=shape, initializer=self.embeddings_initializer, **fans)}


def sinusoids(steps: int, channels: int) -> np.ndarray:
    """Positions as waves (Vaswani et al. 2017, section 3.5).

    Returns:
        float64 (steps, channels); channel 2i is sin(step / 10000^(2i / channels)), channel 2i + 1 its cosine.
    """
    channel = np.arange(channels)
    angles = np.arange(steps)[:, None] / WAVE_LENGTHS ** (channel // 2 * 2 / channels)
    return np.where(channel % 2, np.cos(angles), np.sin(angles))


class ClassToken(Layer):
    """A learned vector before the steps, (steps, channels) → (steps + 1, channels) (Dosovitskiy et al. 2020)."""

    ALIGNED: ClassVar[dict[str, Any]] = {"embeddings_initializer": "zeros"}
    PADDING: ClassVar[Padding] = "left out"

    embeddings_initializer: Initializer | None = None

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2,), TAKES[1])
        return (shape[0] + 1, shape[1])

    def weights(self, shape: Shape) -> dict[str, Weight]:
        fans = {"fan_in": 1, "fan_out": shape[1]}
        return {"embeddings": Weight(shape=(1, shape[1]), initializer=self.embeddings_initializer, **fans)}


class TakeStep(Layer):
    """One of the steps, (steps, channels) → (channels,); −1 is the last one.

    Padding is not counted; of a row that has no such step it is zeros.
    """

    PADDING: ClassVar[Padding] = "left out"

    index: int = Field(ge=-MAX_SIZE, le=MAX_SIZE)

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2,), TAKES[1])
        steps = shape[0]
        if not -steps <= self.index < steps:
            raise UserError(f"{steps} steps have no step {self.index}; expected an index from {-steps} to {steps - 1}")
        return shape[1:]
