"""What Keras leaves to the library under it: devices, gradients and the loop over batches, one file each."""

import functools
import importlib
from types import ModuleType

import keras


# Cached also because TensorFlow would try to translate the import where it finds one in what becomes a graph.
@functools.cache
def engine_module() -> ModuleType:
    """The file of the library that this process's Keras runs on."""
    return importlib.import_module(f"{__name__}.{keras.backend.backend()}")
