"""What the data has to say about `train.loss`: whether it fits, and what balanced weights of the classes are."""

import numpy as np

from twintrain.data.schema import Schema
from twintrain.errors import UserError, shown, unknown
from twintrain.settings.params import Params
from twintrain.settings.sections.losses import LOSSES, TASK_LOSSES, Loss


def check_loss(settings: Loss, schema: Schema) -> None:
    """Raises a UserError where the loss does not fit the task, or an option the loss, or weights the targets."""
    for target in schema.targets:
        _check_task(settings, schema.of_target(target), f"'{target}' of {schema.dataset}")
    if not schema.targets:
        _check_task(settings, schema, schema.dataset)
    _check_class_weights(settings, schema)
    _check_weights(settings, schema)


def _check_task(settings: Loss, schema: Schema, asked: str) -> None:
    name, fitting = settings.name_for(schema.task), TASK_LOSSES[schema.task]
    if name not in fitting:
        raise UserError(
            f"train.loss.name: the task of {asked} is {schema.task}; "
            f"expected {', '.join(fitting[:-1])} or {fitting[-1]}, got {name}"
        )
    for option, neutral in (("label_smoothing", 0.0), ("gamma", None), ("delta", None)):
        value = getattr(settings, option)
        if value != neutral and option not in LOSSES[name]:
            owners = " or ".join(owner for owner in fitting if option in LOSSES[owner])
            told = f"{owners} has it, {name} has not" if owners else f"no loss of a {schema.task} has it"
            expected = "null" if neutral is None else neutral
            raise UserError(f"train.loss.{option}: {told}; expected {expected}, got {value}")
    if name == "cosine" and schema.outputs == 1:
        raise UserError(
            f"train.loss.name: cosine compares directions, and a row of {asked} has a single number; "
            f"expected {', '.join(fitting[:-2])} or {fitting[-2]}"
        )


def _check_class_weights(settings: Loss, schema: Schema) -> None:
    if settings.class_weights is None:
        return
    if schema.targets:
        raise UserError(f"train.loss.class_weights: {', '.join(schema.targets)} have other classes; expected null")
    if not schema.labels:
        raise UserError(f"train.loss.class_weights: a {schema.task} has no classes; expected null")
    if settings.class_weights != "balanced" and len(settings.class_weights) != len(schema.labels):
        raise UserError(
            f"train.loss.class_weights: expected {len(schema.labels)}, one a class of {schema.dataset} in the order "
            f"{', '.join(schema.labels)}; got {len(settings.class_weights)}"
        )


def _check_weights(settings: Loss, schema: Schema) -> None:
    if settings.weights is None:
        return
    if not schema.targets:
        raise UserError(
            f"train.loss.weights are of several targets, and {schema.dataset} has one; "
            "expected preprocess.further, or null"
        )
    for name in settings.weights:
        if name not in schema.targets:
            raise unknown("target in train.loss.weights:", name, schema.targets)
    if not any(settings.weight_of(name) for name in schema.targets):
        raise UserError(f"train.loss.weights: expected at least one above 0, got {shown(settings.weights)}")


def with_class_weights(params: Params, labels: np.ndarray, schema: Schema) -> Params:
    """The same parameters with numbers for `class_weights: balanced`: n / (K · nₖ), as scikit-learn has it.

    n rows, K classes, nₖ rows of class k: all classes together then weigh the same, and the mean weight of a row is 1.

    Args:
        labels: int64 (rows,), those of the training rows.

    Raises:
        UserError: a class has no training row.
    """
    loss = params.train.loss
    if loss.class_weights != "balanced":
        return params
    counts = np.bincount(labels, minlength=len(schema.labels))
    if not counts.all():
        raise UserError(
            f"train.loss.class_weights: balanced needs training rows of every class, and there is none of "
            f"'{schema.labels[int(counts.argmin())]}'; expected a list of {len(schema.labels)} weights"
        )
    weights = (len(labels) / (len(counts) * counts)).tolist()
    train = params.train.model_copy(update={"loss": loss.model_copy(update={"class_weights": weights})})
    return params.model_copy(update={"train": train})
