"""Whether `train.loss` fits the data."""

from twintrain.config import LOSSES, TASK_LOSSES, Loss
from twintrain.data.schema import Schema
from twintrain.errors import UserError


def check_loss(settings: Loss, schema: Schema) -> None:
    """Raises a UserError where the loss does not fit the task, or an option the loss."""
    name, fitting = settings.name_for(schema.task), TASK_LOSSES[schema.task]
    if name not in fitting:
        raise UserError(
            f"train.loss.name: the task of {schema.dataset} is {schema.task}; "
            f"expected {', '.join(fitting[:-1])} or {fitting[-1]}, got {name}"
        )
    for option, neutral in (("label_smoothing", 0.0), ("delta", None)):
        value = getattr(settings, option)
        if value != neutral and option not in LOSSES[name]:
            owners = " or ".join(owner for owner in LOSSES if option in LOSSES[owner])
            expected = "null" if neutral is None else neutral
            raise UserError(f"train.loss.{option}: {owners} has it, {name} has not; expected {expected}, got {value}")
    _check_class_weights(settings, schema)


def _check_class_weights(settings: Loss, schema: Schema) -> None:
    if settings.class_weights is None:
        return
    if schema.task == "regression":
        raise UserError("train.loss.class_weights: a regression has no classes; expected null")
    if len(settings.class_weights) != len(schema.labels):
        raise UserError(
            f"train.loss.class_weights: expected {len(schema.labels)}, one a class of {schema.dataset} in the order "
            f"{', '.join(schema.labels)}; got {len(settings.class_weights)}"
        )
