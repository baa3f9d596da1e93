"""Losses in PyTorch: a term for each row from its logits, and their mean over the rows of a batch.

Logits are (rows, outputs), one output for a binary task, terms (rows,). Labels are int64 (rows,); those of a
regression are (rows, outputs) in the logits' precision, and there the logits are the predictions themselves. Mixed
labels are int64 (rows, 3): the loss of a row is linear in its two labels. Masks are bool (rows, pixels), the logits of
their pixels (rows, pixels).
"""

from collections.abc import Callable

import torch
from torch.nn import functional

from twintrain.data.schema import Schema
from twintrain.settings.sections.losses import OF_MASKS, SHARES, SMALLEST_SQUARE, Loss, entropy_of_target


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Several classes: −Σₖ tₖ log softmax(z)ₖ, t = (1 − s)·onehot + s / K (Szegedy et al. 2016, section 7)."""
    return functional.cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)


def binary_cross_entropy(logits: torch.Tensor, labels: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Two classes: −t log σ(z) − (1 − t) log(1 − σ(z)), t = (1 − s)·y + s / 2."""
    targets = labels.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits[:, 0], targets, reduction="none")


def focal(logits: torch.Tensor, labels: torch.Tensor, gamma: float) -> torch.Tensor:
    """−(1 − p)^γ log p, p the probability of the row's class (Lin et al. 2017): σ of its logit against all others."""
    logits = _of_classes(logits)
    # The largest is taken off first: its digits would be lost in the differences.
    logits = logits - logits.detach().amax(dim=1, keepdim=True)
    chosen = functional.one_hot(labels, logits.shape[1]).bool()
    others = torch.logsumexp(logits.masked_fill(chosen, -torch.inf), dim=1)
    margins = logits.masked_fill(~chosen, 0).sum(dim=1) - others
    return -torch.exp(gamma * functional.logsigmoid(-margins)) * functional.logsigmoid(margins)


