"""Trainings in Keras, by name; each is recorded to a file of its own."""

import functools

import keras
import numpy as np
from keras import layers, losses, optimizers
from shared_trainings import (
    CLASSES,
    FLAGS,
    HIDDEN,
    INPUTS,
    LABELS,
    LIMIT,
    ONE_HOT,
    SEQUENCES,
    SHARES,
    STEPS,
    UNITS,
    VALUES,
    WIDE,
    X,
    recurrent_weights,
    weights,
)

from twintrain.recordings.record import record


def network(outputs=CLASSES, head=(), norm=(), seed=5, l2=0.0, hidden=HIDDEN):
    """Two layers, with what stands between and behind them."""
    penalty = keras.regularizers.L2(l2) if l2 else None
    dense = [layers.Dense(units, kernel_regularizer=penalty) for units in (hidden, outputs)]
    model = keras.Sequential([layers.Input((INPUTS,)), dense[0], *norm, layers.Activation("tanh"), dense[1], *head])
    own = weights(outputs, seed, hidden)
    for layer, kernel, bias in zip(dense, own[::2], own[1::2], strict=True):
        layer.set_weights([kernel, bias])
    return model


def recurrent():
    """An LSTM, of which the last output is taken."""
    model = keras.Sequential([layers.Input(SEQUENCES.shape[1:]), layers.LSTM(UNITS), layers.Dense(CLASSES)])
    model.set_weights(recurrent_weights())
    return model


def batch_norm(momentum=0.99, frozen=False):
    return [layers.BatchNormalization(momentum=momentum, trainable=not frozen)]


def sgd(rate=0.1, **options):
    return functools.partial(optimizers.SGD, rate, **options)


def adam(**options):
    return functools.partial(optimizers.Adam, **{"learning_rate": 0.01, "epsilon": 1e-30, **options})


SGD = sgd()
CROSS_ENTROPY = losses.SparseCategoricalCrossentropy(from_logits=True)
RMSPROP = functools.partial(optimizers.RMSprop, 0.01, rho=0.9, epsilon=1e-37)
SOFTMAX = [layers.Activation("softmax")]
DECREASING = optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
# Model, targets, loss and optimizer, each of which has a default.
TRAININGS = {
    "plain": {},
    "gradients_alone": {"optimizer": lambda: None},
    "momentum": {"optimizer": sgd(momentum=0.9)},
    "nesterov": {"optimizer": sgd(momentum=0.9, nesterov=True)},
    "l2": {"model": lambda: network(l2=0.01)},
    "l2_gradients_alone": {"model": lambda: network(l2=0.01), "optimizer": lambda: None},
    "adam": {"optimizer": adam()},
    "adam_epsilon": {"optimizer": adam(epsilon=1e-7)},
    "adamw": {"optimizer": functools.partial(optimizers.AdamW, 0.01, epsilon=1e-30, weight_decay=0.1)},
    "amsgrad": {"optimizer": adam(amsgrad=True)},
    "rmsprop": {"optimizer": RMSPROP},
    "rmsprop_epsilon": {"optimizer": functools.partial(optimizers.RMSprop, 0.01, epsilon=1e-7)},
    "rmsprop_momentum": {"optimizer": functools.partial(RMSPROP, momentum=0.9)},
    "rmsprop_centered": {"optimizer": functools.partial(RMSPROP, centered=True)},
    "adagrad": {"optimizer": functools.partial(optimizers.Adagrad, 0.05, epsilon=1e-30)},
    "adadelta": {"optimizer": functools.partial(optimizers.Adadelta, 1.0)},
    "adamax": {"optimizer": functools.partial(optimizers.Adamax, 0.01, epsilon=1e-30)},
    "nadam": {"optimizer": functools.partial(optimizers.Nadam, 0.01, epsilon=1e-30)},
    "clipped": {"optimizer": sgd(global_clipnorm=0.2)},
    "clipped_by_array": {"optimizer": sgd(clipnorm=0.2)},
    "clipped_by_value": {"optimizer": sgd(clipvalue=0.05)},
    "decreasing": {"optimizer": sgd(DECREASING)},
    "probabilities": {"model": lambda: network(head=SOFTMAX), "loss": losses.SparseCategoricalCrossentropy()},
    "smoothed": {"y": ONE_HOT, "loss": losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)},
    "mse": {"y": VALUES, "loss": losses.MeanSquaredError()},
    "mse_summed": {"y": VALUES, "loss": losses.MeanSquaredError(reduction="sum")},
    "one": {"model": lambda: network(1), "y": VALUES[:, 0], "loss": losses.MeanSquaredError()},
    "mae": {"y": VALUES, "loss": losses.MeanAbsoluteError()},
    "huber": {"y": VALUES, "loss": losses.Huber(delta=0.5)},
    "binary": {"model": lambda: network(1), "y": FLAGS, "loss": losses.BinaryCrossentropy(from_logits=True)},
    "binary_shares": {
        "model": lambda: network(1, [layers.Activation("sigmoid")]),
        "y": FLAGS,
        "loss": losses.BinaryCrossentropy(),
    },
    "kl": {"model": lambda: network(head=SOFTMAX), "y": SHARES, "loss": losses.KLDivergence()},
    "wide": {"model": lambda: network(hidden=WIDE), "limit": LIMIT},
    "wide_clipped": {"model": lambda: network(hidden=WIDE), "optimizer": sgd(global_clipnorm=0.5)},
    "recurrent": {"model": recurrent, "x": SEQUENCES},
    "norm": {"model": lambda: network(norm=batch_norm())},
    "norm_frozen": {"model": lambda: network(norm=batch_norm(frozen=True))},
    "untrained": {"model": lambda: without_training(network())},
}  # fmt: skip


def without_training(model):
    model.layers[0].trainable = False
    return model


def train(path, model=network, x=X, y=LABELS, loss=CROSS_ENTROPY, optimizer=SGD, limit=None):
    y = y.astype(np.float32) if y.dtype.kind == "f" else y
    record(model(), x.astype(np.float32), y, to=path, loss=loss, optimizer=optimizer(), steps=STEPS, limit=limit)
