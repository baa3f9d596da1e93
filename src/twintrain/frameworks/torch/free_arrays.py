"""Arrays of no layer that is known: taken as they are, in the layout in which the user wrote them."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

# The attribute of a network that names the buffers that training changes; all others are constants.
CHANGING = "changing_buffers"


@dataclass(frozen=True)
class FreeArray:
    """A parameter of a module that is not known, or that a known one does not usually have; or a changing buffer."""

    array: torch.Tensor

    def read(self, _: str) -> torch.Tensor:
        """Returns the array itself."""
        return self.array

    def parameters(self, _: str) -> list[torch.Tensor]:
        """PyTorch's array, which is the same."""
        return [self.array]


def free_arrays(model: nn.Module, taken: set[int]) -> list[FreeArray]:
    """Parameters and changing buffers, once each, in the order of the modules, of each its parameters first.

    What holds no numbers is left out.

    Args:
        taken: ids of those that known layers have.
    """
    found = {id(array): array for array in _arrays(model) if id(array) not in taken and array.numel()}
    return [FreeArray(array) for array in found.values()]


def _arrays(model: nn.Module) -> Iterator[torch.Tensor]:
    changing = getattr(model, CHANGING, frozenset())
    for path, module in model.named_modules():
        yield from module.parameters(recurse=False)
        prefix = f"{path}." if path else ""
        yield from (buffer for name, buffer in module.named_buffers(recurse=False) if prefix + name in changing)
