"""Layers of transformers in Keras."""

import math

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras.layers.layer import OF_ARRAYS, Layer, inner_name
from twintrain.frameworks.keras.layers.padding import padded_step
from twintrain.frameworks.keras.modules import SharedDropout
from twintrain.frameworks.keras.precision import rounded
from twintrain.models.layers.attention import UNSEEN, sinusoids
from twintrain.models.network import PlacedLayer


def multi_head_attention(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels), and perhaps a memory → as the first.

    In `aligned` it is written out: TensorFlow rounds the scale of Keras's own to float32, and JAX its softmax.
    """
    return (_stock_attention if placed.layer.masks is None else _written_out)(placed)


def positional_embedding(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → the same."""
    if placed.layer.kind == "sinusoidal":
        waves = sinusoids(*placed.input_shape).astype(keras.config.floatx())
        end = keras.layers.Identity(name=placed.name)
        return lambda values: end(values + waves)
    table = keras.layers.Embedding(*placed.input_shape, name=inner_name(placed.name, OF_ARRAYS))
    added = keras.layers.Add(name=placed.name)
    return lambda values: added([values, table(ops.cumsum(_zeros(values) + 1, axis=1) - 1)])


def class_token(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, steps + 1, channels), the learned one first."""
    table = keras.layers.Embedding(1, placed.input_shape[-1], name=inner_name(placed.name, OF_ARRAYS))
    joined = keras.layers.Concatenate(axis=1, name=placed.name)
    return lambda values: joined([table(_zeros(values)[:, :1]), values])


def take_step(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, channels)."""
    end = keras.layers.Identity(name=placed.name)
    index = placed.layer.index
    if placed.mask:
        return lambda values, mask: end(padded_step(values, mask, index))
    return lambda values: end(values[:, index])


def _stock_attention(placed: PlacedLayer) -> Layer:
    layer, size = placed.layer, placed.layer.head_size(placed.input_shape)
    attention = keras.layers.MultiHeadAttention(
        layer.num_heads, size, dropout=layer.dropout, use_bias=layer.use_bias, name=placed.name
    )
    return lambda values, memory=None, mask=None: attention(
        values,
        values if memory is None else memory,
        attention_mask=None if mask is None else mask[:, None],
        use_causal_mask=layer.causal,
    )


def _written_out(placed: PlacedLayer) -> Layer:
    layer, (steps, channels) = placed.layer, placed.input_shape
    size = layer.head_size(placed.input_shape)
    of_memory = layer.memory(placed.input_shape)[0]
    parts = [_by_head(placed, "query", steps), *(_by_head(placed, part, of_memory) for part in ("key", "value"))]
    # In half precision scores and their softmax are float32, as PyTorch's scaled_dot_product_attention has them.
    wide = keras.config.floatx()
    softmax = keras.layers.Softmax(dtype=wide, name=inner_name(placed.name, "softmax"))
    dropout = _dropout(placed)
    joined = keras.layers.Reshape((steps, layer.num_heads * size), name=inner_name(placed.name, "joined"))
    output = _projection(placed, "output", channels)
    end = keras.layers.Identity(name=placed.name)

    def attend(values: KerasTensor, memory: KerasTensor | None = None, mask: KerasTensor | None = None) -> KerasTensor:
        memory = values if memory is None else memory
        query, key, value = (part(given) for part, given in zip(parts, (values, memory, memory), strict=True))
        scores = ops.matmul(rounded(query, wide), ops.swapaxes(rounded(key, wide), 2, 3)) * (1 / math.sqrt(size))
        seen = _seen(scores, layer.causal, mask)
        shares = softmax(scores if seen is None else ops.where(seen, scores, UNSEEN))
        if mask is not None:
            # What sees nothing has equal shares of all, and is to have none.
            shares = ops.where(seen, shares, 0.0)
        mixed = ops.matmul(rounded(dropout(shares), value.dtype), value)
        return end(output(joined(ops.swapaxes(mixed, 1, 2))))

    return attend


def _projection(placed: PlacedLayer, part: str, units: int) -> keras.Layer:
    return keras.layers.Dense(units, use_bias=placed.layer.use_bias, name=inner_name(placed.name, part))


def _by_head(placed: PlacedLayer, part: str, steps: int) -> Layer:
    """A projection, (rows, steps, channels) → (rows, heads, steps, size)."""
    heads, size = placed.layer.num_heads, placed.layer.head_size(placed.input_shape)
    projection = _projection(placed, part, heads * size)
    # A layer, since a function would take a name by itself, which may be that of a reshape of the network.
    apart = keras.layers.Reshape((steps, heads, size), name=inner_name(placed.name, f"{part}_heads"))
    return lambda values: ops.swapaxes(apart(projection(values)), 1, 2)


def _dropout(placed: PlacedLayer) -> Layer:
    """Of the softmax, (rows, heads, queries, keys)."""
    if not placed.layer.dropout:
        return lambda shares: shares
    kind = SharedDropout if placed.layer.masks == "shared" else keras.layers.Dropout
    return kind(placed.layer.dropout, dtype=keras.config.floatx(), name=inner_name(placed.name, "dropout"))


def _seen(scores: KerasTensor, causal: bool, mask: KerasTensor | None) -> KerasTensor | None:
    """Which key each query sees, of the shape of scores (rows, heads, queries, keys) or 1 along an axis; None: all."""
    earlier = ops.tril(ops.ones_like(scores[:1, :1])) > 0 if causal else None
    if mask is None:
        return earlier
    steps = mask[:, None, None]
    return steps if earlier is None else ops.logical_and(steps, earlier)


def _zeros(values: KerasTensor) -> KerasTensor:
    """Codes (rows, steps), from which a table gives the same to every row."""
    return ops.zeros_like(values[:, :, 0], dtype="int32")