def kl_divergence(logits: torch.Tensor, labels: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Σₖ tₖ log(tₖ / softmax(z)ₖ), t as in cross_entropy: that, less the entropy of t (Kullback and Leibler 1951)."""
    logits = _of_classes(logits)
    return cross_entropy(logits, labels, label_smoothing) - entropy_of_target(label_smoothing, logits.shape[1])


def hinge(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Two classes: max(0, 1 ∓ z). Several: Σₖ max(0, 1 + zₖ − z_y) / K over the others (Weston and Watkins 1999)."""
    if logits.shape[1] == 1:
        return functional.relu(1 - (2 * labels.to(logits.dtype) - 1) * logits[:, 0])
    return functional.multi_margin_loss(logits, labels, reduction="none")


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


def cosine(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """1 − z·t / (|z| |t|), norms of at least 1e-8; of two classes and more, of the probabilities and one-hot labels."""
    predictions, targets = _compared(logits, labels)
    return 1 - (predictions * targets).sum(dim=1) * _inverse_norm(predictions) * _inverse_norm(targets)


def dice(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """1 − (2 Σ p·t + 1) / (Σ p + Σ t + 1) over a mask's pixels, p their probabilities (Milletari et al. 2016)."""
    predictions, targets = logits.sigmoid(), labels.to(logits.dtype)
    return 1 - (2 * (predictions * targets).sum(dim=1) + 1) / (predictions.sum(dim=1) + targets.sum(dim=1) + 1)


def metric(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Sum over the rows of what is watched: 1 where the most probable class is the label, absolute error, IoU of masks.

    Returns:
        a float64 scalar; the error of a row is the mean over its outputs.
    """
    if is_mixed(labels):
        labels = torch.where(2 * labels[:, 2] >= SHARES, labels[:, 0], labels[:, 1])
    if labels.dtype == torch.bool:
        return _overlaps(logits > 0, labels).sum()
    if labels.ndim == 2:
        return _errors(logits, labels).detach().abs().mean(dim=1).sum(dtype=torch.float64)
    predicted = logits.argmax(dim=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).to(labels.dtype)
    return (predicted == labels).sum(dtype=torch.float64)


TERMS: dict[str, Callable[..., torch.Tensor]] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "focal": focal,
    "kl_divergence": kl_divergence,
    "hinge": hinge,
    "mse": mse,
    "mae": mae,
    "huber": huber,
    "cosine": cosine,
    "dice": dice,
}


def build(settings: Loss, task: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Builds (logits, labels) → scalar: the mean over the rows of (weight of the row's class) × (the row's term).

    The losses of batches add up to that of all rows. PyTorch's own weighted cross entropy divides by the sum of the
    weights in the batch instead, and weighs the smoothed share of a target by the class that it falls to.
    """
    term, options = term_of(settings.name_for(task), task), settings.options_for(task)

    def weighted(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        terms = term(logits, labels, **options)
        return terms if settings.class_weights is None else logits.new_tensor(settings.class_weights)[labels] * terms

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if not is_mixed(labels):
            return weighted(logits, labels).mean()
        share = labels[:, 2].to(logits.dtype) / SHARES
        return (share * weighted(logits, labels[:, 0]) + (1 - share) * weighted(logits, labels[:, 1])).mean()

    return loss


def criterion_of(
    settings: Loss, schema: Schema
) -> Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """Builds (logits, labels) → the loss, and the sum of what is watched.

    Of several targets these are the sum of their losses, each times its weight, and what is watched of the first.
    """
    if not schema.targets:
        loss = build(settings, schema.task)
        return lambda logits, labels: (loss(logits, labels), metric(logits, labels))
    first, *_ = places = schema.places_of_targets
    losses = {name: build(settings, target.task) for name, target in schema.targets.items()}

    def criterion(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        each = {
            name: losses[name](logits[:, place], _of_target(schema.targets[name].of_class, labels))
            for name, place in places.items()
        }
        total = sum(settings.weight_of(name) * loss for name, loss in each.items())
        return total, metric(logits[:, places[first]], labels)

    return criterion


def term_of(name: str, task: str) -> Callable[..., torch.Tensor]:
    """A loss as a term for each row of a task: of masks those of a pixel become their mean over the mask."""
    return TERMS[name] if task != "segmentation" or name in OF_MASKS else _of_pixels(TERMS[name])


def is_mixed(labels: torch.Tensor) -> bool:
    """Whether rows have two labels and the share of the first, as `training.mixing` gives them."""
    return labels.ndim == 2 and labels.dtype == torch.int64


def _of_pixels(term: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """The mean over a mask's pixels, which the term takes for rows of two classes."""

    def of_masks(logits: torch.Tensor, labels: torch.Tensor, **options: float) -> torch.Tensor:
        return term(logits.reshape(-1, 1), labels.reshape(-1).long(), **options).reshape(logits.shape).mean(dim=1)

    return of_masks


def _of_target(of_class: list[int], labels: torch.Tensor) -> torch.Tensor:
    """The labels of a target, of those of the rows' classes."""
    known = torch.tensor(of_class, device=labels.device)
    if not is_mixed(labels):
        return known[labels]
    return torch.cat([known[labels[:, :2]], labels[:, 2:]], dim=1)


def _overlaps(predicted: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Intersection over union of masks, float64 (rows,); 1 where both are empty."""
    shared, either = (found.sum(dim=1).double() for found in (predicted & masks, predicted | masks))
    return torch.where(either > 0, shared / either, 1.0)


# Each task's own.
def _errors(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Predictions less targets (rows, outputs)."""
    predictions, targets = _compared(logits, labels)
    return predictions - targets


def _compared(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions and targets (rows, outputs)."""
    if labels.ndim == 2:
        return logits, labels
    if logits.shape[1] == 1:
        return logits.sigmoid(), labels[:, None]
    classes = torch.arange(logits.shape[1], device=labels.device)
    return logits.softmax(dim=1), (labels[:, None] == classes).to(logits.dtype)


def _of_classes(logits: torch.Tensor) -> torch.Tensor:
    """A logit a class: two classes are those of the logits 0 and z."""
    return functional.pad(logits, (1, 0)) if logits.shape[1] == 1 else logits


def _inverse_norm(values: torch.Tensor) -> torch.Tensor:
    """1 / max(|row|, 1e-8), (rows,)."""
    squares = values.square().sum(dim=1)
    return torch.where(squares > SMALLEST_SQUARE, squares, SMALLEST_SQUARE).rsqrt()
