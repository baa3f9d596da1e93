"""What PyTorch's layers say of themselves."""

from typing import Any

import torch
from torch import nn

from twintrain.recordings.trace import plain


def settings(module: nn.Module) -> dict[str, Any]:
    """The plain ones of a layer's attributes."""
    found = {name: value for name, value in vars(module).items() if name[0] != "_" and name != "training"}
    return plain({name: value for name, value in found.items() if value is not None})


def given(arrays: dict[str, Any]) -> dict[str, Any]:
    """Those that are not None."""
    return {role: array for role, array in arrays.items() if array is not None}


def listed(value: Any, rank: int) -> list[Any]:
    """One value an axis, where PyTorch takes one for all."""
    values = [*value] if isinstance(value, list | tuple | torch.Size) else [value]
    return values * rank if len(values) == 1 else values


def from_end(axis: int | None, rank: int) -> int | None:
    """The number of an axis counted from the last one, which is -1."""
    return None if axis is None else axis % rank - rank
