"""Trainings in PyTorch, by name; each is recorded to a file of its own."""

import functools

import numpy as np
import torch
from shared_trainings import (
    CLASSES,
    FLAGS,
    HIDDEN,
    INPUTS,
    LABELS,
    LIMIT,
    ONE_HOT,
    ORDER,
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
from torch import nn, optim
from torch.nn import functional as F

from twintrain.recordings.record import record


def network(outputs=CLASSES, head=(), norm=(), seed=5, hidden=HIDDEN):
    """Two layers, with what stands between and behind them."""
    model = nn.Sequential(nn.Linear(INPUTS, hidden), *norm, nn.Tanh(), nn.Linear(hidden, outputs), *head)
    dense = [layer for layer in model if isinstance(layer, nn.Linear)]
    own = weights(outputs, seed, hidden)
    with torch.no_grad():
        for layer, kernel, bias in zip(dense, own[::2], own[1::2], strict=True):
            layer.weight.copy_(torch.from_numpy(kernel.T))
            layer.bias.copy_(torch.from_numpy(bias))
    return model


class Recurrent(nn.Module):
    """An LSTM, of which the last output is taken."""

    def __init__(self):
        super().__init__()
        self.lstm, self.dense = nn.LSTM(2, UNITS, batch_first=True), nn.Linear(UNITS, CLASSES)
        kernel, recurrent, bias, dense, dense_bias = map(torch.from_numpy, recurrent_weights())
        arrays = (kernel.T, recurrent.T, bias, torch.zeros_like(bias), dense.T, dense_bias)
        with torch.no_grad():
            for parameter, array in zip(self.parameters(), arrays, strict=True):
                parameter.copy_(array)

    def forward(self, values):
        return self.dense(self.lstm(values)[0][:, -1])


def batch_norm(momentum=0.01, frozen=False):
    norm = nn.BatchNorm1d(HIDDEN, eps=1e-3, momentum=momentum)
    return [norm.requires_grad_(not frozen)]


def sgd(**options):
    return functools.partial(optim.SGD, **{"lr": 0.1, **options})


def adam(**options):
    return functools.partial(optim.Adam, **{"lr": 0.01, "eps": 1e-30, **options})


def without_biases(kind, **options):
    """An optimizer whose weight decay is of kernels alone."""

    def made(parameters):
        kernels, others = ([each for each in parameters if (each.ndim > 1) == is_kernel] for is_kernel in (True, False))
        return kind([{"params": kernels}, {"params": others, "weight_decay": 0.0}], **options)

    return lambda parameters: made(list(parameters))


def loud(outputs, targets):
    """Cross entropy whose gradients are twice its own."""
    loss = F.cross_entropy(outputs, targets)
    return 2 * loss - loss.detach()


def clipped(kind, limit):
    """An optimizer that limits the norm of all gradients first, as loops do."""

    class Clipped(kind):
        def step(self, closure=None):
            nn.utils.clip_grad_norm_([each for group in self.param_groups for each in group["params"]], limit)
            return super().step(closure)

    return functools.partial(Clipped, lr=0.1)


SGD = sgd()
CROSS_ENTROPY = nn.CrossEntropyLoss()
RMSPROP = functools.partial(optim.RMSprop, lr=0.01, alpha=0.9, eps=1e-30)
# Model, targets, loss and optimizer, each of which has a default.
TRAININGS = {
    "plain": {},
    "gradients_alone": {"optimizer": None},
    "seeded": {"model": lambda: network(seed=6)},
    "momentum": {"optimizer": sgd(momentum=0.9)},
    "nesterov": {"optimizer": sgd(momentum=0.9, nesterov=True)},
    "slower": {"optimizer": sgd(lr=0.05)},
    "decayed": {"optimizer": sgd(weight_decay=0.02)},
    "kernels_decayed": {"optimizer": without_biases(optim.SGD, lr=0.1, weight_decay=0.02)},
    "kernels_decayed_half": {"optimizer": without_biases(optim.SGD, lr=0.1, weight_decay=0.01)},
    "adam": {"optimizer": adam()},
    "adam_epsilon": {"optimizer": adam(eps=1e-8)},
    "adam_beta_1": {"optimizer": adam(betas=(0.8, 0.999))},
    "adam_beta_2": {"optimizer": adam(betas=(0.9, 0.99))},
    "adam_decayed": {"optimizer": adam(weight_decay=0.1)},
    "adamw": {"optimizer": functools.partial(optim.AdamW, lr=0.01, eps=1e-30, weight_decay=0.1)},
    "amsgrad": {"optimizer": adam(amsgrad=True)},
    "rmsprop": {"optimizer": RMSPROP},
    "rmsprop_epsilon": {"optimizer": functools.partial(RMSPROP, eps=1e-7)},
    "rmsprop_momentum": {"optimizer": functools.partial(RMSPROP, momentum=0.9)},
    "rmsprop_centered": {"optimizer": functools.partial(RMSPROP, centered=True)},
    "adagrad": {"optimizer": functools.partial(optim.Adagrad, lr=0.05, initial_accumulator_value=0.1, eps=1e-30)},
    "adagrad_from_zero": {"optimizer": functools.partial(optim.Adagrad, lr=0.05, eps=1e-30)},
    "adadelta": {"optimizer": functools.partial(optim.Adadelta, lr=1.0, rho=0.95, eps=1e-7)},
    "adamax": {"optimizer": functools.partial(optim.Adamax, lr=0.01, eps=1e-30)},
    "nadam": {"optimizer": functools.partial(optim.NAdam, lr=0.01, eps=1e-30, momentum_decay=1.0)},
    "summed": {"loss": nn.CrossEntropyLoss(reduction="sum")},
    "smoothed": {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)},
    "weighted": {"loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 4.0]))},
    "softmax_twice": {"model": lambda: network(head=[nn.Softmax(1)])},
    "loud": {"loss": loud},
    "mse": {"y": VALUES, "loss": nn.MSELoss()},
    "mse_summed": {"y": VALUES, "loss": nn.MSELoss(reduction="sum")},
    "mse_by_rows": {"y": VALUES, "loss": lambda outputs, y: ((outputs - y) ** 2).sum(1).mean()},
    "one": {"model": lambda: network(1), "y": VALUES[:, :1], "loss": nn.MSELoss()},
    "one_broadcast": {"model": lambda: network(1), "y": VALUES[:, 0], "loss": nn.MSELoss()},
    "mae": {"y": VALUES, "loss": nn.L1Loss()},
    "huber": {"y": VALUES, "loss": nn.HuberLoss(delta=0.5)},
    "huber_delta": {"y": VALUES, "loss": nn.HuberLoss(delta=1.0)},
    "binary": {"model": lambda: network(1), "y": FLAGS, "loss": nn.BCEWithLogitsLoss()},
    "binary_shares": {"model": lambda: network(1, [nn.Sigmoid()]), "y": FLAGS, "loss": nn.BCELoss()},
    "kl": {
        "model": lambda: network(head=[nn.Softmax(1)]),
        "y": SHARES,
        "loss": lambda outputs, y: F.kl_div(outputs.log(), y, reduction="batchmean"),
    },
    "shuffled_targets": {"y": LABELS[ORDER]},
    "shuffled_rows": {"x": X[ORDER], "y": LABELS[ORDER]},
    "scaled_targets": {"y": VALUES * 10, "loss": nn.MSELoss()},
    "one_hot": {"y": ONE_HOT},
    "wide": {"model": lambda: network(hidden=WIDE), "limit": LIMIT},
    "recurrent": {"model": Recurrent, "x": SEQUENCES},
    "norm": {"model": lambda: network(norm=batch_norm())},
    "norm_momentum": {"model": lambda: network(norm=batch_norm(momentum=0.1))},
    "norm_frozen": {"model": lambda: network(norm=batch_norm(frozen=True))},
    "untrained": {"model": lambda: without_training(network())},
}  # fmt: skip


def without_training(model):
    model[0].requires_grad_(False)
    return model


def train(path, model=network, x=X, y=LABELS, loss=CROSS_ENTROPY, optimizer=SGD, limit=None):
    y = y.astype(np.float32) if y.dtype.kind == "f" else y
    record(model(), x.astype(np.float32), y, to=path, loss=loss, optimizer=optimizer, steps=STEPS, limit=limit)
