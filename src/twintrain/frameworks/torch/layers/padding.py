"""Sequences of which some steps are padding, in PyTorch: masks, (rows, steps), false of padding, and their use."""

from collections.abc import Callable

from torch import nn

from twintrain.frameworks.torch.lacking.padding import NotPadding, PaddedMaximum, PaddedMean, StepBefore, TakePaddedStep


def not_padding() -> nn.Module:
    """Tokens → their mask: padding is 0."""
    return NotPadding()


def step_before() -> nn.Module:
    """The mask of sequences → that of the same behind a step that was put before them."""
    return StepBefore()


def padded_mean() -> nn.Module:
    """(rows, steps, channels) and a mask → the mean of the steps that are no padding, 0 where all are."""
    return PaddedMean()


def padded_maximum() -> nn.Module:
    """(rows, steps, channels) and a mask → the largest value of the steps that are no padding, 0 where all are."""
    return PaddedMaximum()


def padded_step(index: int) -> nn.Module:
    """(rows, steps, channels) and a mask → one of the steps that are no padding, zeros where there are fewer."""
    return TakePaddedStep(index)


# By the kinds that give masks of steps, what makes one of the tokens or of the mask that they take.
MASKS: dict[str, Callable[[], nn.Module]] = {"embedding": not_padding, "class_token": step_before}
