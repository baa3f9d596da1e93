"""Dense layers, changes of shape, dropout and embeddings in Keras."""

import keras
from keras import ops

from twintrain.frameworks.keras.layers.layer import Layer, inner_name, stock_spatial_dropout
from twintrain.frameworks.keras.modules import SharedDropout
from twintrain.models.network import PlacedLayer


def dense(placed: PlacedLayer) -> Layer:
    """(rows, …, features) → (rows, …, units)."""
    return keras.layers.Dense(placed.layer.units, use_bias=placed.layer.use_bias, name=placed.name)


def flatten(placed: PlacedLayer) -> Layer:
    """Sequences or images → vectors, channels last."""
    return keras.layers.Flatten(name=placed.name)


def reshape(placed: PlacedLayer) -> Layer:
    """Any shape → another one, channels last before and after."""
    return keras.layers.Reshape(placed.output_shape, name=placed.name)


def dropout(placed: PlacedLayer) -> Layer:
    """Any shape → the same."""
    kind = SharedDropout if placed.layer.masks == "shared" else keras.layers.Dropout
    return kind(placed.layer.rate, name=placed.name)


def spatial_dropout(placed: PlacedLayer) -> Layer:
    """Sequences or images → the same, without some channels."""
    if placed.layer.masks == "shared":
        return SharedDropout(placed.layer.rate, whole_channels=True, name=placed.name)
    return stock_spatial_dropout(len(placed.input_shape))(placed.layer.rate, name=placed.name)


def columns(placed: PlacedLayer) -> Layer:
    """Tables (rows, columns) → some of their columns."""
    end, runs = keras.layers.Identity(name=placed.name), placed.layer.runs
    return lambda table: end(ops.concatenate([table[:, start:stop] for start, stop in runs], axis=1))


def embedding(placed: PlacedLayer) -> Layer:
    """Codes (rows, columns) → (rows, sum of the widths), or tokens (rows, steps) → (rows, steps, output_dim)."""
    sizes = placed.layer.tables
    if placed.layer.input == "tokens":
        return keras.layers.Embedding(*sizes["embeddings"], name=placed.name)
    tables = [keras.layers.Embedding(*size, name=inner_name(placed.name, array)) for array, size in sizes.items()]
    beside = keras.layers.Concatenate(name=placed.name)
    return lambda codes: beside([table(codes[:, column]) for column, table in enumerate(tables)])
