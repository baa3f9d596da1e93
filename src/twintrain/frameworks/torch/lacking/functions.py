"""Functions without arrays that PyTorch lacks as modules, or whose constants it rounds to float32."""

import torch
from torch import nn


class CELU(nn.Module):
    """α · elu(x / α): the gradient of PyTorch's own has an α that is rounded to float32, whatever the precision."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.elu(values / self.alpha) * self.alpha


class HardSigmoid(nn.Module):
    """relu6(x + 3) / 6: the gradient of PyTorch's own is 1/6 rounded to float32, whatever the precision."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu6(values + 3) / 6


class SwiGLU(nn.Module):
    """The first half of an axis times the silu of the second one."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        value, gate = values.chunk(2, dim=self.dim)
        return value * nn.functional.silu(gate)


class Reshape(nn.Module):
    """Another shape for numbers that stand channels last, as Keras's do; those of images come and go channels first."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = values.movedim(1, -1) if values.ndim >= 4 else values
        values = values.reshape(values.shape[0], *self.shape)
        return values.movedim(-1, 1) if len(self.shape) >= 3 else values


class TakeColumns(nn.Module):
    """Some columns of a table, which follow each other in runs from a first one to behind a last one."""

    def __init__(self, runs: list[tuple[int, int]]) -> None:
        super().__init__()
        self.runs = runs

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        return torch.cat([table[:, start:end] for start, end in self.runs], dim=1)


class UnitNorm(nn.Module):
    """Vectors of length one along the last axis."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(values, dim=-1)
