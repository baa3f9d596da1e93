"""Records what a Keras model computes: the calls of its layers, and of functions between them."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from twintrain.recordings.archive import Weight
from twintrain.recordings.keras import layers as keras_layers
from twintrain.recordings.keras.backends import backend_eager, wide_numbers
from twintrain.recordings.keras.calls import Calls, copied, is_leaf, only_tensors
from twintrain.recordings.keras.places import unused, walk
from twintrain.recordings.trace import Trace, flat, keeping_random, mapped, set_in


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
    for name, variable in _variables(model).items():
        shape = tuple(variable.shape)
        letters = axes.get(id(variable), "C" if len(shape) == 1 else "")
        found.append(Weight(name, shape, letters, id(variable) in trained))
    return found


def read_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Copies of the arrays that `list_weights` lists, by name."""
    return {name: copied(variable.value) for name, variable in _variables(model).items()}


def write_weights(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Gives the model other values of the arrays that `list_weights` lists, for good."""
    for name, variable in _variables(model).items():
        variable.assign(weights[name])


def prepare(model: keras.Model, inputs: Any) -> None:
    """Lets the model make arrays that it makes when it is called for the first time."""
    if not all(place.layer.built for place in walk(model)):
        with keeping_random():
            model(_given(model, inputs), training=False)


@contextlib.contextmanager
def holding(model: keras.Model, weights: dict[str, np.ndarray], dtype: str) -> Iterator[None]:
    """Gives the model other weights in a precision; it has its own again afterwards, which are never written to.

    Args:
        weights: as `read_weights` gives them.
        dtype: "float32" or "float64".
    """
    policy, variables = keras.DTypePolicy(dtype), _variables(model)
    with contextlib.ExitStack() as stack:
        stack.callback(keras.config.set_floatx, keras.config.floatx())
        keras.config.set_floatx(dtype)
        stack.enter_context(wide_numbers(dtype))
        for place in walk(model):
            if "float" in str(place.layer.compute_dtype):
                stack.enter_context(set_in(place.layer, {"_dtype_policy": policy}))
            # Input layers, what stands for an input, and arrays say a precision, to which values are turned.
            for owner in (place.layer, *place.inputs, *place.layer.variables):
                if "float" in str(vars(owner).get("_dtype")):
                    stack.enter_context(set_in(owner, {"_dtype": dtype}))
        scope = stack.enter_context(keras.StatelessScope())
        for name, variable in variables.items():
            scope.add_update((variable, ops.convert_to_tensor(weights[name].astype(dtype))))
        yield


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
    given = _given(model, inputs)
    trace.start(only_tensors(given))
    with _left_alone(model), contextlib.ExitStack() as stack:
        for replacement in Calls(trace, {id(variable): name for name, variable in _variables(model).items()}).replaced(
            model
        ):
            stack.enter_context(replacement)
        outputs = model(given, training=training)
    return trace.finish(only_tensors(outputs))


@contextlib.contextmanager
def _left_alone(model: keras.Model) -> Iterator[None]:
    """Takes back what a pass changes: arrays, and the states of random generators."""
    # In a scope within a scope, arrays have the values of the outer one only if they are told.
    values = [(variable, variable.value) for variable in model.variables]
    with keeping_random(), backend_eager(), keras.StatelessScope() as scope:
        for value in values:
            scope.add_update(value)
        yield


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Arrays of floats, each once, by name."""
    found: dict[str, keras.Variable] = {}
    seen: set[int] = set()
    for place in walk(model):
        inner = {id(variable) for layer in _children(place.layer) for variable in layer.weights}
        for variable in place.layer.weights:
            if id(variable) not in seen | inner and "float" in str(variable.dtype):
                seen.add(id(variable))
                found[unused("/".join(filter(None, (place.path, variable.name))), found)] = variable
    return found


def _children(layer: keras.Layer) -> list[keras.Layer]:
    return layer._flatten_layers(include_self=False, recursive=False)


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


def _given(model: keras.Model, inputs: Any) -> Any:
    """The inputs as tensors, in the precision that the model takes them in."""
    places = next(walk(model)).inputs
    leaves = flat(inputs)
    dtypes = [tensor.dtype for tensor in places] if len(places) == len(leaves) else [None] * len(leaves)
    tensors = iter([_tensor(leaf, dtype, model) for leaf, dtype in zip(leaves, dtypes, strict=True)])
    return mapped(inputs, lambda _: next(tensors))


def _tensor(value: Any, dtype: str | None, model: keras.Model) -> Any:
    value = value if ops.is_tensor(value) else np.asarray(value)
    is_float = "float" in str(value.dtype)
    return ops.convert_to_tensor(value, dtype=dtype or (model.compute_dtype if is_float else None))
