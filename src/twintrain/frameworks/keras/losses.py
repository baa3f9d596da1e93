"""Losses in Keras: a term for each row from its logits, and their mean over the rows of a batch.

Logits are (rows, outputs), one output for a binary task, terms (rows,). Labels are int64 (rows,); those of a
regression are (rows, outputs) in the logits' precision, and there the logits are the predictions themselves.
"""

from collections.abc import Callable

from keras import KerasTensor, ops

from twintrain.settings.sections.losses import Loss


def cross_entropy(logits: KerasTensor, labels: KerasTensor, label_smoothing: float) -> KerasTensor:
    """Several classes: −Σₖ tₖ log softmax(z)ₖ, t = (1 − s)·onehot + s / K (Szegedy et al. 2016, section 7)."""
    one_hot = ops.one_hot(labels, logits.shape[1], dtype=logits.dtype)
    targets = one_hot * (1 - label_smoothing) + label_smoothing / logits.shape[1]
    return ops.categorical_crossentropy(targets, logits, from_logits=True)


def binary_cross_entropy(logits: KerasTensor, labels: KerasTensor, label_smoothing: float) -> KerasTensor:
    """Two classes: −t log σ(z) − (1 − t) log(1 − σ(z)), t = (1 − s)·y + s / 2."""
    targets = ops.cast(labels, logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    return ops.binary_crossentropy(targets, logits[:, 0], from_logits=True)


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


def metric(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Sum over the rows of what is watched: 1 where the most probable class is the label, or the absolute error.

    Returns:
        a float64 scalar; the error of a row is the mean over its outputs.
    """
    if len(labels.shape) == 2:
        return ops.sum(ops.cast(_mean(ops.absolute(_errors(logits, labels)), axis=1), "float64"))
    predicted = ops.argmax(logits, axis=1) if logits.shape[1] > 1 else logits[:, 0] > 0
    return ops.sum(ops.cast(ops.equal(ops.cast(predicted, labels.dtype), labels), "float64"))


TERMS: dict[str, Callable[..., KerasTensor]] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "mse": mse,
    "mae": mae,
    "huber": huber,
}


def build(settings: Loss, task: str) -> Callable[[KerasTensor, KerasTensor], KerasTensor]:
    """Builds (logits, labels) → scalar: the mean over the rows of (weight of the row's class) × (the row's term).

    The losses of batches add up to that of all rows. PyTorch's own weighted cross entropy divides by the sum of the
    weights in the batch instead, and weighs the smoothed share of a target by the class that it falls to.
    """
    term, options = TERMS[settings.name_for(task)], settings.options_for(task)

    def loss(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
        terms = term(logits, labels, **options)
        if settings.class_weights is None:
            return _mean(terms)
        return _mean(ops.take(ops.convert_to_tensor(settings.class_weights, logits.dtype), labels) * terms)

    return loss


# Each task's own.
def _errors(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Predictions less targets (rows, outputs)."""
    if len(labels.shape) == 2:
        return logits - labels
    if logits.shape[1] == 1:
        return ops.sigmoid(logits) - ops.cast(labels[:, None], logits.dtype)
    return ops.softmax(logits, axis=1) - ops.one_hot(labels, logits.shape[1], dtype=logits.dtype)


def _mean(values: KerasTensor, axis: int | None = None) -> KerasTensor:
    """On JAX and PyTorch, `ops.mean` computes in float32 whatever it is given."""
    total = ops.sum(values, axis=axis)
    return total / ops.cast(ops.size(values) // ops.size(total), values.dtype)
