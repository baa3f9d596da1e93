"""Sequences of which some steps are padding: their masks, (rows, steps), false of padding, and what heeds them."""

from collections.abc import Callable

import torch
from torch import nn


class NotPadding(nn.Module):
    """The mask of tokens: padding is 0."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens != 0


class StepBefore(nn.Module):
    """The mask of sequences before which a step was put."""

    def forward(self, mask: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.ones_like(mask[:, :1]), mask], dim=1)


class PaddedMean(nn.Module):
    """The mean of the steps that are no padding, 0 where all are."""

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        kept = mask.unsqueeze(2).to(values.dtype)
        return (values * kept).sum(1) / kept.sum(1).clamp(min=1)


class PaddedMaximum(nn.Module):
    """The largest value of the steps that are no padding, 0 where all are."""

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        largest = values.masked_fill(~mask.unsqueeze(2), -torch.inf).amax(1)
        return largest.masked_fill(~mask.any(1, keepdim=True), 0)


class TakePaddedStep(nn.Module):
    """One of the steps that are no padding, zeros where there are fewer."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        places = mask.cumsum(1) - 1
        wanted = self.index if self.index >= 0 else mask.sum(1, keepdim=True) + self.index
        return (values * (mask & (places == wanted)).unsqueeze(2)).sum(1)


class _Padded(nn.RNNBase):
    """A stock recurrent module of one layer that does with padding as Keras's: it leaves the state as it is.

    A direction is given the steps that are none in their order and padding behind them, of which nothing is used: to
    the last digit what a loop gives that keeps the state.

    Attributes:
        gives_zeros: of padding, in place of the state.
    """

    operation: Callable[..., tuple[torch.Tensor, ...]]
    gives_zeros = False

    def forward(self, sequences: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, None]:
        forward, *backward = self.all_weights
        states = self._read(sequences, mask, forward)
        if backward:
            others = self._read(sequences.flip(1), mask.flip(1), *backward).flip(1)
            states = torch.cat([states, others], dim=2)
        return states.masked_fill(~mask.unsqueeze(2), 0) if self.gives_zeros else states, None

    def _read(self, sequences: torch.Tensor, mask: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
        """States at each step, zeros before the first one that is no padding."""
        order = mask.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
        start = sequences.new_zeros(1, sequences.shape[0], self.hidden_size)
        states = self.operation(
            _steps(sequences, order), self._of_parts(start), weights, self.bias, 1, 0.0, self.training, False, True
        )[0]
        read = mask.cumsum(1)
        return _steps(states, (read - 1).clamp(min=0)).masked_fill((read == 0).unsqueeze(2), 0)

    def _of_parts(self, state: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        return state


class PaddedRNN(_Padded, nn.RNN):
    """Of sequences and their mask."""

    operation = staticmethod(torch.rnn_tanh)


class PaddedLSTM(_Padded, nn.LSTM):
    """Of sequences and their mask."""

    operation = staticmethod(torch.lstm)

    def _of_parts(self, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return state, state


class PaddedGRU(_Padded, nn.GRU):
    """Of sequences and their mask."""

    operation = staticmethod(torch.gru)


def _steps(sequences: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Steps of (rows, steps, channels) by their places, (rows, steps)."""
    return sequences.gather(1, places.unsqueeze(2).expand(-1, -1, sequences.shape[2]))
