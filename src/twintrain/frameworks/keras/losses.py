"""Losses from logits in Keras: means over the rows of a batch."""

from keras import KerasTensor, ops


def cross_entropy(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Several classes: logits (rows, classes), labels (rows,) int64 → scalar."""
    return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def binary_cross_entropy(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Two classes: logits (rows, 1), labels (rows,) int64 → scalar."""
    return ops.mean(ops.binary_crossentropy(ops.cast(labels, logits.dtype), logits[:, 0], from_logits=True))


def hits(logits: KerasTensor, labels: KerasTensor) -> KerasTensor:
    """Number of rows whose most probable class is their label → int64 scalar."""
    predicted = ops.argmax(logits, axis=1) if logits.shape[1] > 1 else logits[:, 0] > 0
    return ops.sum(ops.cast(ops.equal(ops.cast(predicted, labels.dtype), labels), "int64"))


LOSSES = {"multiclass": cross_entropy, "binary": binary_cross_entropy}
