"""Arrays of no layer that is known: taken as they are, in the layout in which the user wrote them."""

from collections.abc import Iterable
from dataclasses import dataclass

import keras

# What they have is adapted before training, which leaves it as it is: constants of the network.
CONSTANT = (keras.layers.Normalization,)


@dataclass(frozen=True)
class FreeArray:
    """A weight of a layer that is not known, or that a known one does not usually have."""

    array: keras.Variable

    def read(self, _: str) -> keras.Variable:
        """Returns the array itself."""
        return self.array

    def parameters(self, _: str) -> list[keras.Variable]:
        """Keras's array, which is the same."""
        return [self.array]


def free_arrays(layers: Iterable[keras.Layer], taken: set[int]) -> list[FreeArray]:
    """Floating weights, once each, in the order of the layers, of each as Keras lists them.

    What holds no numbers is left out.

    Args:
        taken: ids of those that known layers have.
    """
    weights = [weight for layer in layers if not isinstance(layer, CONSTANT) for weight in layer.weights]
    floating = [weight for weight in weights if keras.backend.is_float_dtype(weight.dtype) and all(weight.shape)]
    found = {id(weight): weight for weight in floating if id(weight) not in taken}
    return [FreeArray(weight) for weight in found.values()]
