"""What the builders of all families share."""

from collections.abc import Callable

import keras
from keras import KerasTensor

from twintrain.models.layers.window import same_padding
from twintrain.models.network import PlacedLayer

# Of a tensor, or of a list of several, and of a mask if it takes one.
Layer = Callable[..., KerasTensor]
# The one that has the arrays, where a layer of ours takes several of Keras's.
OF_ARRAYS = "arrays"


def stock_spatial_dropout(axes: int) -> type[keras.Layer]:
    """Keras's own, for samples of so many axes."""
    return keras.layers.SpatialDropout2D if axes == 3 else keras.layers.SpatialDropout1D


def of_axes(placed: PlacedLayer, kinds: tuple[type[keras.Layer], ...]) -> type[keras.Layer]:
    """Of kinds for sequences, images and volumes, that for the samples of a layer."""
    return kinds[len(placed.input_shape) - 2]


def padding_word(placed: PlacedLayer) -> str:
    """The padding of a window as Keras knows it: `valid` behind one in numbers, unless `same` adds the same."""
    layer = placed.layer
    if isinstance(layer.padding, str):
        return layer.padding
    same = list(map(same_padding, placed.input_shape, layer.window, layer.moves))
    return "same" if layer.sides(placed.input_shape) == same else "valid"


def inner_name(name: str, part: str) -> str:
    """What one of the stock layers that a layer is made of is called: in a capital, which no layer's name has."""
    return f"{name}_{part.capitalize()}"
