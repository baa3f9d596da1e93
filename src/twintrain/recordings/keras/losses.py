"""What Keras's losses compute, in the words that both frameworks share."""

from typing import Any

import keras

from twintrain.recordings.fit import Rule
from twintrain.recordings.trace import plain

# Our word for a loss, and what it has of options that Keras does not name, by class and function.
OPS: dict[str, tuple[str, dict[str, Any]]] = {
    "CategoricalCrossentropy": ("cross_entropy", {"from_logits": False}),
    "SparseCategoricalCrossentropy": ("cross_entropy", {"from_logits": False}),
    "BinaryCrossentropy": ("binary_cross_entropy", {"from_logits": False}),
    "MeanSquaredError": ("mse", {}),
    "MeanAbsoluteError": ("mae", {}),
    "Huber": ("huber", {"delta": 1.0}),
    "KLDivergence": ("kl", {}),
    "Poisson": ("poisson", {}),
    "LogCosh": ("log_cosh", {}),
    "CosineSimilarity": ("cosine", {}),
    "Hinge": ("hinge", {}),
}
FUNCTIONS = {
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
    "mean_squared_error": "MeanSquaredError",
    "mean_absolute_error": "MeanAbsoluteError",
    "huber": "Huber",
    "kl_divergence": "KLDivergence",
    "poisson": "Poisson",
    "log_cosh": "LogCosh",
    "cosine_similarity": "CosineSimilarity",
    "hinge": "Hinge",
}
WORDS = {name: name for name in ("from_logits", "label_smoothing", "ignore_class", "delta", "axis")} | {
    "ignore_class": "ignore_index"
}
# What says nothing where it is so.
USUAL = {"label_smoothing": 0.0, "axis": -1}
REDUCTIONS = {"sum_over_batch_size": "mean", "mean": "mean", "sum": "sum", None: "none"}
# Of a row they take the mean over the last axis, so that a sum over the rows is none of all errors.
OF_ROWS = {"mse", "mae", "huber", "binary_cross_entropy"}


def describe(loss: Any) -> Rule:
    """Describes a loss: one of `keras.losses`, by its name if need be, or a function of the user's own."""
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    if isinstance(loss, keras.losses.Loss):
        kind = type(loss).__name__
        values = {**plain(vars(loss)), **plain(getattr(loss, "_fn_kwargs", {}))}
        if kind not in OPS or getattr(keras.losses, kind) is not type(loss):
            return Rule(kind, None, {name: value for name, value in values.items() if name[0] != "_" and value})
        return _rule(kind, kind, values, loss.reduction)
    kind = getattr(loss, "__name__", type(loss).__name__)
    if kind not in FUNCTIONS or getattr(keras.losses, kind) is not loss:
        return Rule(kind, None, {})
    return _rule(kind, FUNCTIONS[kind], {}, "mean")


def _rule(kind: str, name: str, values: dict[str, Any], reduction: str | None) -> Rule:
    op, options = OPS[name]
    found = {word: values.get(theirs) for theirs, word in WORDS.items()}
    found = {word: value for word, value in found.items() if value is not None and value != USUAL.get(word)}
    said = REDUCTIONS.get(reduction, reduction)
    if said == "sum" and op in OF_ROWS:
        said = "sum of row means"
    if said == "mean" and op == "kl":
        said = "batchmean"
    return Rule(kind, op, {**options, **found, "reduction": said})
