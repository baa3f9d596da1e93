"""The terms of losses in NumPy, float64: the definition of what `frameworks/*/losses.py` compute.

Logits are float64 (rows, outputs), terms (rows,); labels as in `evaluation/metrics.py`. Losses of two classes take the
pixels of masks for rows.
"""

from collections.abc import Callable

import numpy as np
import scipy

from twintrain.settings.sections.losses import SMALLEST_SQUARE, entropy_of_target


def cross_entropy(logits: np.ndarray, labels: np.ndarray, label_smoothing: float) -> np.ndarray:
    """−Σₖ tₖ log softmax(z)ₖ, t = (1 − s)·onehot + s / K (Szegedy et al. 2016, section 7)."""
    surprise = -scipy.special.log_softmax(_of_classes(logits), axis=1)
    right = surprise[np.arange(len(labels)), labels]
    return (1 - label_smoothing) * right + label_smoothing * surprise.mean(axis=1)


def focal(logits: np.ndarray, labels: np.ndarray, gamma: float) -> np.ndarray:
    """−(1 − p)^γ log p, p the probability of the row's class (Lin et al. 2017): σ of its logit against all others."""
    logits = _of_classes(logits)
    # The largest is taken off first: its digits would be lost in the differences.
    logits = logits - logits.max(axis=1, keepdims=True)
    chosen = np.eye(logits.shape[1], dtype=bool)[labels]
    margins = logits[chosen] - scipy.special.logsumexp(np.where(chosen, -np.inf, logits), axis=1)
    return -np.exp(gamma * scipy.special.log_expit(-margins)) * scipy.special.log_expit(margins)


def kl_divergence(logits: np.ndarray, labels: np.ndarray, label_smoothing: float) -> np.ndarray:
    """Σₖ tₖ log(tₖ / softmax(z)ₖ), t as in cross_entropy: that, less the entropy of t (Kullback and Leibler 1951)."""
    logits = _of_classes(logits)
    return cross_entropy(logits, labels, label_smoothing) - entropy_of_target(label_smoothing, logits.shape[1])


def hinge(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Two classes: max(0, 1 ∓ z). Several: Σₖ max(0, 1 + zₖ − z_y) / K over the others (Weston and Watkins 1999)."""
    if logits.shape[1] == 1:
        return np.maximum(0.0, 1 - (2 * labels - 1) * logits[:, 0])
    others = ~np.eye(logits.shape[1], dtype=bool)[labels]
    return (np.maximum(0.0, 1 + logits - logits[~others][:, None]) * others).mean(axis=1)


def mse(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Squared error, mean over the outputs; of two classes and more, that of the probabilities (Brier 1950)."""
    return np.square(_errors(logits, labels)).mean(axis=1)


def mae(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Absolute error, mean over the outputs; of two classes and more, that of the probabilities."""
    return np.abs(_errors(logits, labels)).mean(axis=1)


def huber(logits: np.ndarray, labels: np.ndarray, delta: float) -> np.ndarray:
    """e² / 2 up to |e| = δ, then δ (|e| − δ / 2), mean over the outputs (Huber 1964)."""
    return scipy.special.huber(delta, _errors(logits, labels)).mean(axis=1)


def cosine(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 − z·t / (|z| |t|), norms of at least 1e-8; of two classes and more, of the probabilities and one-hot labels."""
    predictions, targets = _compared(logits, labels)
    norms = [np.sqrt(np.maximum(np.square(each).sum(axis=1), SMALLEST_SQUARE)) for each in (predictions, targets)]
    return 1 - (predictions * targets).sum(axis=1) / norms[0] / norms[1]


def dice(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 − (2 Σ p·t + 1) / (Σ p + Σ t + 1) over a mask's pixels, p their probabilities (Milletari et al. 2016)."""
    predictions = scipy.special.expit(logits)
    return 1 - (2 * (predictions * labels).sum(axis=1) + 1) / (predictions.sum(axis=1) + labels.sum(axis=1) + 1)


TERMS: dict[str, Callable[..., np.ndarray]] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": cross_entropy,
    "focal": focal,
    "kl_divergence": kl_divergence,
    "hinge": hinge,
    "mse": mse,
    "mae": mae,
    "huber": huber,
    "cosine": cosine,
    "dice": dice,
}


def _errors(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Predictions less targets (rows, outputs)."""
    predictions, targets = _compared(logits, labels)
    return predictions - targets


def _compared(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and targets (rows, outputs): of classes, probabilities and one-hot labels."""
    if labels.ndim == 2:
        return logits, labels.astype(np.float64)
    if logits.shape[1] == 1:
        return scipy.special.expit(logits), labels[:, None]
    return scipy.special.softmax(logits, axis=1), np.eye(logits.shape[1])[labels]


def _of_classes(logits: np.ndarray) -> np.ndarray:
    """A logit a class: two classes are those of the logits 0 and z."""
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits
