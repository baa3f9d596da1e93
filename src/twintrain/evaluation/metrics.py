"""Loss and accuracy from logits and labels, computed once for every framework.

Logits are (rows, 1) for a binary task and (rows, classes) otherwise; labels are int64 (rows,).
"""

import numpy as np
from scipy.special import expit, log_softmax, softmax


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Logits → float64 probabilities (rows, classes); two columns for a binary task."""
    logits = logits.astype(np.float64)
    if logits.shape[1] > 1:
        return softmax(logits, axis=1)
    return np.concatenate([expit(-logits), expit(logits)], axis=1)


def predicted_labels(logits: np.ndarray) -> np.ndarray:
    """The most probable class of each row; a binary logit of exactly 0 is class 0."""
    return logits.argmax(axis=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).astype(np.int64)


def loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross entropy in nats, from logits; for a binary task −y·log σ(z) − (1 − y)·log(1 − σ(z))."""
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose most probable class is their label."""
    return float((predicted_labels(logits) == labels).mean())
