"""Losses in PyTorch: a term for each row from its logits, and their mean over the rows of a batch.

Logits are (rows, outputs), one output for a binary task, terms (rows,). Labels are int64 (rows,); those of a
regression are (rows, outputs) in the logits' precision, and there the logits are the predictions themselves.
"""

from collections.abc import Callable

import torch
from torch.nn import functional

from twintrain.settings.sections.losses import Loss


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Several classes: −Σₖ tₖ log softmax(z)ₖ, t = (1 − s)·onehot + s / K (Szegedy et al. 2016, section 7)."""
    return functional.cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)


def binary_cross_entropy(logits: torch.Tensor, labels: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Two classes: −t log σ(z) − (1 − t) log(1 − σ(z)), t = (1 − s)·y + s / 2."""
    targets = labels.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits[:, 0], targets, reduction="none")


def mse(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Squared error, mean over the outputs; of two classes and more, that of the probabilities (Brier 1950)."""
    return _errors(logits, labels).square().mean(dim=1)


def mae(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Absolute error, mean over the outputs; of two classes and more, that of the probabilities."""
    return _errors(logits, labels).abs().mean(dim=1)


def huber(logits: torch.Tensor, labels: torch.Tensor, delta: float) -> torch.Tensor:
    """e² / 2 up to |e| = δ, then δ (|e| − δ / 2), mean over the outputs (Huber 1964)."""
    errors = _errors(logits, labels)
    sizes = errors.abs()
    return torch.where(sizes <= delta, errors.square() / 2, delta * (sizes - delta / 2)).mean(dim=1)


def metric(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Sum over the rows of what is watched: 1 where the most probable class is the label, or the absolute error.

    Returns:
        a float64 scalar; the error of a row is the mean over its outputs.
    """
    if labels.ndim == 2:
        return _errors(logits, labels).detach().abs().mean(dim=1).sum(dtype=torch.float64)
    predicted = logits.argmax(dim=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).to(labels.dtype)
    return (predicted == labels).sum(dtype=torch.float64)


TERMS: dict[str, Callable[..., torch.Tensor]] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "mse": mse,
    "mae": mae,
    "huber": huber,
}


def build(settings: Loss, task: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Builds (logits, labels) → scalar: the mean over the rows of (weight of the row's class) × (the row's term).

    The losses of batches add up to that of all rows. PyTorch's own weighted cross entropy divides by the sum of the
    weights in the batch instead, and weighs the smoothed share of a target by the class that it falls to.
    """
    term, options = TERMS[settings.name_for(task)], settings.options_for(task)

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        terms = term(logits, labels, **options)
        if settings.class_weights is None:
            return terms.mean()
        return (logits.new_tensor(settings.class_weights)[labels] * terms).mean()

    return loss


# Each task's own.
def _errors(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Predictions less targets (rows, outputs)."""
    if labels.ndim == 2:
        return logits - labels
    if logits.shape[1] == 1:
        return logits.sigmoid() - labels[:, None]
    classes = torch.arange(logits.shape[1], device=labels.device)
    return logits.softmax(dim=1) - (labels[:, None] == classes).to(logits.dtype)
