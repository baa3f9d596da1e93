"""Losses in Keras: a term for each row from its logits, and their mean over the rows of a batch.

Logits are (rows, outputs), one output for a binary task, terms (rows,). Labels are int64 (rows,); those of a
regression are (rows, outputs) in the logits' precision, and there the logits are the predictions themselves. Mixed
labels are int64 (rows, 3): the loss of a row is linear in its two labels. Masks are bool (rows, pixels), the logits of
their pixels (rows, pixels).
"""

import math
from collections.abc import Callable

import keras
from keras import KerasTensor, ops

from twintrain.data.schema import Schema
from twintrain.settings.sections.losses import OF_MASKS, SHARES, SMALLEST_SQUARE, Loss, entropy_of_target


def cross_entropy(logits: KerasTensor, labels: KerasTensor, label_smoothing: float) -> KerasTensor:
    """Several classes: −Σₖ tₖ log softmax(z)ₖ, t = (1 − s)·onehot + s / K (Szegedy et al. 2016, section 7)."""
    one_hot = ops.one_hot(labels, logits.shape[1], dtype=logits.dtype)
    targets = one_hot * (1 - label_smoothing) + label_smoothing / logits.shape[1]
    return ops.categorical_crossentropy(targets, logits, from_logits=True)


def binary_cross_entropy(logits: KerasTensor, labels: KerasTensor, label_smoothing: float) -> KerasTensor:
    """Two classes: −t log σ(z) − (1 − t) log(1 − σ(z)), t = (1 − s)·y + s / 2."""
    targets = ops.cast(labels, logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    return ops.binary_crossentropy(targets, logits[:, 0], from_logits=True)


def focal(logits: KerasTensor, labels: KerasTensor, gamma: float) -> KerasTensor:
    """−(1 − p)^γ log p, p the probability of the row's class (Lin et al. 2017): σ of its logit against all others."""
    logits = _of_classes(logits)
    # The largest is taken off first: its digits would be lost in the differences.
    logits = logits - ops.stop_gradient(ops.max(logits, axis=1, keepdims=True))
    chosen = ops.one_hot(labels, logits.shape[1], dtype="bool")
    others = ops.logsumexp(ops.where(chosen, ops.full_like(logits, -math.inf), logits), axis=1)
    margins = ops.sum(ops.where(chosen, logits, ops.zeros_like(logits)), axis=1) - others
    return -ops.exp(gamma * ops.log_sigmoid(-margins)) * ops.log_sigmoid(margins)


def kl_divergence(logits: KerasTensor, labels: KerasTensor, label_smoothing: float) -> KerasTensor:
    """Σₖ tₖ log(tₖ / softmax(z)ₖ), t as in cross_entropy: that, less the entropy of t (Kullback and Leibler 1951)."""
    logits = _of_classes(logits)
    return cross_entropy(logits, labels, label_smoothing) - entropy_of_target(label_smoothing, logits.shape[1])


def hinge(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Two classes: max(0, 1 ∓ z). Several: Σₖ max(0, 1 + zₖ − z_y) / K over the others (Weston and Watkins 1999)."""
    if logits.shape[1] == 1:
        return ops.relu(1 - (2 * ops.cast(labels, logits.dtype) - 1) * logits[:, 0])
    one_hot = ops.one_hot(labels, logits.shape[1], dtype=logits.dtype)
    margins = ops.relu(1 + logits - ops.sum(logits * one_hot, axis=1, keepdims=True))
    return _mean(margins * (1 - one_hot), axis=1)


def mse(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Squared error, mean over the outputs; of two classes and more, that of the probabilities (Brier 1950)."""
    return _mean(ops.square(_errors(logits, labels)), axis=1)


def mae(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Absolute error, mean over the outputs; of two classes and more, that of the probabilities."""
    errors = _errors(logits, labels)
    # JAX gives |e| the slope 1 at e = 0, where PyTorch and TensorFlow give 0.
    return _mean(errors * ops.sign(errors), axis=1)


def huber(logits: KerasTensor, labels: KerasTensor, delta: float) -> KerasTensor:
    """e² / 2 up to |e| = δ, then δ (|e| − δ / 2), mean over the outputs (Huber 1964)."""
    errors = _errors(logits, labels)
    sizes = ops.absolute(errors)
    return _mean(ops.where(sizes <= delta, ops.square(errors) / 2, delta * (sizes - delta / 2)), axis=1)


def cosine(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """1 − z·t / (|z| |t|), norms of at least 1e-8; of two classes and more, of the probabilities and one-hot labels."""
    predictions, targets = _compared(logits, labels)
    return 1 - ops.sum(predictions * targets, axis=1) * _inverse_norm(predictions) * _inverse_norm(targets)


def dice(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """1 − (2 Σ p·t + 1) / (Σ p + Σ t + 1) over a mask's pixels, p their probabilities (Milletari et al. 2016)."""
    predictions, targets = ops.sigmoid(logits), ops.cast(labels, logits.dtype)
    shared = ops.sum(predictions * targets, axis=1)
    return 1 - (2 * shared + 1) / (ops.sum(predictions, axis=1) + ops.sum(targets, axis=1) + 1)


def metric(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Sum over the rows of what is watched: 1 where the most probable class is the label, absolute error, IoU of masks.

    Returns:
        a float64 scalar; the error of a row is the mean over its outputs.
    """
    if is_mixed(labels):
        labels = ops.where(2 * labels[:, 2] >= SHARES, labels[:, 0], labels[:, 1])
    if keras.backend.standardize_dtype(labels.dtype) == "bool":
        return ops.sum(_overlaps(logits > 0, labels))
    if len(labels.shape) == 2:
        return ops.sum(ops.cast(_mean(ops.absolute(_errors(logits, labels)), axis=1), "float64"))
    predicted = ops.argmax(logits, axis=1) if logits.shape[1] > 1 else logits[:, 0] > 0
    return ops.sum(ops.cast(ops.equal(ops.cast(predicted, labels.dtype), labels), "float64"))


TERMS: dict[str, Callable[..., KerasTensor]] = {
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


def build(settings: Loss, task: str) -> Callable[[KerasTensor, KerasTensor], KerasTensor]:
    """Builds (logits, labels) → scalar: the mean over the rows of (weight of the row's class) × (the row's term).

    The losses of batches add up to that of all rows. PyTorch's own weighted cross entropy divides by the sum of the
    weights in the batch instead, and weighs the smoothed share of a target by the class that it falls to.
    """
    term, options = term_of(settings.name_for(task), task), settings.options_for(task)

    def weighted(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
        terms = term(logits, labels, **options)
        if settings.class_weights is None:
            return terms
        return ops.take(ops.convert_to_tensor(settings.class_weights, logits.dtype), labels) * terms

    def loss(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
        if not is_mixed(labels):
            return _mean(weighted(logits, labels))
        share = ops.cast(labels[:, 2], logits.dtype) / SHARES
        return _mean(share * weighted(logits, labels[:, 0]) + (1 - share) * weighted(logits, labels[:, 1]))

    return loss


def criterion_of(
    settings: Loss, schema: Schema
) -> Callable[[KerasTensor, KerasTensor], tuple[KerasTensor, KerasTensor]]:
    """Builds (logits, labels) → the loss, and the sum of what is watched.

    Of several targets these are the sum of their losses, each times its weight, and what is watched of the first.
    """
    if not schema.targets:
        loss = build(settings, schema.task)
        return lambda logits, labels: (loss(logits, labels), metric(logits, labels))
    first, *_ = places = schema.places_of_targets
    losses = {name: build(settings, target.task) for name, target in schema.targets.items()}

    def criterion(logits: KerasTensor, labels: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        each = {
            name: losses[name](logits[:, place], _of_target(schema.targets[name].of_class, labels))
            for name, place in places.items()
        }
        total = sum(settings.weight_of(name) * loss for name, loss in each.items())
        return total, metric(logits[:, places[first]], labels)

    return criterion


def term_of(name: str, task: str) -> Callable[..., KerasTensor]:
    """A loss as a term for each row of a task: of masks those of a pixel become their mean over the mask."""
    return TERMS[name] if task != "segmentation" or name in OF_MASKS else _of_pixels(TERMS[name])


def is_mixed(labels: KerasTensor) -> bool:
    """Whether rows have two labels and the share of the first, as `training.mixing` gives them."""
    return len(labels.shape) == 2 and "int" in keras.backend.standardize_dtype(labels.dtype)


def _of_pixels(term: Callable[..., KerasTensor]) -> Callable[..., KerasTensor]:
    """The mean over a mask's pixels, which the term takes for rows of two classes."""

    def of_masks(logits: KerasTensor, labels: KerasTensor, **options: float) -> KerasTensor:
        pixels = ops.reshape(logits, (-1, 1)), ops.cast(ops.reshape(labels, (-1,)), "int64")
        return _mean(ops.reshape(term(*pixels, **options), (-1, logits.shape[1])), axis=1)

    return of_masks


def _of_target(of_class: list[int], labels: KerasTensor) -> KerasTensor:
    """The labels of a target, of those of the rows' classes."""
    known = ops.convert_to_tensor(of_class, labels.dtype)
    if not is_mixed(labels):
        return ops.take(known, labels)
    return ops.concatenate([ops.take(known, labels[:, :2]), labels[:, 2:]], axis=1)


def _overlaps(predicted: KerasTensor, masks: KerasTensor) -> KerasTensor:
    """Intersection over union of masks, float64 (rows,); 1 where both are empty."""
    pixels = ops.logical_and(predicted, masks), ops.logical_or(predicted, masks)
    shared, either = (ops.sum(ops.cast(found, "float64"), axis=1) for found in pixels)
    return ops.where(either > 0, shared / ops.where(either > 0, either, ops.ones_like(either)), ops.ones_like(either))


# Each task's own.
def _errors(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Predictions less targets (rows, outputs)."""
    predictions, targets = _compared(logits, labels)
    return predictions - targets


def _compared(logits: KerasTensor, labels: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
    """Predictions and targets (rows, outputs)."""
    if len(labels.shape) == 2:
        return logits, labels
    if logits.shape[1] == 1:
        return ops.sigmoid(logits), ops.cast(labels[:, None], logits.dtype)
    return ops.softmax(logits, axis=1), ops.one_hot(labels, logits.shape[1], dtype=logits.dtype)


def _of_classes(logits: KerasTensor) -> KerasTensor:
    """A logit a class: two classes are those of the logits 0 and z."""
    return ops.pad(logits, ((0, 0), (1, 0))) if logits.shape[1] == 1 else logits


def _inverse_norm(values: KerasTensor) -> KerasTensor:
    """1 / max(|row|, 1e-8), (rows,)."""
    squares = ops.sum(ops.square(values), axis=1)
    return ops.rsqrt(ops.where(squares > SMALLEST_SQUARE, squares, ops.full_like(squares, SMALLEST_SQUARE)))


def _mean(values: KerasTensor, axis: int | None = None) -> KerasTensor:
    """On JAX and PyTorch, `ops.mean` computes in float32 whatever it is given."""
    total = ops.sum(values, axis=axis)
    return total / ops.cast(ops.size(values) // ops.size(total), values.dtype)
