"""What PyTorch's losses compute, in the words that both frameworks share."""

import functools
import inspect
from typing import Any

from torch import nn

from twintrain.recordings.fit import Rule
from twintrain.recordings.torch.settings import settings
from twintrain.recordings.trace import plain

# Our word for a loss, and what it has of options that PyTorch does not name, by class and function.
OPS: dict[str, tuple[str, dict[str, Any]]] = {
    "CrossEntropyLoss": ("cross_entropy", {"from_logits": True}),
    "NLLLoss": ("nll", {}),
    "BCEWithLogitsLoss": ("binary_cross_entropy", {"from_logits": True}),
    "BCELoss": ("binary_cross_entropy", {"from_logits": False}),
    "MSELoss": ("mse", {}),
    "L1Loss": ("mae", {}),
    "HuberLoss": ("huber", {}),
    "SmoothL1Loss": ("smooth_l1", {}),
    "KLDivLoss": ("kl", {"from_log_probabilities": True}),
    "PoissonNLLLoss": ("poisson", {}),
}
FUNCTIONS = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "binary_cross_entropy": "BCELoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "huber_loss": "HuberLoss",
    "smooth_l1_loss": "SmoothL1Loss",
    "kl_div": "KLDivLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
}
WORDS = {
    **{name: name for name in ("reduction", "label_smoothing", "ignore_index", "delta", "beta", "log_target")},
    **{"weight": "class_weights", "pos_weight": "positive_weight", "log_input": "from_log", "full": "full"},
}
# What says nothing where it is so.
USUAL = {"label_smoothing": 0.0, "ignore_index": -100}


def describe(loss: Any) -> Rule:
    """Describes a loss: a module of `torch.nn`, a function of `torch.nn.functional`, or one of the user's own."""
    if isinstance(loss, nn.Module):
        kind = type(loss).__name__
        if kind not in OPS or type(loss).__module__ != nn.MSELoss.__module__:
            return Rule(kind, None, settings(loss))
        return _rule(kind, kind, {name: getattr(loss, name, None) for name in WORDS})
    given, function = {}, loss
    if isinstance(loss, functools.partial):
        given, function = loss.keywords, loss.func
    kind = getattr(function, "__name__", type(function).__name__)
    if kind not in FUNCTIONS or function is not getattr(nn.functional, kind):
        return Rule(kind, None, plain(given))
    defaults = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
    return _rule(kind, FUNCTIONS[kind], {**defaults, **given})


def _rule(kind: str, name: str, values: dict[str, Any]) -> Rule:
    op, options = OPS[name]
    found = {word: _plain(values.get(theirs)) for theirs, word in WORDS.items()}
    found = {word: value for word, value in found.items() if value is not None and value != USUAL.get(word)}
    if "class_weights" in found and found.get("reduction") == "mean" and op in ("cross_entropy", "nll"):
        found["reduction"] = "weighted mean"  # divided by the sum of the rows' weights
    return Rule(kind, op, {**options, **found})


def _plain(value: Any) -> Any:
    return plain(value.tolist() if hasattr(value, "tolist") else value)
