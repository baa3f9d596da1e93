"""The frameworks by their names, and what is known of each before it is imported."""

from typing import Literal

FrameworkName = Literal["torch", "keras", "keras-jax", "keras-torch"]
TITLES = {"torch": "PyTorch", "keras": "Keras", "keras-jax": "Keras on JAX", "keras-torch": "Keras on PyTorch"}
# What Keras calls the library under it.
KERAS_BACKENDS = {"keras": "tensorflow", "keras-jax": "jax", "keras-torch": "torch"}


def folder(framework: str) -> str:
    """The folder of a framework: Keras has one, whatever it runs on."""
    return "keras" if framework in KERAS_BACKENDS else framework


def packages(framework: str) -> list[str]:
    """The packages that a framework's saved network needs."""
    return ["keras", KERAS_BACKENDS[framework]] if framework in KERAS_BACKENDS else [framework]
