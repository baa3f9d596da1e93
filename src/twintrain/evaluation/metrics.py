"""Loss, accuracy, absolute error and overlap from logits and labels, computed once for every framework.

Logits are (rows, 1) for a binary task and (rows, classes) for several classes; labels are int64 (rows,). Where numbers
are predicted, labels are floats (rows, outputs), and the logits the predictions themselves. Masks are bool (rows,
pixels), with a logit a pixel.
"""

import numpy as np
import scipy

from twintrain.evaluation import overlap
from twintrain.evaluation.losses import TERMS
from twintrain.settings.sections.losses import OF_MASKS, TASK_METRICS, Loss

OWN_LOSS = Loss()


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Logits → float64 probabilities (rows, classes); two columns for a binary task."""
    logits = logits.astype(np.float64)
    if logits.shape[1] > 1:
        return scipy.special.softmax(logits, axis=1)
    return np.concatenate([scipy.special.expit(-logits), scipy.special.expit(logits)], axis=1)


def mask_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logits of pixels → float64 probabilities (rows, pixels) that they are the object's."""
    return scipy.special.expit(logits.astype(np.float64))


def predicted_labels(logits: np.ndarray) -> np.ndarray:
    """The most probable class of each row; a binary logit of exactly 0 is class 0."""
    return logits.argmax(axis=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).astype(np.int64)


def logits_of(probability: np.ndarray) -> np.ndarray:
    """Logits (rows, classes) that softmax turns into these probabilities again, finite where one is rounded to 0."""
    return np.log(np.maximum(probability, np.finfo(probability.dtype).tiny))


def loss(logits: np.ndarray, labels: np.ndarray, settings: Loss = OWN_LOSS) -> float:
    """The trained loss: the mean of `row_losses` over the rows."""
    return float(row_losses(logits, labels, settings).mean())


def row_losses(logits: np.ndarray, labels: np.ndarray, settings: Loss = OWN_LOSS) -> np.ndarray:
    """The loss of each row (rows,), float64: (weight of the row's class) × (the row's term), cross entropies in nats.

    `evaluation/losses.py` has the formulas.
    """
    logits = logits.astype(np.float64)
    task = task_of(labels, logits.shape[1])
    name, options = settings.name_for(task), settings.options_for(task)
    if task == "segmentation" and name not in OF_MASKS:
        pixels = TERMS[name](logits.reshape(-1, 1), labels.ravel().astype(np.int64), **options)
        return pixels.reshape(logits.shape).mean(axis=1)
    terms = TERMS[name](logits, labels, **options)
    if settings.class_weights is not None:
        terms = terms * np.array(settings.class_weights)[labels]
    return terms


def task_of(labels: np.ndarray, outputs: int) -> str:
    """The task that such labels are of; a reconstruction's are those of a regression."""
    if labels.ndim == 2:
        return "segmentation" if labels.dtype == bool else "regression"
    return "binary" if outputs == 1 else "multiclass"


def metric_of(labels: np.ndarray) -> str:
    """Name of what is watched beside the loss, which `metric` computes."""
    return TASK_METRICS[task_of(labels, outputs=1)]


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose most probable class is their label."""
    return float((predicted_labels(logits) == labels).mean())


def metric(logits: np.ndarray, labels: np.ndarray) -> float:
    """What is watched beside the loss: accuracy of classes, mean absolute error (mae) of numbers, mean IoU of masks."""
    return float(row_metrics(logits, labels).mean())


def row_metrics(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What `metric` is the mean of: whether rows are right (rows,), absolute errors (rows, outputs), or IoU (rows,)."""
    if labels.ndim == 1:
        return predicted_labels(logits) == labels
    if labels.dtype == bool:
        return overlap.intersection_over_union(logits > 0, labels)
    return np.abs(logits.astype(np.float64) - labels)
