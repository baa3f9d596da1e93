"""What the libraries under Keras need, so that a pass can be recorded."""

import contextlib
from collections.abc import Iterator
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
def backend_eager() -> Iterator[None]:
    """Has everything computed as it is called, so that tensors have values, and nothing drawn at random in the end."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow

            before = tensorflow.config.functions_run_eagerly()
            tensorflow.config.run_functions_eagerly(True)
            try:
                yield
            finally:
                tensorflow.config.run_functions_eagerly(before)
        case "torch":
            import torch

            with torch.no_grad(), torch.random.fork_rng():
                yield
        case _:
            yield


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
