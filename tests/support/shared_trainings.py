"""Rows, targets and weights that the trainings of both frameworks share."""

import numpy as np

RNG = np.random.default_rng(11)
ROWS, INPUTS, HIDDEN, CLASSES = 12, 6, 7, 3
STEPS = (1, 2, 3)
X = RNG.normal(size=(ROWS, INPUTS))
LABELS = RNG.integers(0, CLASSES, ROWS)
ONE_HOT = np.eye(CLASSES)[LABELS]
SHARES = np.exp(RNG.normal(size=(ROWS, CLASSES)))
SHARES /= SHARES.sum(1, keepdims=True)
VALUES = RNG.normal(size=(ROWS, CLASSES))
FLAGS = RNG.integers(0, 2, (ROWS, 1)).astype(float)
ORDER = RNG.permutation(ROWS)


UNITS = 4
# Of a layer of which samples are kept, and up to how many elements are not.
WIDE, LIMIT = 2000, 4096
SEQUENCES = X.reshape(ROWS, 3, 2)


def recurrent_weights(seed=8):
    """Kernels (input, 4 · units) and (units, 4 · units) and bias of an LSTM, then kernel and bias of a dense layer."""
    rng = np.random.default_rng(seed)
    shapes = [(2, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,), (UNITS, CLASSES), (CLASSES,)]
    return [rng.normal(size=shape).astype(np.float32) / 2 for shape in shapes]


def weights(outputs, seed=5, hidden=HIDDEN):
    """Kernel (inputs, outputs) and bias of both layers."""
    rng = np.random.default_rng(seed)
    shapes = [(INPUTS, hidden), (hidden,), (hidden, outputs), (outputs,)]
    return [rng.normal(size=shape).astype(np.float32) / 2 for shape in shapes]
