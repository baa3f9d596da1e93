"""The loss and what is watched of a network's outputs, as `metrics` has them of one target: of several their parts."""

from collections.abc import Iterator

import numpy as np

from twintrain.data.schema import Schema
from twintrain.evaluation import metrics
from twintrain.settings.sections.losses import Loss


def labels_of(target: str, labels: np.ndarray, schema: Schema) -> np.ndarray:
    """The labels of one of several targets, int64 (rows,), of those that the rows have, which are the first one's."""
    return np.array(schema.targets[target].of_class)[labels]


def by_target(logits: np.ndarray, labels: np.ndarray, schema: Schema) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, logits and labels of each of several targets; arguments as those of `labels_of`."""
    for name, place in schema.places_of_targets.items():
        yield name, logits[:, place], labels_of(name, labels, schema)


def row_losses(logits: np.ndarray, labels: np.ndarray, settings: Loss, schema: Schema) -> np.ndarray:
    """The loss of each row (rows,): of several targets the sum of their losses, each times its weight."""
    if not schema.targets:
        return metrics.row_losses(logits, labels, settings)
    return sum(
        settings.weight_of(name) * metrics.row_losses(own_logits, own_labels, settings)
        for name, own_logits, own_labels in by_target(logits, labels, schema)
    )


def row_metrics(logits: np.ndarray, labels: np.ndarray, schema: Schema) -> np.ndarray:
    """What is watched of each row, of several targets of the first."""
    if not schema.targets:
        return metrics.row_metrics(logits, labels)
    _, logits, labels = next(by_target(logits, labels, schema))
    return metrics.row_metrics(logits, labels)
