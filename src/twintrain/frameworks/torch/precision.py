"""Half precision in PyTorch: layers that compute in it, by the rule of `models/precision.py`."""

import torch
from torch import nn
from torch.func import functional_call


def rounded(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What comes into a layer in the dtype that it computes in; codes as they are."""
    return values.to(dtype) if values.is_floating_point() else values


def call(layer: nn.Module, values: list[torch.Tensor], dtype: torch.dtype | None, **mask: torch.Tensor) -> torch.Tensor:
    """What a layer gives, computed in a dtype: its arrays and what comes in are rounded to it.

    Gradients go back to the arrays themselves, in their own precision.

    Args:
        dtype: None for that of the arrays.
    """
    if dtype is None:
        return layer(*values, **mask)
    taken = tuple(rounded(value, dtype) for value in values)
    if dtype == torch.float32:
        return layer(*taken, **mask)
    arrays = {name: array.to(dtype) for name, array in layer.named_parameters()}
    return functional_call(layer, arrays, taken, mask)
