"""What a model is trained by while it is recorded, and what came of it, whatever the framework."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twintrain.errors import UserError, shown
from twintrain.recordings.fit import are_steps
from twintrain.recordings.given import arrays_of, cast
from twintrain.recordings.trace import flat


class Training(NamedTuple):
    """What a model is to be trained by.

    Attributes:
        targets: arrays (rows, …) as the loss takes them: one, or several in a tuple, list or dict.
        loss: as the framework has it.
        optimizer: as the framework has it; None where loss and gradients are all that is wanted.
        steps: after how many steps weights are kept, rising.
        limit: up to how many elements arrays are kept whole; None where all are.
    """

    targets: Any
    loss: Any
    optimizer: Any
    steps: list[int]
    limit: int | None = None

    def in_precision(self, dtype: str) -> "Training":
        """The same with targets of floats in a precision."""
        return self._replace(targets=cast(self.targets, dtype))


def training_of(y: Any, loss: Any, optimizer: Any, steps: Sequence[int], rows: int) -> Training | None:
    """What `record` is to train by; None where it is given neither targets nor loss.

    Raises:
        UserError: one of them is missing, the targets are of other rows, or the steps are none.
    """
    if y is None and loss is None and optimizer is None:
        return None
    if y is None or loss is None:
        missing = " and ".join(name for name, value in (("y", y), ("loss=", loss)) if value is None)
        raise UserError(
            f"training needs y and loss=, got no {missing}; without both, forward passes alone are recorded"
        )
    targets = arrays_of(y, "y")
    for array in flat(targets):
        if len(array) != rows:
            raise UserError(f"y has {len(array)} rows and x {rows}; expected a target for each row")
    return Training(targets, loss, optimizer, with_first(checked_steps(steps)) if optimizer is not None else [])


def with_first(steps: list[int]) -> list[int]:
    """The steps and the first two, by which an optimizer's rule is known: what it keeps shows in the second."""
    return sorted({*steps, *range(1, min(2, steps[-1]) + 1)})


def checked_steps(steps: Sequence[int]) -> list[int]:
    """The numbers of steps.

    Raises:
        UserError: they are no rising positive whole numbers.
    """
    try:
        found = [int(step) for step in steps]
        is_right = bool(found) and are_steps(found) and found == [*steps]
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise UserError(f"steps: expected rising whole numbers above 0, such as (1, 10, 200), got {shown(steps)}")
    return found


def check_loss(shape: Sequence[int]) -> None:
    """Raises UserError where a loss is several numbers."""
    if len(shape):
        raise UserError(
            f"the loss gives an array of shape {(*shape,)}; expected one number, such as its mean over the rows"
        )


def check_number(value: float) -> None:
    """Raises UserError where the first loss is no number."""
    if not np.isfinite(value):
        raise UserError(f"the loss is {value} from the start; expected a number for what the model gives and y")


def check_gradients(has_any: bool) -> None:
    """Raises UserError where a loss has no gradient by any weight."""
    if not has_any:
        raise UserError("the loss depends on no weight of the model; expected one of its outputs")
