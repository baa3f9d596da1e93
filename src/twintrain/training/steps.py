"""Training for a number of steps instead of epochs, as verification needs it."""

from typing import Any

from twintrain.data.parts import Part
from twintrain.settings.sections.training import Train
from twintrain.training.blocks import Feed
from twintrain.training.schedule import learning_rates


def take_steps(backend: Any, train: Train, part: Part, done: int, wanted: int) -> list[tuple[float, float]]:
    """Goes on from step `done` to step `wanted` of a training, through as many epochs as that takes.

    A training shorter than that goes on at the rates of its last epoch; plateaus are left out, since nothing validates.

    Returns:
        training loss and metric of each epoch, or of what is taken of it.
    """
    feed, found = Feed(backend, part, train), []
    while done < wanted:
        epoch, first = divmod(done, feed.steps)
        last = min(feed.steps, first + wanted - done)
        at = min(epoch, train.epochs - 1)
        rates = learning_rates(train.schedule, train.optimizer.learning_rate, at, train.epochs, feed.steps, [])
        found.append(feed.train_steps(epoch, rates[first:last], first))
        done += last - first
    return found
