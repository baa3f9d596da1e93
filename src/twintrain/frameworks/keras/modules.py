"""What Keras lacks, as layers, and how to find those that it has."""

import contextlib
import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.free_arrays import FreeArray
from twintrain.frameworks.keras.heads import Heads
from twintrain.models import dropout_masks
from twintrain.settings.sections.precision import HALF


class SharedDropout(keras.layers.Dropout):
    """Dropout with the masks of `models/dropout_masks.py`.

    Attributes:
        first_row: the place in its batch of the first row that comes in.
    """

    def __init__(self, rate: float, whole_channels: bool = False, **arguments: Any) -> None:
        super().__init__(rate, **arguments)
        self.whole_channels = whole_channels
        self.key = self.first_row = 0

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the counter."""
        self.calls = self.add_weight(shape=(), initializer="zeros", dtype="int64", trainable=False, name="calls")

    def call(self, inputs: KerasTensor, training: bool = False) -> KerasTensor:
        """(rows, …) → the same."""
        if not training or not self.rate:
            return inputs
        shape = ops.shape(inputs)
        if self.whole_channels:
            shape = (shape[0], *[1] * (len(shape) - 2), shape[-1])
        kept = inputs * ops.convert_to_tensor(1 / (1 - self.rate), inputs.dtype)
        dropped = ops.where(ops.reshape(self._mask(shape), shape), kept, ops.zeros_like(inputs))
        self.calls.assign_add(1)
        return dropped

    def _mask(self, shape: tuple[int, ...]) -> KerasTensor:
        key = ops.bitwise_xor(_number(self.key), ops.cast(self.calls, _integers()))
        key = _mix(ops.bitwise_and(key + _number(dropout_masks.GOLDEN), _number(dropout_masks.BITS)))
        first = self.first_row * functools.reduce(operator.mul, shape[1:])
        index = ops.arange(first, first + functools.reduce(operator.mul, shape), dtype=_integers())
        hashes = _mix(ops.bitwise_xor(_product(index, dropout_masks.GOLDEN), key))
        return hashes >= _number(dropout_masks.threshold(self.rate))


def walk(model: keras.Model) -> Iterator[keras.Layer]:
    """All layers of a model and of the models in it, in order, those in Keras's wrappers in the wrappers' place."""
    for layer in model.layers:
        match layer:
            case keras.Model():
                yield from walk(layer)
            case keras.layers.Bidirectional():
                yield layer.forward_layer
                yield layer.backward_layer
            case keras.layers.TimeDistributed():
                yield layer.layer
            case keras.layers.MultiHeadAttention() if layer.dropout:
                yield layer
                yield layer._dropout_layer
            case _:
                yield layer


Owner = keras.Layer | FreeArray


def array_of(layer: Owner, array: str) -> keras.Variable | None:
    """An array of a layer; None where it was told to do without."""
    match layer:
        case FreeArray():
            return layer.array
        case keras.layers.MultiHeadAttention():
            return next(iter(Heads(layer).parameters(array)), None)
        case keras.layers.RNN():
            return getattr(layer.cell, array, None)
        case keras.layers.RMSNormalization():
            return getattr(layer, "scale" if array == "gamma" else array, None)
    return getattr(layer, array, None)


def shape_of(layer: Owner, array: str) -> tuple[int, ...]:
    """The shape of an array as ours: slopes have axes of 1 before the channels, and attention axes of its heads."""
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return tuple(Heads(layer).read(array).shape)
    shape = tuple(array_of(layer, array).shape)
    return shape[-1:] if array == "alpha" and set(shape[:-1]) <= {1} else shape


def exchanged(model: keras.Model, exchange: Callable[[keras.Layer], keras.Layer | None]) -> keras.Model:
    """A copy with other layers where `exchange` gives some; its arrays are still to be set."""

    def copied(layer: keras.Operation) -> keras.Operation:
        other = exchange(layer) if isinstance(layer, keras.Layer) else None
        return layer.__class__.from_config(layer.get_config()) if other is None else other

    return keras.models.clone_model(model, clone_function=copied, recursive=True)


@contextlib.contextmanager
def computing_in(dtype: str) -> Iterator[None]:
    """Layers that are made within it compute in a dtype; their arrays have at least the precision of float32.

    Gradients go back to the arrays themselves, in their own precision.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{dtype}" if dtype in HALF else dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def sum_bias_gradients_in_float32(model: keras.Model) -> None:
    """Has layers that compute in half precision add their bias in float32, to the same numbers.

    The gradient of a bias is a sum over all rows and places, and TensorFlow adds it up in bfloat16 on CPUs, half of
    which may be lost (2.21.0, 64 images of 24 × 24).
    """
    for layer in model._flatten_layers():
        if layer.compute_dtype in HALF and getattr(layer, "bias", None) is not None:
            # Of this very layer, so that it is still saved as Keras's own.
            layer.call = functools.partial(_add_in_float32, layer, layer.call)


def _add_in_float32(
    layer: keras.Layer, multiply: Callable[..., KerasTensor], inputs: KerasTensor, **arguments: Any
) -> KerasTensor:
    bias = ops.convert_to_tensor(layer.bias)
    with _without_bias(layer):
        product = multiply(inputs, **arguments)
    return ops.cast(ops.cast(product, "float32") + ops.cast(bias, "float32"), layer.compute_dtype)


@contextlib.contextmanager
def _without_bias(layer: keras.Layer) -> Iterator[None]:
    """Meanwhile a layer does without its bias; past Keras, which would take it for another variable afterwards."""
    attributes = vars(layer)
    kept = {name: attributes[name] for name in ("bias", "use_bias") if name in attributes}
    attributes.update(bias=None, use_bias=False)
    try:
        yield
    finally:
        attributes.update(kept)


def _mix(values: KerasTensor) -> KerasTensor:
    """`dropout_masks.mix` in Keras's operations."""
    for shift, factor in zip((16, 15), dropout_masks.FACTORS, strict=True):
        values = _product(ops.bitwise_xor(values, ops.bitwise_right_shift(values, _number(shift))), factor)
    return ops.bitwise_xor(values, ops.bitwise_right_shift(values, _number(16)))


def _product(values: KerasTensor, factor: int) -> KerasTensor:
    """The lower 32 bits of a product."""
    return ops.bitwise_and(values * _number(factor), _number(dropout_masks.BITS))


def _number(value: int) -> KerasTensor:
    return ops.convert_to_tensor(value, dtype=_integers())


def _integers() -> str:
    """JAX has no int64 unless it is asked for; its uint32 cuts products off by itself."""
    return "uint32" if keras.backend.backend() == "jax" else "int64"
