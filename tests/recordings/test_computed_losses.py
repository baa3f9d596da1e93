"""Losses in NumPy against PyTorch's own."""

import numpy as np
import pytest
import torch
from torch import nn

from twintrain.recordings.comparing.training.losses import LossRule

RNG = np.random.default_rng(4)
LOGITS = RNG.normal(size=(8, 3))
IMAGES = RNG.normal(size=(4, 3, 5))
SHARES = np.exp(RNG.normal(size=(8, 3)))
SHARES /= SHARES.sum(1, keepdims=True)
CLASSES = RNG.integers(0, 3, 8)
OF_IMAGES = RNG.integers(0, 3, (4, 5))
VALUES = RNG.normal(size=(8, 3))
FLAGS = RNG.integers(0, 2, (8, 3)).astype(float)
WEIGHTS = [1.0, 2.0, 0.5]
TORCH = {"axis": 1, "smooths_weights": True, "broadcast": True}


def holed(classes):
    return np.where(np.arange(classes.size).reshape(classes.shape) % 3, classes, -100)


LOSSES = [
    ("cross_entropy", {}, nn.CrossEntropyLoss(), LOGITS, CLASSES),
    ("cross_entropy", {}, nn.CrossEntropyLoss(), LOGITS, SHARES),
    ("cross_entropy", {}, nn.CrossEntropyLoss(), IMAGES, OF_IMAGES),
    ("cross_entropy", {}, nn.CrossEntropyLoss(), LOGITS, holed(CLASSES)),
    ("cross_entropy", {"ignore_index": 2}, nn.CrossEntropyLoss(ignore_index=2), LOGITS, CLASSES),
    ("cross_entropy", {"reduction": "sum"}, nn.CrossEntropyLoss(reduction="sum"), IMAGES, OF_IMAGES),
    ("cross_entropy", {"label_smoothing": 0.2}, nn.CrossEntropyLoss(label_smoothing=0.2), LOGITS, CLASSES),
    (
        "cross_entropy",
        {"class_weights": WEIGHTS, "reduction": "weighted mean", "label_smoothing": 0.1},
        nn.CrossEntropyLoss(weight=torch.tensor(WEIGHTS, dtype=torch.float64), label_smoothing=0.1),
        LOGITS,
        CLASSES,
    ),
    ("nll", {}, nn.NLLLoss(), np.log(SHARES), CLASSES),
    ("binary_cross_entropy", {"from_logits": True}, nn.BCEWithLogitsLoss(), LOGITS, FLAGS),
    (
        "binary_cross_entropy",
        {"from_logits": True, "positive_weight": 3.0},
        nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0, dtype=torch.float64)),
        LOGITS,
        FLAGS,
    ),
    ("binary_cross_entropy", {"from_logits": False}, nn.BCELoss(), SHARES, FLAGS),
    ("mse", {"reduction": "sum"}, nn.MSELoss(reduction="sum"), LOGITS, VALUES),
    ("mse", {}, nn.MSELoss(), LOGITS[:, :1], VALUES[:, 0]),
    ("mae", {}, nn.L1Loss(), LOGITS, VALUES),
    ("huber", {"delta": 0.3}, nn.HuberLoss(delta=0.3), LOGITS, VALUES),
    ("smooth_l1", {"beta": 0.3}, nn.SmoothL1Loss(beta=0.3), LOGITS, VALUES),
    (
        "kl",
        {"from_log_probabilities": True, "reduction": "batchmean"},
        nn.KLDivLoss(reduction="batchmean"),
        np.log(SHARES),
        SHARES[::-1].copy(),
    ),
]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(
    ("op", "options", "loss", "outputs", "y"), LOSSES, ids=[f"{at}-{row[0]}" for at, row in enumerate(LOSSES)]
)
def test_loss_is_pytorchs(op, options, loss, outputs, y):
    expected = float(loss(torch.from_numpy(outputs), torch.from_numpy(y)))
    assert LossRule(op, {**TORCH, **options}).value(outputs, y) == pytest.approx(expected, rel=1e-12)


def test_one_form_of_targets_is_as_good_as_another():
    of_numbers, of_shares = (LossRule("cross_entropy", {}).value(LOGITS, y) for y in (CLASSES, np.eye(3)[CLASSES]))
    assert of_numbers == pytest.approx(of_shares, rel=1e-14)
    assert LossRule("cross_entropy", {}).value(LOGITS, CLASSES[:, None]) == of_numbers


def test_keras_takes_a_column_for_what_stands_in_it():
    column, flat = LOGITS[:, :1], VALUES[:, 0]
    assert LossRule("mse", {"broadcast": False}).value(column, flat) == pytest.approx(
        np.mean((column[:, 0] - flat) ** 2)
    )
    everything = np.mean((column - flat) ** 2)
    assert LossRule("mse", {"broadcast": True}).value(column, flat) == pytest.approx(everything)


def test_a_mean_is_of_all_numbers_or_of_rows():
    total = float(np.sum((LOGITS - VALUES) ** 2))
    expected = {"mean": total / 24, "sum": total, "sum of row means": total / 3, "batchmean": total / 8}
    for reduction, value in expected.items():
        assert LossRule("mse", {"reduction": reduction}).value(LOGITS, VALUES) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("op", "outputs", "y"),
    [
        ("own", LOGITS, VALUES),
        ("mse", LOGITS, VALUES[:, :2]),
        ("cross_entropy", LOGITS, CLASSES + 1),
        ("kl", LOGITS, CLASSES),
    ],
)
def test_what_cannot_be_computed_is_none(op, outputs, y):
    assert LossRule(op, TORCH).value(outputs, y) is None
