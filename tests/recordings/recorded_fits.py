"""Trainings that are recorded in both frameworks: their names, rows and weights."""

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.record import record

NAMES = ("twin", "chain", "loss_alone", "two_outputs", "frozen", "dropped", "narrow_loss", "tokens", "state", "errors")
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
