"""What the builders of all families share."""

from collections.abc import Callable
from typing import Any

import keras
from keras import KerasTensor

from twintrain.models.network import PlacedLayer

Layer = Callable[[KerasTensor], KerasTensor]


def given(**arguments: Any) -> dict[str, Any]:
    """Leaves out what is open, so that Keras's own default holds."""
    return {name: value for name, value in arguments.items() if value is not None}


def is_image(placed: PlacedLayer) -> bool:
    """Whether the layer takes images."""
    return len(placed.input_shape) == 3


def stock_spatial_dropout(axes: int) -> type[keras.Layer]:
    """Keras's own, for samples of so many axes."""
    return keras.layers.SpatialDropout2D if axes == 3 else keras.layers.SpatialDropout1D
