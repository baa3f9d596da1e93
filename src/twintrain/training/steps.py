"""Training for a number of steps instead of epochs, as verification needs it."""

from typing import Any

from twintrain.config import Train
from twintrain.training.batches import epoch_batches
from twintrain.training.schedule import learning_rates


def take_steps(backend: Any, train: Train, rows: int, done: int, wanted: int) -> None:
    """Goes on from step `done` to step `wanted` of a training, through as many epochs as that takes.

    A training shorter than that goes on at the rates of its last epoch; plateaus are left out, since nothing validates.
    """
    per_epoch = len(epoch_batches(rows, train.batch_size, train.seed, 0, train.accumulate).steps) - 1
    while done < wanted:
        epoch, first = divmod(done, per_epoch)
        last = min(per_epoch, first + wanted - done)
        batches = epoch_batches(rows, train.batch_size, train.seed, epoch, train.accumulate)
        at = min(epoch, train.epochs - 1)
        rates = learning_rates(train.schedule, train.optimizer.learning_rate, at, train.epochs, per_epoch, [])
        backend.train_epoch(batches.between(first, last), rates[first:last])
        done += last - first
