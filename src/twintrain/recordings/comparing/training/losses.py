"""What losses make of predictions and targets, in NumPy and float64.

Options are those of recordings, and what the frameworks do besides:

- `reduction`: "mean" and "sum" of all numbers; "sum of row means"; "batchmean", the sum divided by the rows; "weighted
  mean", divided by the sum of the class weights.
- `broadcast`: whether predictions (N, 1) and targets (N,) make (N, N) differences, as NumPy and PyTorch broadcast them;
  Keras takes them for the same shape.
- `class_weights`, one a class.
- `smooths_weights`: whether each smoothed probability is weighed by its own class, or all by the target's.
- `axis` of the classes, 1 in PyTorch and -1 in Keras.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_softmax

Options = Mapping[str, Any]

# What Keras keeps probabilities from 0 and 1 by.
CLIPPED = 1e-7
# How each framework computes a loss, where that is none of its options.
FORMS: dict[str, dict[str, Any]] = {
    "torch": {"axis": 1, "broadcast": True, "smooths_weights": True},
    "keras": {"axis": -1, "broadcast": False, "smooths_weights": False},
}


class LossRule(NamedTuple):
    """A loss.

    Attributes:
        op: a name of `LOSSES`.
        options: what decides what it computes.
    """

    op: str
    options: Options

    def with_options(self, **options: Any) -> "LossRule":
        """The rule with other options."""
        return LossRule(self.op, {**self.options, **options})

    def value(self, prediction: np.ndarray, target: np.ndarray) -> float | None:
        """The loss of predictions (rows, …) and targets (rows, …); None where it is not known or does not fit."""
        loss = LOSSES.get(self.op)
        if loss is None:
            return None
        try:
            with np.errstate(all="ignore"):
                found = float(loss(self.options, prediction.astype(np.float64), target))
        except (ValueError, IndexError, KeyError, TypeError):
            return None  # what a guess takes for classes need not be any
        return found if np.isfinite(found) else None


def _reduced(options: Options, numbers: np.ndarray, weights: np.ndarray | None = None) -> float:
    """All losses as one number."""
    divisors = {
        "mean": numbers.size,
        "sum": 1,
        "sum of row means": numbers.size / len(numbers),
        "batchmean": len(numbers),
        "weighted mean": numbers.size if weights is None else weights.sum(),
    }
    return float(numbers.sum() / divisors[options.get("reduction", "mean")])


def _cross_entropy(options: Options, prediction: np.ndarray, target: np.ndarray) -> float:
    """Of classes by number (rows, …) or by their probabilities (rows, classes, …), from logits or probabilities."""
    outputs = np.moveaxis(prediction, options.get("axis", -1), -1)
    classes = outputs.shape[-1]
    logs = _log_probabilities(options, outputs)
    numbers = _numbers_of_classes(target, prediction.shape, options.get("axis", -1))
    if numbers is None:
        wanted, weights = np.moveaxis(target.astype(np.float64), options.get("axis", -1), -1), None
        is_counted = np.ones(wanted.shape[:-1])
    else:
        is_counted = (numbers != options.get("ignore_index", -100)).astype(np.float64)
        wanted = np.eye(classes)[np.where(is_counted, numbers, 0).astype(int)]
        weights = is_counted
    smoothing = options.get("label_smoothing", 0.0)
    shares = (1 - smoothing) * wanted + smoothing / classes
    if options.get("class_weights"):
        by_class = np.asarray(options["class_weights"], np.float64)
        shares = shares * by_class if options.get("smooths_weights") else shares * (wanted @ by_class)[..., None]
        weights = is_counted * (wanted @ by_class)
    losses = -(shares * logs).sum(-1) * is_counted
    if weights is not None and not is_counted.all() and options.get("reduction", "mean") == "mean":
        options = {**options, "reduction": "weighted mean"}
    return _reduced(options, losses, weights)


def _log_probabilities(options: Options, outputs: np.ndarray) -> np.ndarray:
    if options.get("from_log_probabilities"):
        return outputs
    if options.get("from_logits", True):
        return log_softmax(outputs, -1)
    return np.log(np.clip(outputs / outputs.sum(-1, keepdims=True), CLIPPED, 1 - CLIPPED))


def _numbers_of_classes(target: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray | None:
    """Targets by number of class, (rows, …); None where they are probabilities of classes."""
    places = [length for at, length in enumerate(shape) if at != axis % len(shape)]
    if target.shape == shape and target.shape[axis] > 1:
        return None
    return target.reshape(places)


def _binary_cross_entropy(options: Options, prediction: np.ndarray, target: np.ndarray) -> float:
    smoothing = options.get("label_smoothing", 0.0)
    outputs, wanted = _aligned(options, prediction, target * (1 - smoothing) + 0.5 * smoothing)
    weight = options.get("positive_weight", 1.0)
    if options.get("from_logits", True):
        ones, zeros = -np.logaddexp(0, -outputs), -np.logaddexp(0, outputs)
    else:
        kept = np.clip(outputs, CLIPPED, 1 - CLIPPED)
        ones, zeros = np.log(kept), np.log1p(-kept)
    return _reduced(options, -(weight * wanted * ones + (1 - wanted) * zeros))


def _aligned(options: Options, prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not options.get("broadcast") and prediction.size == target.size:
        return prediction, target.reshape(prediction.shape)
    return tuple(np.broadcast_arrays(prediction, target))  # type: ignore[return-value]


def _of_differences(function: Callable[[Options, np.ndarray], np.ndarray]) -> Callable[..., float]:
    def loss(options: Options, prediction: np.ndarray, target: np.ndarray) -> float:
        outputs, wanted = _aligned(options, prediction, target.astype(np.float64))
        return _reduced(options, function(options, outputs - wanted))

    return loss


def _huber(options: Options, differences: np.ndarray) -> np.ndarray:
    """Huber 1964, equation 5."""
    delta, sizes = options.get("delta", 1.0), np.abs(differences)
    return np.where(sizes <= delta, 0.5 * differences**2, delta * (sizes - 0.5 * delta))


def _kl(options: Options, prediction: np.ndarray, target: np.ndarray) -> float:
    """Divergence of Kullback and Leibler 1951, of probabilities, or of predictions that are their logarithms."""
    if options.get("from_log_probabilities"):
        logs = target if options.get("log_target") else np.log(np.where(target > 0, target, 1.0))
        wanted = np.exp(target) if options.get("log_target") else target
        return _reduced(options, wanted * (logs - prediction))
    outputs, wanted = (np.clip(each, CLIPPED, 1) for each in (prediction, target))
    return _reduced(options, wanted * np.log(wanted / outputs))


def _nll(options: Options, prediction: np.ndarray, target: np.ndarray) -> float:
    return _cross_entropy({**options, "from_log_probabilities": True}, prediction, target)


def _smooth_l1(options: Options, differences: np.ndarray) -> np.ndarray:
    beta = options.get("beta", 1.0)
    return _huber({"delta": beta}, differences) / beta


LOSSES: dict[str, Callable[..., float]] = {
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
    "mse": _of_differences(lambda _, differences: differences**2),
    "mae": _of_differences(lambda _, differences: np.abs(differences)),
    "huber": _of_differences(_huber),
    "smooth_l1": _of_differences(_smooth_l1),
    "nll": _nll,
    "kl": _kl,
}
