"""Records what a Keras model computes: the calls of its layers, and of functions between them."""

import contextlib
import importlib
from typing import Any

import keras
import numpy as np

from twintrain.recordings.contents import Weight
from twintrain.recordings.keras import layers as keras_layers
from twintrain.recordings.keras.calls import Calls, is_leaf
from twintrain.recordings.keras.places import walk
from twintrain.recordings.keras.state import arrays_of, copied, given, left_alone, only_tensors
from twintrain.recordings.trace import Trace, by_key, keeping_random


def versions() -> dict[str, str]:
    """Versions of what computes, by name."""
    backend = keras.backend.backend()
    return {"keras": keras.__version__, backend: importlib.import_module(backend).__version__}


def device_of(model: keras.Model) -> str:
    """What the model's arrays are on: "cpu", "cuda" or the like."""
    for variable in model.weights:
        device = str(getattr(variable.value, "device", "cpu")).lower()
        return "cuda" if "gpu" in device or "cuda" in device else "tpu" if "tpu" in device else "cpu"
    return "cpu"


def list_weights(model: keras.Model) -> list[Weight]:
    """The model's arrays of floats, by the names of the layers that have them, and their own."""
    trained = {id(variable) for variable in model.trainable_weights}
    axes = _axes(model)
    found = []
    for name, variable in arrays_of(model).items():
        shape = tuple(variable.shape)
        letters = axes.get(id(variable), "C" if len(shape) == 1 else "")
        found.append(Weight(name, shape, letters, id(variable) in trained))
    return found


def read_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Copies of the arrays that `list_weights` lists, by name."""
    return {name: copied(variable.value) for name, variable in arrays_of(model).items()}


def write_weights(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Gives the model other values of the arrays that `list_weights` lists, for good."""
    for name, variable in arrays_of(model).items():
        variable.assign(weights[name])


def prepare(model: keras.Model, inputs: Any) -> None:
    """Lets the model make arrays that it makes when it is called for the first time."""
    if not all(place.layer.built for place in walk(model)):
        with keeping_random():
            model(given(model, inputs), training=False)


def record_calls(model: keras.Model, inputs: Any, training: bool = False) -> Trace:
    """Runs the model once and records every call; the model is left as it was.

    Args:
        inputs: arrays or tensors: one, or several in a tuple, list or dict, which is the model's one argument. Those of
            floats are taken in the precision of the model.
        training: whether layers are to do as in training.

    Raises:
        Exception: what the model raises.
    """
    trace = Trace(copied)
    values = given(model, inputs)
    trace.start(only_tensors(values))
    with left_alone(model), contextlib.ExitStack() as stack:
        for replacement in Calls(trace, {id(variable): name for name, variable in arrays_of(model).items()}).replaced(
            model
        ):
            stack.enter_context(replacement)
        outputs = model(values, training=training)
    return trace.finish(only_tensors(by_key(outputs)))


def _axes(model: keras.Model) -> dict[int, str]:
    """What the axes of arrays are, by the identity of the arrays."""
    leaves = [place.layer for place in walk(model) if is_leaf(place.layer)]
    described = [
        keras_layers.describe(layer, max([2, *(len(array.shape) for array in layer.weights)])) for layer in leaves
    ]
    # Layers in others are described after them, and by their own kind.
    return {
        id(found.roles[role]): axes
        for found in reversed(described)
        for role, axes in found.axes.items()
        if role in found.roles
    }
