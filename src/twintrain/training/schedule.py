"""Learning rates of the steps of an epoch, framework-free: both twins take the same float64 numbers.

η the optimizer's learning rate, e epoch and s step of the whole training, from 0. The rates are those that
torch.optim.lr_scheduler gives; a step is an update of the weights, so that accumulated batches are one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from twintrain.settings.sections.optimizers import Schedule

# ReduceLROnPlateau's `eps`: a smaller change of the rate is none.
LEAST_CHANGE = 1e-8


@dataclass(frozen=True)
class _Moment:
    """Where in the training an epoch lies.

    Attributes:
        steps: int64 (steps_per_epoch,), the numbers of its steps.
        val_losses: of the epochs before it.
    """

    epoch: int
    steps: np.ndarray
    total_steps: int
    val_losses: Sequence[float]


def learning_rates(
    schedule: Schedule,
    learning_rate: float,
    epoch: int,
    epochs: int,
    steps_per_epoch: int,
    val_losses: Sequence[float],
) -> np.ndarray:
    """Returns the learning rates of an epoch's steps, float64 (steps_per_epoch,).

    They follow from the arguments alone, so that a resumed training needs no state. With `warmup`, the rates of the
    first steps are (s + 1) / warmup of what they would be (LinearLR beside the schedule).

    Args:
        epoch: from 0.
        epochs: of the whole training.
        val_losses: of the epochs before this one at least; later ones are not looked at.
    """
    steps = epoch * steps_per_epoch + np.arange(steps_per_epoch)
    moment = _Moment(epoch, steps, epochs * steps_per_epoch, val_losses[:epoch])
    options = schedule.options()
    warmup = options.pop("warmup", 0)
    rates = RATES[schedule.name](learning_rate, moment, **options)
    return rates * np.minimum((steps + 1) / max(warmup, 1), 1.0)


def _constant(learning_rate: float, moment: _Moment) -> np.ndarray:
    """Always η."""
    return np.full(len(moment.steps), learning_rate)


def _step(learning_rate: float, moment: _Moment, step_size: int, gamma: float) -> np.ndarray:
    """Falls as η γ^⌊e / step_size⌋ (StepLR)."""
    return np.full(len(moment.steps), learning_rate * gamma ** (moment.epoch // step_size))


def _exponential(learning_rate: float, moment: _Moment, gamma: float) -> np.ndarray:
    """Falls as η γᵉ (ExponentialLR)."""
    return np.full(len(moment.steps), learning_rate * gamma**moment.epoch)


def _cosine(learning_rate: float, moment: _Moment, minimum: float) -> np.ndarray:
    """Falls as minimum + (η − minimum) (1 + cos(π s / steps)) / 2 (CosineAnnealingLR; Loshchilov and Hutter 2017)."""
    return _annealed(learning_rate, minimum, moment.steps / moment.total_steps)


def _one_cycle(
    learning_rate: float, moment: _Moment, pct_start: float, div_factor: float, final_div_factor: float
) -> np.ndarray:
    """From η / div_factor up to η, and down to η / (div_factor · final_div_factor), in cosines.

    OneCycleLR with max_lr = η and cycle_momentum=False (Smith and Topin 2018): the momentum stays as it is.
    """
    first = learning_rate / div_factor
    last = first / final_div_factor
    top, end = pct_start * moment.total_steps - 1, moment.total_steps - 1
    rising = _annealed(first, learning_rate, moment.steps / top if top > 0 else np.ones(len(moment.steps)))
    falling = _annealed(learning_rate, last, (moment.steps - top) / (end - top) if end > top else 0.0)
    return np.where(moment.steps <= top, rising, falling)


def _plateau(
    learning_rate: float, moment: _Moment, factor: float, patience: int, min_delta: float, minimum: float
) -> np.ndarray:
    """Times `factor` whenever val_loss has not fallen by more than `min_delta` for more than `patience` epochs.

    ReduceLROnPlateau with threshold_mode="abs".
    """
    rate, best, bad_epochs = learning_rate, math.inf, 0
    for val_loss in moment.val_losses:
        if val_loss < best - min_delta:
            best, bad_epochs = val_loss, 0
        else:
            bad_epochs += 1
        if bad_epochs > patience:
            lower = max(rate * factor, minimum)
            rate, bad_epochs = lower if rate - lower > LEAST_CHANGE else rate, 0
    return np.full(len(moment.steps), rate)


def _annealed(start: float, end: float, share: np.ndarray | float) -> np.ndarray:
    """The cosine from start (share 0) to end (share 1)."""
    return end + (start - end) / 2 * (1 + np.cos(np.pi * share))


RATES: dict[str, Callable[..., np.ndarray]] = {
    "constant": _constant,
    "step": _step,
    "exponential": _exponential,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
    "plateau": _plateau,
}
