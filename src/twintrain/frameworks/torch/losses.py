"""Losses from logits in PyTorch: means over the rows of a batch."""

import torch
from torch.nn import functional


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Several classes: logits (rows, classes), labels (rows,) int64 → scalar."""
    return functional.cross_entropy(logits, labels)


def binary_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Two classes: logits (rows, 1), labels (rows,) int64 → scalar."""
    return functional.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype))


def hits(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Number of rows whose most probable class is their label → int64 scalar."""
    predicted = logits.argmax(dim=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).to(labels.dtype)
    return (predicted == labels).sum()


LOSSES = {"multiclass": cross_entropy, "binary": binary_cross_entropy}
