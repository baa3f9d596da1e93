"""What a Keras model holds: its arrays, its precision, and how it is given others for a time."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from twintrain.recordings.keras.backends import backend_eager, wide_numbers
from twintrain.recordings.keras.places import unused, walk
from twintrain.recordings.trace import flat, keeping_random, mapped, set_in


@contextlib.contextmanager
def casting(model: keras.Model, dtype: str) -> Iterator[None]:
    """Has all that the model computes, and everything that is made, be in a precision, "float32" or "float64"."""
    policy = keras.DTypePolicy(dtype)
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
        yield


@contextlib.contextmanager
def holding(model: keras.Model, weights: dict[str, np.ndarray], dtype: str) -> Iterator[None]:
    """Gives the model other weights in a precision; it has its own again afterwards, which are never written to.

    Args:
        weights: as `read_weights` gives them.
        dtype: "float32" or "float64".
    """
    with casting(model, dtype), keras.StatelessScope() as scope:
        for name, variable in arrays_of(model).items():
            scope.add_update((variable, ops.convert_to_tensor(weights[name].astype(dtype))))
        yield


@contextlib.contextmanager
def left_alone(model: keras.Model) -> Iterator[None]:
    """Takes back what a pass changes: arrays, and the states of random generators."""
    # In a scope within a scope, arrays have the values of the outer one only if they are told.
    values = [(variable, variable.value) for variable in model.variables]
    with keeping_random(), backend_eager(), keras.StatelessScope() as scope:
        for value in values:
            scope.add_update(value)
        yield


def arrays_of(model: keras.Model) -> dict[str, keras.Variable]:
    """Arrays of floats, each once, by name."""
    found: dict[str, keras.Variable] = {}
    seen: set[int] = set()
    for place in walk(model):
        children = place.layer._flatten_layers(include_self=False, recursive=False)
        inner = {id(variable) for layer in children for variable in layer.weights}
        for variable in place.layer.weights:
            if id(variable) not in seen | inner and "float" in str(variable.dtype):
                seen.add(id(variable))
                found[unused("/".join(filter(None, (place.path, variable.name))), found)] = variable
    return found


def trained_names(model: keras.Model) -> list[str]:
    """Names of the arrays that are trained, in the order of `model.trainable_variables`."""
    names = {id(variable): name for name, variable in arrays_of(model).items()}
    return [names[id(variable)] for variable in model.trainable_variables]


def found_gradients(model: keras.Model) -> dict[str, Any]:
    """The gradients that PyTorch's `backward` has left, by the names of arrays; none on other libraries."""
    found = {name: getattr(variable.value, "grad", None) for name, variable in arrays_of(model).items()}
    return {name: gradient for name, gradient in found.items() if ops.is_tensor(gradient)}


@contextlib.contextmanager
def telling_gradients(_: keras.Model, __: Callable[[Mapping[str, Any]], None]) -> Iterator[None]:
    """Tells none: a loop of Keras holds its gradients itself, and hands them on."""
    yield


def given(model: keras.Model, inputs: Any) -> Any:
    """The same tuples, lists and dicts of tensors, in the precision that the model takes them in."""
    places = next(walk(model)).inputs
    leaves = flat(inputs)
    dtypes = [tensor.dtype for tensor in places] if len(places) == len(leaves) else [None] * len(leaves)
    tensors = iter([_tensor(leaf, dtype, model) for leaf, dtype in zip(leaves, dtypes, strict=True)])
    return mapped(inputs, lambda _: next(tensors))


def arguments_of(values: Any) -> tuple[list[Any], dict[str, Any]]:
    """What a model is called with: one argument."""
    return [values], {}


def only_tensors(values: Any) -> list[Any]:
    """The tensors among the leaves of what is given."""
    return [value for value in flat(values) if ops.is_tensor(value) and not isinstance(value, keras.Variable)]


def copied(tensor: Any) -> np.ndarray:
    """The values of a tensor, in a precision that NumPy has."""
    array = np.array(ops.convert_to_numpy(tensor))
    return array if array.dtype.kind in "biuf" else array.astype(np.float32)


def _tensor(value: Any, dtype: str | None, model: keras.Model) -> Any:
    value = value if ops.is_tensor(value) else np.asarray(value)
    is_float = "float" in str(value.dtype)
    return ops.convert_to_tensor(value, dtype=dtype or (model.compute_dtype if is_float else None))
