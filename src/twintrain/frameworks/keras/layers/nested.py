"""Layers that are made of stacks of others, in Keras."""

import functools

import keras

from twintrain.frameworks.keras import layers
from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.network import PlacedLayer


def bidirectional(placed: PlacedLayer) -> Layer:
    """(rows, steps, channels) → (rows, 2 · units) or (rows, steps, 2 · units), the forward one first."""
    forward = placed.children[0][0]
    return keras.layers.Bidirectional(layers.BUILDERS[forward.kind](forward), name=placed.name)


def inception(placed: PlacedLayer) -> Layer:
    """Any shape → branches side by side on the last axis."""
    branches = [stack(children) for children in placed.children]
    beside = keras.layers.Concatenate(name=placed.name)
    return lambda values: beside([branch(values) for branch in branches])


def residual(placed: PlacedLayer) -> Layer:
    """Any shape → layers(x) + shortcut(x)."""
    body, shortcut = (stack(children) for children in placed.children)
    added = keras.layers.Add(name=placed.name)
    return lambda values: added([body(values), shortcut(values)])


def stack(placed_layers: tuple[PlacedLayer, ...]) -> Layer:
    """The layers, one after the other."""
    built = [layers.BUILDERS[placed.kind](placed) for placed in placed_layers]
    return lambda values: functools.reduce(lambda result, layer: layer(result), built, values)
