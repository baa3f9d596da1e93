"""Logits and labels for the tests of losses, and every loss with its options."""

import numpy as np

from twintrain.data.schema import Schema
from twintrain.settings.sections.losses import SHARES, TASK_LOSSES, Loss

ROWS = 40
OUTPUTS = {"binary": 1, "multiclass": 4, "regression": 3, "reconstruction": 5, "segmentation": 6}
OPTIONS = {
    "cross_entropy": [{}, {"label_smoothing": 0.1}, {"label_smoothing": 0.7}],
    "binary_cross_entropy": [{}, {"label_smoothing": 0.1}, {"label_smoothing": 0.7}],
    "focal": [{}, {"gamma": 0.5}],
    "kl_divergence": [{"label_smoothing": 0.3}],
    "hinge": [{}],
    "mse": [{}],
    "mae": [{}],
    "huber": [{}, {"delta": 0.3}, {"delta": 2.5}],
    "cosine": [{}],
    "dice": [{}],
}
CLASS_WEIGHTS = {"binary": [0.3, 2.1], "multiclass": [0.3, 2.1, 0.0, 1.7]}
# Three targets of the four classes of "multiclass".
TARGETS = Schema(
    dataset="case",
    task="multiclass",
    labels=["a", "b", "c", "d"],
    input_shape=[7],
    input_dtype="float",
    categories=None,
    feature_names=None,
    outputs=8,
    targets={
        "class": {"task": "multiclass", "labels": ["a", "b", "c", "d"], "of_class": [0, 1, 2, 3]},
        "half": {"task": "binary", "labels": ["low", "high"], "of_class": [0, 0, 1, 1]},
        "third": {"task": "multiclass", "labels": ["x", "y", "z"], "of_class": [2, 0, 1, 2]},
    },
)
OF_TARGETS = Loss(label_smoothing=0.1, weights={"half": 0.5, "third": 2.0})
INPUTS = ("random", "extreme")
DTYPES = ("float64", "float32")


def settings() -> dict[str, tuple[str, Loss]]:
    """Task and settings of every case; each loss also as the task's own and with class weights."""
    found = {task: (task, Loss()) for task in OUTPUTS}
    for task, names in TASK_LOSSES.items():
        for name in names:
            for options in OPTIONS[name]:
                for weights in (None, CLASS_WEIGHTS[task]) if task in CLASS_WEIGHTS else (None,):
                    loss = Loss(name=name, class_weights=weights, **options)
                    found[f"{task} {name} {options} {weights}"] = (task, loss)
    return found


def mixed_labels(task: str) -> np.ndarray:
    """Two labels a row and the share of the first, for the logits of `arrays`."""
    rng = np.random.default_rng(OUTPUTS[task] + 10)
    labels = rng.integers(0, max(OUTPUTS[task], 2), (ROWS, 2))
    return np.column_stack([labels, rng.integers(0, SHARES + 1, ROWS)])


def logits_of_targets(dtype: str) -> np.ndarray:
    return np.random.default_rng(20).normal(scale=3, size=(ROWS, TARGETS.outputs)).astype(dtype)


def arrays(task: str, inputs: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels; the extreme logits are ±1000, ties and zeros, each sure and right or sure and wrong."""
    rng = np.random.default_rng(OUTPUTS[task])
    shape = (ROWS, OUTPUTS[task])
    logits = rng.normal(scale=3, size=shape) if inputs == "random" else rng.choice([-1e3, -40, 0, 40, 1e3], shape)
    if task == "segmentation":
        labels = rng.random(shape) < 0.4
        logits[0], labels[0] = -40, False  # two empty masks
    elif task not in CLASS_WEIGHTS:
        # Far from 0 beside errors of exactly 0.
        labels = np.where(rng.random(shape) < 0.2, logits, rng.normal(scale=3, size=shape)).astype(dtype)
    else:
        labels = rng.integers(0, max(OUTPUTS[task], 2), ROWS)
    return logits.astype(dtype), labels
