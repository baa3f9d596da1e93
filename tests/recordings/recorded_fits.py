"""Trainings that are recorded in both frameworks: their names, rows and weights."""

import contextlib

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.loop import recording
from twintrain.recordings.record import record

NAMES = (
    "twin",
    "chain",
    "loss_alone",
    "two_outputs",
    "frozen",
    "dropped",
    "narrow_loss",
    "tokens",
    "state",
    "errors",
    "loop",
    "large",
    "words",
)
STEPS = (1, 3)
RATE, MOMENTUM = 0.1, 0.9
RNG = np.random.default_rng(7)
TABLE, CLASSES, NUMBERS = RNG.normal(size=(6, 4)), RNG.integers(0, 3, 6), RNG.normal(size=(6, 3))
IMAGES = RNG.normal(size=(6, 6, 5, 4))
WORDS = RNG.integers(0, 7, (6, 5))
# Kernels (input, output) and biases of two dense layers, as the models hold them.
ARRAYS = [RNG.normal(size=shape).astype(np.float32) for shape in ((4, 5), (5,), (5, 3), (3,))]


def said(model, path, *, x=TABLE, y=CLASSES, **how):
    """What recording a training that cannot be made says."""
    try:
        record(model, x, y, to=path, **how)
    except UserError as error:
        return str(error)
    return ""


def trained_by_hand():
    """Losses, first gradients and weights by step of the twin, by backpropagation in NumPy."""
    arrays, moments = [array.astype(np.float64) for array in ARRAYS], [0.0] * 4
    losses, weights, first = [], {}, None
    one_hot = np.eye(3)[CLASSES]
    for step in range(1, max(STEPS) + 1):
        hidden = np.tanh(TABLE @ arrays[0] + arrays[1])
        logits = hidden @ arrays[2] + arrays[3]
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        losses.append(-np.log((shares * one_hot).sum(1)).mean())
        back = (shares - one_hot) / len(TABLE)
        inner = back @ arrays[2].T * (1 - hidden**2)
        gradients = [TABLE.T @ inner, inner.sum(0), hidden.T @ back, back.sum(0)]
        first = first or gradients
        moments = [MOMENTUM * moment + gradient for moment, gradient in zip(moments, gradients, strict=True)]
        arrays = [array - RATE * moment for array, moment in zip(arrays, moments, strict=True)]
        if step in STEPS:
            weights[step] = arrays
    return losses, first, weights


def is_trained_by_hand(recording):
    """Whether the recorded twin in float64 is that of `trained_by_hand`, to the last digits."""
    losses, gradients, weights = trained_by_hand()
    found, expected = [recording.losses("float64")], [losses]
    for place, weight in enumerate(recording.weights):
        arrays = [recording.gradient("float64", weight.name)]
        arrays += [recording.weight_after("float64", step, weight.name) for step in STEPS]
        found += [array.T if recording.framework == "torch" else array for array in arrays]
        expected += [gradients[place], *(weights[step][place] for step in STEPS)]
    return all(np.abs(a - b).max() < 1e-13 for a, b in zip(found, expected, strict=True))


class Silent:
    """Stands for what a loop tells, where it is not recorded."""

    def batch(self, x, y):
        pass

    loss = gradients = step = lambda *_: None


def loops(path, run):
    """Whether a loop does the same when it is recorded; what the one that is not has seen stands beside the file.

    Args:
        run: makes a model and an optimizer anew; gives them, and the loop, which takes what it tells and gives arrays.
    """
    model, how, loop = run()
    loss, optimizer = how
    with recording(model, to=path, steps=(1, 3), loss=loss, optimizer=optimizer) as r:
        recorded = loop(r)
    model, _, loop = run()
    own = loop(Silent())
    np.savez(path.with_name("own_loop.npz"), **own)
    return all(np.array_equal(recorded[name], own[name]) for name in own)


def rows_of(step):
    """Which rows a batch of a loop has."""
    return np.arange(6) if step % 2 == 0 else np.arange(6)[::-1].copy()


def broken_loops(path, model):
    """What loops say that do not end well."""
    found = []
    for breaks in (
        lambda r: r.step(),
        lambda r: None,
        lambda r: (r.batch(TABLE, CLASSES), r.loss(TABLE)),
        lambda r: (r.batch(TABLE, CLASSES), r.gradients([])),
        lambda r: (r.batch(TABLE, CLASSES), r.loss(0.5), r.step(), 1 / 0),
    ):
        try:
            with recording(model, to=path.with_name("broken.npz")) as r:
                breaks(r)
        except (UserError, ZeroDivisionError) as error:
            found.append([str(error), *getattr(error, "__notes__", [])])
    folder = path.with_name("removed")
    folder.mkdir()
    with contextlib.suppress(UserError), recording(model, to=folder / "a.npz") as r:
        folder.rmdir()
        r.batch(TABLE, CLASSES)
        found.append("it went on")
    return found
