"""The padding of windows in Keras."""

from keras import ops

from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.network import PlacedLayer


def padded(window: Layer, placed: PlacedLayer, value: float) -> Layer:
    """A window, and before it the padding of its layer, which Keras's own take as a word alone."""
    sides = [(0, 0), *placed.layer.sides(placed.input_shape), (0, 0)]
    return lambda values: window(ops.pad(values, sides, constant_values=value))
