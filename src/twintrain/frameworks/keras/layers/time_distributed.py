"""A layer at each step of a sequence, in Keras."""

import keras
from keras import KerasTensor, ops

from twintrain.frameworks.keras import layers
from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.models.network import PlacedLayer


def time_distributed(placed: PlacedLayer) -> Layer:
    """(rows, steps, …) → (rows, steps, whatever a layer of any kind makes of one step).

    Each step is a row for the layer, which Keras's own calls once a step.
    """
    (part,) = placed.parts
    return _each_step(layers.BUILDERS[part.kind](part), placed)


def _each_step(layer: Layer, placed: PlacedLayer) -> Layer:
    (steps, *of_one), end = placed.input_shape, keras.layers.Identity(name=placed.name)

    def called(values: KerasTensor) -> KerasTensor:
        made = layer(ops.reshape(values, (-1, *of_one)))
        return end(ops.reshape(made, (-1, steps, *made.shape[1:])))

    return called
