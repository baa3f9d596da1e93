"""Attention's arrays in our layout."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Heads:
    """A stock module of attention, with its arrays in our layout: kernels (in, out) of query, key, value and output."""

    module: nn.MultiheadAttention

    def read(self, array: str) -> torch.Tensor:
        """Returns an array of ours as a view of PyTorch's, which keeps three in one where it can."""
        part, _, kind = array.partition("_")
        (own,) = self.parameters(array)
        together = ("query", "key", "value")  # in PyTorch's order
        is_shared = part in together and any(
            own is each for each in (self.module.in_proj_weight, self.module.in_proj_bias)
        )
        found = own.chunk(len(together))[together.index(part)] if is_shared else own
        return found.T if kind == "kernel" else found

    def parameters(self, array: str) -> list[torch.Tensor]:
        """PyTorch's array that an array of ours is kept in; none where there is no bias."""
        part, _, kind = array.partition("_")
        module = self.module
        if part == "output":
            found = module.out_proj.weight if kind == "kernel" else module.out_proj.bias
        elif kind == "bias":
            found = module.in_proj_bias
        else:
            whole = module.in_proj_weight
            found = getattr(module, f"{part[0]}_proj_weight") if whole is None else whole
        return [] if found is None else [found]
