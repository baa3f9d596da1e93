"""What MLflow is told of the settings of a training."""

from typing import Any

from twintrain.data.schema import Schema
from twintrain.settings.params import Params
from twintrain.settings.sections.losses import Loss


def logged_params(params: Params, schema: Schema, framework: str, parameters: int) -> dict[str, Any]:
    """The same keys for every framework, so that MLflow shows the runs side by side."""
    settings = params.train
    return {
        "dataset": params.dataset,
        "model": params.model_name,
        "mode": params.mode,
        "parameters": parameters,
        "epochs": settings.epochs,
        "batch_size": settings.batch_size or "full",
        "learning_rate": settings.optimizer.learning_rate,
        "optimizer": settings.optimizer.name,
        "optimizer_options": _listed(settings.optimizer.options(params.mode)),
        "loss_function": _loss_function(settings.loss, schema),
        "loss_options": _listed(
            {**settings.loss.options_for(schema.task), "class_weights": settings.loss.class_weights}
        ),
        "metric_function": schema.metric,
        "accumulate": settings.accumulate,
        "schedule": settings.schedule.name,
        "schedule_options": _listed(settings.schedule.options()),
        "regularization": _listed(dict(settings.regularization)),
        "clip": _listed(dict(settings.clip)),
        "augmentation": _listed(dict(settings.augmentation)),
        "train_rows": params.split.train_rows or "all",
        "initial_model": settings.initial_model,
        "freeze": ", ".join(settings.freeze) or None,
        "seed": settings.seed,
        "dtype": settings.dtype,
        "threads": settings.threads,
        "deterministic": settings.deterministic,
        "early_stopping.patience": settings.early_stopping.patience,
        "early_stopping.min_delta": settings.early_stopping.min_delta,
        "restore_best_weights": settings.restore_best_weights,
        "framework": framework,
        "framework_options": _listed(settings.framework_options(framework)),
    }


def _loss_function(loss: Loss, schema: Schema) -> str:
    if not schema.targets:
        return loss.name_for(schema.task)
    return " + ".join(f"{loss.weight_of(name):g} {loss.name_for(each.task)}" for name, each in schema.targets.items())


def _listed(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items()) or "its own"
