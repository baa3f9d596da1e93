"""What the libraries under Keras need, so that a pass can be recorded."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras

# Functions of TensorFlow's that models call between Keras's layers, by what Keras calls them.
ACTIVATIONS = ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "softmax", "log_softmax")
TENSORFLOW = {
    "nn": {**{name: name for name in ACTIVATIONS}, "sigmoid": "sigmoid", "tanh": "tanh"},
    "math": {
        **{name: name for name in ("add", "subtract", "multiply", "divide", "sigmoid", "tanh")},
        **{"reduce_mean": "mean", "reduce_max": "max", "softmax": "softmax"},
    },
    "": {
        **{name: name for name in ("add", "subtract", "multiply", "divide", "sigmoid", "tanh", "matmul", "reshape")},
        **{name: name for name in ("squeeze", "expand_dims", "transpose", "pad", "stack")},
        **{"concat": "concatenate", "reduce_mean": "mean", "reduce_max": "max"},
    },
}


def backend_functions() -> Iterator[tuple[Any, dict[str, str]]]:
    """Modules of the library under Keras, with what Keras calls their functions."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        for module, names in TENSORFLOW.items():
            yield (getattr(tensorflow, module) if module else tensorflow), names


@contextlib.contextmanager
def backend_kept() -> Iterator[None]:
    """Takes back what is drawn of the library's own random generators; gradients are computed where they are wanted."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.no_grad(), torch.random.fork_rng():
        yield


@contextlib.contextmanager
def backend_eager() -> Iterator[None]:
    """Has everything computed as it is called, so that tensors have values, and nothing drawn at random in the end."""
    if keras.backend.backend() != "tensorflow":
        with backend_kept():
            yield
        return
    import tensorflow

    before = tensorflow.config.functions_run_eagerly()
    tensorflow.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tensorflow.config.run_functions_eagerly(before)


def differentiated(function: Callable[[list[Any], list[Any]], tuple[Any, Any]]) -> Callable[..., tuple[Any, Any, Any]]:
    """A function of the same arguments that gives the gradients too.

    Args:
        function: takes tensors, and others; gives a scalar, and lists of more tensors.

    Returns:
        what gives the scalar, the others, and the scalar's gradients by the first tensors, None where there is none.
    """
    match keras.backend.backend():
        case "tensorflow":
            return _by_tensorflow(function)
        case "torch":
            return functools.partial(_by_torch, function)
        case "jax":
            import jax

            gradients = jax.jit(jax.value_and_grad(function, has_aux=True))
            return lambda *given: _reordered(*gradients(*given))
        case other:
            raise NotImplementedError(f"{other} computes no gradients")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as `fit` of TensorFlow has it compiled: code is taken as it is; without TensorFlow as it was.

    It is only ever called with tensors of one type and shape.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow

    traced = tensorflow.function(tensorflow.autograph.experimental.do_not_convert(function))
    concrete: list[Callable[..., Any]] = []

    def called(*values: Any) -> Any:
        # Called by itself, the traced one would warn that functions like it are traced again and again.
        if not concrete:
            try:
                concrete.append(traced.get_concrete_function(*values))
            except Exception:  # what cannot be compiled may run as it is called, and else says why
                concrete.append(function)
        return concrete[0](*values)

    return called


@contextlib.contextmanager
def wide_numbers(dtype: str) -> Iterator[None]:
    """Lets float64 be float64, where Keras makes float32 of it (not on TensorFlow), and JAX unless it is told."""
    if dtype != "float64":
        yield
        return
    from keras.src.backend.common import dtypes

    narrowed = dtypes.BIT64_TO_BIT32_DTYPE["float64"]
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    try:
        with _wide_jax():
            yield
    finally:
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = narrowed


@contextlib.contextmanager
def _wide_jax() -> Iterator[None]:
    if keras.backend.backend() != "jax":
        yield
        return
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def _by_tensorflow(function: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any, Any]]:
    import tensorflow

    def gradients(values: list[Any], others: list[Any]) -> tuple[Any, Any, Any]:
        with tensorflow.GradientTape() as tape:
            tape.watch(values)
            value, kept = function(values, others)
        return value, kept, tape.gradient(value, values)

    return compiled(gradients)


def _by_torch(function: Callable[..., tuple[Any, Any]], values: list[Any], others: list[Any]) -> tuple[Any, ...]:
    import torch

    leaves = [value.detach().clone().requires_grad_() for value in values]
    with torch.enable_grad():
        value, kept = function(leaves, others)
        depends = value.requires_grad and leaves
        gradients = torch.autograd.grad(value, leaves, allow_unused=True) if depends else [None] * len(leaves)
    return value.detach(), keras.tree.map_structure(lambda tensor: tensor.detach(), kept), [*gradients]


def _reordered(found: tuple[Any, Any], gradients: list[Any]) -> tuple[Any, Any, Any]:
    return *found, gradients
