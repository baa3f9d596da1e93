"""Keras's optimizers: what they do, in the words that both frameworks share, and how they are made anew."""

import copy
from typing import Any

import keras
import numpy as np

from twintrain.errors import UserError, cut, unknown
from twintrain.recordings.fit import Rule
from twintrain.recordings.keras.state import arrays_of
from twintrain.recordings.trace import plain

OPS = {
    **{"SGD": "sgd", "Adam": "adam", "AdamW": "adamw", "RMSprop": "rmsprop", "Adagrad": "adagrad"},
    **{"Adadelta": "adadelta", "Adamax": "adamax", "Nadam": "nadam", "Lion": "lion", "Ftrl": "ftrl", "Lamb": "lamb"},
}
WORDS = {
    **{name: name for name in ("learning_rate", "momentum", "nesterov", "weight_decay", "amsgrad", "centered", "rho")},
    **{name: name for name in ("beta_1", "beta_2", "epsilon", "initial_accumulator_value", "use_ema")},
    **{"clipnorm": "clip_norm", "global_clipnorm": "global_clip_norm", "clipvalue": "clip_value"},
    **{"ema_momentum": "ema_momentum", "gradient_accumulation_steps": "accumulated_steps"},
}
# What says nothing where it is so.
USUAL = {"use_ema": False}
# What epsilon is added to before the step is divided: Adam's to the root of the second moment as it is.
EPSILON_IS_ADDED_TO = {
    **dict.fromkeys(("adam", "adamw"), "root"),
    **{"nadam": "corrected root", "rmsprop": "square", "adagrad": "square"},
}


def describe(optimizer: Any, model: keras.Model) -> Rule:
    """Describes an optimizer, given by its name if need be.

    Raises:
        UserError: it is none, or has been used with other arrays than this model's.
    """
    optimizer = _given(optimizer)
    held, own = getattr(optimizer, "_trainable_variables", []), {id(array) for array in model.variables}
    if foreign := [array for array in held if id(array) not in own]:
        raise UserError(
            f"the optimizer has {len(foreign)} arrays that are none of the model's; expected one of this model, or new"
        )
    kind, config = type(optimizer).__name__, _config(optimizer)
    # On PyTorch, Keras's are of classes of the same names.
    op = OPS.get(kind) if type(optimizer).__module__.partition(".")[0] == "keras" else None
    found = plain(config)
    if op:
        found = {WORDS[name]: value for name, value in found.items() if name in WORDS}
    options = {word: value for word, value in found.items() if value is not None and value != USUAL.get(word)}
    if "use_ema" not in options:
        options.pop("ema_momentum", None)
    if op in EPSILON_IS_ADDED_TO:
        options["epsilon_is_added_to"] = EPSILON_IS_ADDED_TO[op]
    if op:
        options |= {"weight_decay": config.get("weight_decay") or 0.0, "decoupled": True}
    if spared := [name for name, array in arrays_of(model).items() if not optimizer._use_weight_decay(array)]:
        options["no_decay"] = spared
    return Rule(kind, op, {**options, **_rate(optimizer)})


def renewed(
    optimizer: Any, variables: list[tuple[keras.Variable, keras.Variable]], dtype: str
) -> keras.optimizers.Optimizer:
    """An optimizer of the same settings over other arrays, without what it has gathered.

    Args:
        optimizer: that which is not to be touched, or its name.
        variables: the model's trainable arrays, each with that which stands in for it.
        dtype: in which it is to compute.

    Raises:
        UserError: it is neither.
    """
    optimizer = _given(optimizer)
    config = {**_config(optimizer), "loss_scale_factor": None}
    new = type(optimizer).from_config(_wide(config) if dtype == "float64" else config)
    new.exclude_from_weight_decay([there for own, there in variables if not optimizer._use_weight_decay(own)])
    new.build([there for _, there in variables])
    return new


def _given(optimizer: Any) -> keras.optimizers.Optimizer:
    if isinstance(optimizer, str):
        known = [name.lower() for name in OPS]
        if optimizer.lower() not in known:
            raise unknown("optimizer", optimizer, known)
        return keras.optimizers.get(optimizer)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        # It divides gradients of a loss that was multiplied for float16, which no pass is in.
        return optimizer.inner_optimizer
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        kind = cut(type(optimizer).__name__)
        raise UserError(f"optimizer=: expected a keras.optimizers.Optimizer, or its name, got {kind}")
    return optimizer


def _config(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Its settings; a learning rate that is kept in float32 is the number that was meant."""
    config = copy.deepcopy(optimizer.get_config())
    if isinstance(config.get("learning_rate"), float):
        config["learning_rate"] = float(str(np.float32(config["learning_rate"])))
    return config


def _wide(settings: Any) -> Any:
    """Settings of which TensorFlow does not make float32 first."""
    if isinstance(settings, dict):
        return {name: _wide(value) for name, value in settings.items()}
    return np.float64(settings) if type(settings) is float else settings


def _rate(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """The first learning rate, and by what it changes."""
    schedule = optimizer._learning_rate
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return {"schedule": None}
    config = {name: value for name, value in plain(schedule.get_config()).items() if name != "name"}
    first = float(str(np.float32(keras.ops.convert_to_numpy(schedule(0)))))
    return {"learning_rate": first, "schedule": {"kind": type(schedule).__name__, **config}}
