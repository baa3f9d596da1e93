"""Sequences of which some steps are padding, in Keras: masks, (rows, steps), false of padding, and their use.

Masks are inputs like others: what Keras hands on by itself from layer to layer PyTorch has not.
"""

import math
from collections.abc import Callable

from keras import KerasTensor, ops


def not_padding(tokens: KerasTensor) -> KerasTensor:
    """Tokens → their mask: padding is 0."""
    return ops.not_equal(tokens, 0)


def step_before(mask: KerasTensor) -> KerasTensor:
    """The mask of sequences → that of the same behind a step that was put before them."""
    return ops.concatenate([ops.ones_like(mask[:, :1]), mask], axis=1)


def padded_mean(values: KerasTensor, mask: KerasTensor) -> KerasTensor:
    """(rows, steps, channels) and a mask → the mean of the steps that are no padding, 0 where all are."""
    kept = ops.cast(ops.expand_dims(mask, 2), values.dtype)
    return ops.sum(values * kept, axis=1) / ops.maximum(ops.sum(kept, axis=1), 1)


def padded_maximum(values: KerasTensor, mask: KerasTensor) -> KerasTensor:
    """(rows, steps, channels) and a mask → the largest value of the steps that are no padding, 0 where all are."""
    largest = ops.max(ops.where(ops.expand_dims(mask, 2), values, -math.inf), axis=1)
    return ops.where(ops.any(mask, axis=1, keepdims=True), largest, 0.0)


def padded_step(values: KerasTensor, mask: KerasTensor, index: int) -> KerasTensor:
    """(rows, steps, channels) and a mask → one of the steps that are no padding, zeros where there are fewer."""
    counted = ops.cast(mask, "int32")
    wanted = index if index >= 0 else ops.sum(counted, axis=1, keepdims=True) + index
    taken = ops.logical_and(mask, ops.equal(ops.cumsum(counted, axis=1) - 1, wanted))
    return ops.sum(values * ops.cast(ops.expand_dims(taken, 2), values.dtype), axis=1)


# By the kinds that give masks of steps, what makes one of the tokens or of the mask that they take.
MASKS: dict[str, Callable[[KerasTensor], KerasTensor]] = {"embedding": not_padding, "class_token": step_before}
