"""Every loss and its gradient by the logits, written out in NumPy from its formula."""

import numpy as np
from loss_cases import CLASS_WEIGHTS, arrays, settings
from scipy.special import expit, logsumexp, xlogy

from twintrain.settings.sections.losses import Loss


def reference(task: str, loss: Loss, logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Terms of the rows (rows,) and their gradients by the logits (rows, outputs), written out from the formulas."""
    if task == "segmentation" and loss.name != "dice":
        terms, slopes = reference("binary", loss, logits.reshape(-1, 1), labels.ravel().astype(int))
        return terms.reshape(logits.shape).mean(axis=1), slopes.reshape(logits.shape) / logits.shape[1]
    name = loss.name or {"binary": "binary_cross_entropy", "multiclass": "cross_entropy"}.get(task, "mse")
    match name:
        case "cross_entropy" | "binary_cross_entropy":
            return entropy(logits, labels, loss.label_smoothing)
        case "focal":
            return focal(logits, labels, 2.0 if loss.gamma is None else loss.gamma)
        case "kl_divergence":
            terms, slopes = entropy(logits, labels, loss.label_smoothing)
            return terms + xlogy(*[smoothed(labels, logits, loss.label_smoothing)] * 2).sum(axis=1), slopes
        case "hinge" | "dice":
            return {"hinge": hinge, "dice": dice}[name](logits, labels)
    predictions, targets = compared(task, logits, labels)
    errors = predictions - targets
    values, slopes = {
        "mse": lambda: (errors**2, 2 * errors),
        "mae": lambda: (np.abs(errors), np.sign(errors)),
        "huber": lambda: hubers(errors, loss.delta or 1.0),
        "cosine": lambda: cosines(predictions, targets),
    }[name]()
    slopes = slopes / errors.shape[1]
    if task == "binary":
        slopes = slopes * expit(logits) * expit(-logits)
    if task == "multiclass":
        slopes = predictions * (slopes - (slopes * predictions).sum(axis=1, keepdims=True))
    return values.mean(axis=1), slopes


def entropy(logits: np.ndarray, labels: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    targets, logs = smoothed(labels, logits, smoothing), log_probabilities(logits)
    slopes = np.exp(logs) - targets
    return -(targets * logs).sum(axis=1), slopes if logits.shape[1] > 1 else slopes[:, 1:]


def focal(logits: np.ndarray, labels: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    logs, rows = log_probabilities(logits), np.arange(len(labels))
    of_class, others = logs[rows, labels], logs.copy()
    others[rows, labels] = -np.inf
    log_rest = logsumexp(others, axis=1)
    # d p / d z is p (1 − p) of the class itself and −p pₖ of another one.
    by_probability = np.exp(gamma * log_rest) - gamma * np.exp((gamma - 1) * log_rest + of_class) * of_class
    slopes = by_probability[:, None] * np.exp(others)
    slopes[rows, labels] = -by_probability * np.exp(log_rest)
    return -np.exp(gamma * log_rest) * of_class, slopes if logits.shape[1] > 1 else slopes[:, 1:]


def hinge(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if logits.shape[1] == 1:
        signs = np.where(labels == 1, 1.0, -1.0)
        terms = np.maximum(1 - signs * logits[:, 0], 0)
        return terms, np.where(terms > 0, -signs, 0)[:, None]
    terms, slopes = np.zeros(len(labels)), np.zeros_like(logits)
    for row, label in enumerate(labels):
        for other in set(range(logits.shape[1])) - {label}:
            margin = 1 + logits[row, other] - logits[row, label]
            if margin > 0:
                terms[row] += margin
                slopes[row, [other, label]] += [1, -1]
    return terms / logits.shape[1], slopes / logits.shape[1]


def dice(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = expit(logits)
    above = 2 * (found * labels).sum(axis=1, keepdims=True) + 1
    below = (found + labels).sum(axis=1, keepdims=True) + 1
    return 1 - (above / below)[:, 0], (above / below - 2 * labels) / below * found * expit(-logits)


def smoothed(labels: np.ndarray, logits: np.ndarray, smoothing: float) -> np.ndarray:
    classes = max(2, logits.shape[1])
    return (1 - smoothing) * np.eye(classes)[labels] + smoothing / classes


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    whole = logits if logits.shape[1] > 1 else np.hstack([np.zeros_like(logits), logits])
    # The largest logit goes first: 1000 − 1000 is exact where log(exp(1000) + …) − 1000 is not.
    reduced = whole - whole.max(axis=1, keepdims=True)
    return reduced - logsumexp(reduced, axis=1, keepdims=True)


def compared(task: str, logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if task not in CLASS_WEIGHTS:
        return logits, labels
    if task == "binary":
        return expit(logits), labels[:, None]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True), np.eye(logits.shape[1])[labels]


def cosines(predictions: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and slopes that are divided by the number of outputs, as those of the other losses are."""
    norms = [np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-8) for each in (predictions, targets)]
    directions = predictions / norms[0], targets / norms[1]
    cosine = (directions[0] * directions[1]).sum(axis=1, keepdims=True)
    is_short = np.linalg.norm(predictions, axis=1, keepdims=True) < 1e-8
    slopes = -(directions[1] - np.where(is_short, 0, cosine * directions[0])) / norms[0]
    return np.broadcast_to(1 - cosine, slopes.shape), slopes * slopes.shape[1]


def hubers(errors: np.ndarray, delta: float) -> tuple[np.ndarray, np.ndarray]:
    # e · c − c² / 2 with c the error cut off at ±δ is both branches at once.
    cut = np.clip(errors, -delta, delta)
    return errors * cut - cut**2 / 2, cut


def expected(name: str, inputs: str, dtype: str) -> dict[str, np.ndarray]:
    task, loss = settings()[name]
    logits, labels = arrays(task, inputs, dtype)
    terms, slopes = reference(
        task, loss, logits.astype(np.float64), labels.astype(float if labels.dtype.kind == "f" else labels.dtype)
    )
    weights = np.ones(len(labels)) if loss.class_weights is None else np.array(loss.class_weights)[labels]
    gradient = weights[:, None] * slopes / len(labels)
    return {"terms": terms, "loss": (weights * terms).sum() / len(labels), "gradient": gradient}
