"""Loss, accuracy and absolute error from logits and labels, computed once for every framework.

Logits are (rows, 1) for a binary task and (rows, classes) for several classes; labels are int64 (rows,). Where numbers
are predicted, labels are floats (rows, outputs), and the logits the predictions themselves.
"""

import numpy as np
import scipy

from twintrain.settings.sections.losses import Loss

OWN_LOSS = Loss()


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Logits → float64 probabilities (rows, classes); two columns for a binary task."""
    logits = logits.astype(np.float64)
    if logits.shape[1] > 1:
        return scipy.special.softmax(logits, axis=1)
    return np.concatenate([scipy.special.expit(-logits), scipy.special.expit(logits)], axis=1)


def predicted_labels(logits: np.ndarray) -> np.ndarray:
    """The most probable class of each row; a binary logit of exactly 0 is class 0."""
    return logits.argmax(axis=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).astype(np.int64)


def logits_of(probability: np.ndarray) -> np.ndarray:
    """Logits (rows, classes) that softmax turns into these probabilities again, finite where one is rounded to 0."""
    return np.log(np.maximum(probability, np.finfo(probability.dtype).tiny))


def loss(logits: np.ndarray, labels: np.ndarray, settings: Loss = OWN_LOSS) -> float:
    """The trained loss (`frameworks/*/losses.py` has the formulas) in float64, cross entropies in nats.

    The mean over the rows of (weight of the row's class) × (the row's term).
    """
    logits = logits.astype(np.float64)
    task = "regression" if labels.ndim == 2 else "binary" if logits.shape[1] == 1 else "multiclass"
    terms = _terms(settings.name_for(task), logits, labels, **settings.options_for(task))
    if settings.class_weights is not None:
        terms = terms * np.array(settings.class_weights)[labels]
    return float(terms.mean())


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose most probable class is their label."""
    return float((predicted_labels(logits) == labels).mean())


def metric(logits: np.ndarray, labels: np.ndarray) -> float:
    """What is watched beside the loss: accuracy of classes, mean absolute error (mae) of numbers."""
    if labels.ndim == 1:
        return accuracy(logits, labels)
    return float(np.abs(logits.astype(np.float64) - labels).mean())


def _terms(name: str, logits: np.ndarray, labels: np.ndarray, **options: float) -> np.ndarray:
    """The loss of each row (rows,)."""
    match name:
        case "cross_entropy" | "binary_cross_entropy":
            return _cross_entropy(logits, labels, **options)
        case "mse":
            return np.square(_errors(logits, labels)).mean(axis=1)
        case "mae":
            return np.abs(_errors(logits, labels)).mean(axis=1)
        case "huber":
            return scipy.special.huber(options["delta"], _errors(logits, labels)).mean(axis=1)


def _cross_entropy(logits: np.ndarray, labels: np.ndarray, label_smoothing: float) -> np.ndarray:
    """Two classes are those of the logits 0 and z."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    surprise = -scipy.special.log_softmax(logits, axis=1)
    right = surprise[np.arange(len(labels)), labels]
    return (1 - label_smoothing) * right + label_smoothing * surprise.mean(axis=1)


def _errors(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Predictions less targets (rows, outputs): of classes, probabilities less one-hot labels."""
    if labels.ndim == 2:
        return logits - labels
    if logits.shape[1] == 1:
        return scipy.special.expit(logits) - labels[:, None]
    return scipy.special.softmax(logits, axis=1) - np.eye(logits.shape[1])[labels]
