"""Modules of transformers that PyTorch lacks, or has in another form."""

import math
from collections.abc import Callable

import torch
from torch import nn

from twintrain.frameworks.torch.modules import Composed
from twintrain.models.layers.attention import UNSEEN, sinusoids


class Attention(Composed):
    """Attention of several heads, which may be of any size: that of nn.MultiheadAttention is channels / heads.

    Attributes:
        dropout: of the softmax, (rows, heads, queries, keys).
    """

    def __init__(
        self,
        channels: int,
        of_memory: int,
        heads: int,
        size: int,
        use_bias: bool,
        causal: bool,
        dropout: nn.Dropout | None,
    ) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query, self.key, self.value = (
            nn.Linear(inputs, heads * size, bias=use_bias) for inputs in (channels, of_memory, of_memory)
        )
        self.output = nn.Linear(heads * size, channels, bias=use_bias)
        self.dropout = dropout
        self._start()

    def _start(self) -> None:
        """Draws initial weights as nn.MultiheadAttention does: of equal inputs, by the fans of the kernels in one."""
        kernels = 3 if self.query.in_features == self.key.in_features else 1
        for part in (self.query, self.key, self.value):
            limit = math.sqrt(6 / (part.in_features + kernels * part.out_features))
            nn.init.uniform_(part.weight, -limit, limit)
        for part in (self.query, self.key, self.value, self.output):
            if part.bias is not None:
                nn.init.zeros_(part.bias)

    def forward(
        self, values: torch.Tensor, memory: torch.Tensor | None = None, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        memory = values if memory is None else memory
        parts = (self.query, values), (self.key, memory), (self.value, memory)
        query, key, value = (self._by_head(part(given)) for part, given in parts)
        if mask is None and (self.dropout is None or not self.training):
            mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        else:
            shares = self._shares(query, key, mask)
            mixed = (shares if self.dropout is None else self.dropout(shares)).to(value.dtype) @ value
        return self.output(mixed.transpose(1, 2).flatten(2))

    def part_of(self, array: str) -> tuple[nn.Module, str]:
        part, _, kind = array.partition("_")
        return getattr(self, part or "output"), kind

    def _by_head(self, values: torch.Tensor) -> torch.Tensor:
        """(rows, steps, heads · size) → (rows, heads, steps, size)."""
        return values.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def _shares(self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        # In half precision scores and their softmax are float32, as scaled_dot_product_attention has them.
        wide = torch.promote_types(query.dtype, torch.float32)
        scores = query.to(wide) @ key.transpose(2, 3).to(wide) * (1 / math.sqrt(query.shape[-1]))
        unseen = [] if mask is None else [~mask[:, None, None]]
        if self.causal:
            unseen.append(torch.ones(scores.shape[2:], dtype=torch.bool, device=scores.device).triu(1))
        for hidden in unseen:
            scores = scores.masked_fill(hidden, UNSEEN)
        shares = scores.softmax(dim=-1)
        # What sees nothing has equal shares of all, and is to have none.
        for hidden in unseen if mask is not None else []:
            shares = shares.masked_fill(hidden, 0)
        return shares


class Positions(Composed):
    """A learned vector for each step, added."""

    def __init__(self, steps: int, channels: int) -> None:
        super().__init__()
        self.table = nn.Embedding(steps, channels)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        rows, steps, _ = values.shape
        # Looked up for every row, as Keras does, so that a recording has the same calls of both.
        return values + self.table(torch.arange(steps, device=values.device).expand(rows, steps))

    def part_of(self, array: str) -> tuple[nn.Module, str]:
        return self.table, array


class Waves(nn.Module):
    """Sinusoidal positions, added."""

    def __init__(self, steps: int, channels: int) -> None:
        super().__init__()
        # No buffer, which a recording would take for an array that Keras lacks.
        self.table = torch.from_numpy(sinusoids(steps, channels))

    def _apply(self, function: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> nn.Module:
        self.table = function(self.table)
        return super()._apply(function, recurse)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + self.table


class ClassToken(Composed):
    """A learned vector before the steps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.table = nn.Embedding(1, channels)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        codes = torch.zeros((values.shape[0], 1), dtype=torch.int64, device=values.device)
        return torch.cat([self.table(codes), values], dim=1)

    def part_of(self, array: str) -> tuple[nn.Module, str]:
        return self.table, array


class TakeStep(nn.Module):
    """One of the steps."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values[:, self.index]
