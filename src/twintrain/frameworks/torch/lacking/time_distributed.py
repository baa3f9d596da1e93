"""A layer at each step of a sequence, which PyTorch lacks."""

import torch
from torch import nn


class EachStep(nn.Module):
    """Gives a layer each step as a row; what has as many axes as images comes and goes channels first."""

    def __init__(self, layer: nn.Module, name: str) -> None:
        super().__init__()
        self.add_module(name, layer)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        (layer,) = self.children()
        values = _last(values)
        made = _last(layer(_first(values.flatten(0, 1))))
        return _first(made.unflatten(0, (-1, values.shape[1])))


def _last(values: torch.Tensor) -> torch.Tensor:
    return values.movedim(1, -1) if values.ndim >= 4 else values


def _first(values: torch.Tensor) -> torch.Tensor:
    return values.movedim(-1, 1) if values.ndim >= 4 else values
