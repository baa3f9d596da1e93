"""What the libraries under Keras need, so that a pass can be recorded."""

import contextlib
from collections.abc import Iterator

import keras


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
    """Lets JAX have float64, which it has only if it is asked for."""
    if keras.backend.backend() != "jax" or dtype != "float64":
        yield
        return
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)
