"""What the builders of all families share."""

from collections.abc import Callable

import keras
from keras import KerasTensor

Layer = Callable[[KerasTensor], KerasTensor]


def stock_spatial_dropout(axes: int) -> type[keras.Layer]:
    """Keras's own, for samples of so many axes."""
    return keras.layers.SpatialDropout2D if axes == 3 else keras.layers.SpatialDropout1D
