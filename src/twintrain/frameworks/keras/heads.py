"""Attention's arrays in our layout."""

import math
from dataclasses import dataclass

import keras
from keras import KerasTensor, ops


@dataclass(frozen=True)
class Heads:
    """A stock layer of attention, with its arrays in our layout: kernels (in, out) of query, key, value and output."""

    layer: keras.layers.MultiHeadAttention

    def read(self, array: str) -> KerasTensor:
        """Returns an array of ours; Keras gives heads an axis of their own."""
        (own,) = self.parameters(array)
        shape = tuple(own.shape)
        if array.endswith("bias"):
            return ops.reshape(own, (math.prod(shape),))
        inputs = math.prod(shape[:-1]) if array == "output_kernel" else shape[0]
        return ops.reshape(own, (inputs, math.prod(shape) // inputs))

    def parameters(self, array: str) -> list[keras.Variable]:
        """Keras's array that an array of ours is kept in; none where there is no bias."""
        part, _, kind = array.partition("_")
        found = getattr(getattr(self.layer, f"_{part}_dense"), kind, None)
        return [] if found is None else [found]
