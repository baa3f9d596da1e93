"""PyTorch's optimizers: what they do, in the words that both frameworks share, and how they are made anew."""

import inspect
from typing import Any

import torch
from torch import nn

from twintrain.errors import UserError, cut
from twintrain.recordings.fit import Rule
from twintrain.recordings.torch.state import tensors_of
from twintrain.recordings.trace import plain

OPS = {
    **{"SGD": "sgd", "Adam": "adam", "AdamW": "adamw", "RMSprop": "rmsprop", "Adagrad": "adagrad", "Rprop": "rprop"},
    **{
        "Adadelta": "adadelta",
        "Adamax": "adamax",
        "NAdam": "nadam",
        "RAdam": "radam",
        "ASGD": "asgd",
        "LBFGS": "lbfgs",
    },
}
WORDS = {
    **{name: name for name in ("momentum", "nesterov", "weight_decay", "amsgrad", "centered", "rho", "maximize")},
    **{name: name for name in ("dampening", "initial_accumulator_value", "momentum_decay", "lr_decay")},
    **{"lr": "learning_rate", "eps": "epsilon", "alpha": "rho"},
}
# Settings that are pairs.
PAIRS = {
    "betas": ("beta_1", "beta_2"),
    "etas": ("eta_minus", "eta_plus"),
    "step_sizes": ("smallest_step", "largest_step"),
}
HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
# What says nothing where it is so.
USUAL = {"maximize": False, "dampening": 0, "lr_decay": 0}
# What epsilon is added to before the step is divided: Adam's to the root of the corrected second moment.
EPSILON_IS_ADDED_TO = {
    **dict.fromkeys(("adam", "adamw", "nadam"), "corrected root"),
    **dict.fromkeys(("rmsprop", "adagrad"), "root"),
}


def describe(optimizer: Any, model: nn.Module) -> Rule:
    """Describes an optimizer over a model's parameters, or what a function makes of them.

    Raises:
        UserError: it is neither, or not of this model's parameters.
    """
    optimizer = renewed(optimizer, model)
    names = {id(tensor): name for name, tensor in tensors_of(model).items()}
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if foreign := [parameter for parameter in held if id(parameter) not in names]:
        raise UserError(
            f"the optimizer has {len(foreign)} arrays that are none of the model's; expected one of model.parameters()"
        )
    kind = type(optimizer).__name__
    op = OPS.get(kind) if type(optimizer) is getattr(torch.optim, kind, None) else None
    groups = [_options(op, group) for group in optimizer.param_groups]
    # A scheduler leaves its mark on the groups, and is not reached from them.
    is_scheduled = any("initial_lr" in group for group in optimizer.param_groups)
    options = {**groups[0], "schedule": {"kind": "LRScheduler"} if is_scheduled else None}
    if any(group != groups[0] for group in groups):
        weights = [[names[id(parameter)] for parameter in group["params"]] for group in optimizer.param_groups]
        options["groups"] = [{**group, "weights": found} for group, found in zip(groups, weights, strict=True)]
    return Rule(kind, op, options)


def renewed(optimizer: Any, model: nn.Module) -> torch.optim.Optimizer:
    """An optimizer of the same settings over the same parameters, without what it has gathered.

    Args:
        optimizer: that which is not to be touched, or a function that makes one of a list of parameters.

    Raises:
        UserError: it is neither.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        if not callable(optimizer):
            raise _no_optimizer(optimizer)
        made = optimizer([parameter for parameter in model.parameters() if parameter.requires_grad])
        if not isinstance(made, torch.optim.Optimizer):
            raise _no_optimizer(made)
        return made
    groups = [{name: _own(value) for name, value in group.items()} for group in optimizer.param_groups]
    names = inspect.signature(type(optimizer)).parameters
    new = type(optimizer)(groups, **{name: value for name, value in optimizer.defaults.items() if name in names})
    for hooks in HOOKS:  # by which gradients may be clipped
        setattr(new, hooks, getattr(optimizer, hooks))
    return new


def _no_optimizer(given: Any) -> UserError:
    kind = cut(type(given).__name__)
    return UserError(f"optimizer=: expected a torch.optim.Optimizer, or a function of parameters, got {kind}")


def _own(value: Any) -> Any:
    """A setting that may be changed without the other's being so; parameters stay the same."""
    if isinstance(value, list):
        return [*value]
    return value.clone() if isinstance(value, torch.Tensor) else value


def _options(op: str | None, group: dict[str, Any]) -> dict[str, Any]:
    settings = {name: float(value) if isinstance(value, torch.Tensor) else value for name, value in group.items()}
    if op is None:
        return plain({name: value for name, value in settings.items() if name != "params" and value is not None})
    found = {WORDS[name]: plain(value) for name, value in settings.items() if name in WORDS and value is not None}
    found = {word: value for word, value in found.items() if word not in USUAL or value != USUAL[word]}
    for name, words in PAIRS.items():
        if name in settings:
            found |= dict(zip(words, map(float, settings[name]), strict=True))
    if op == "asgd":  # its decay of weights is that of the rate too
        found |= {"power": found.pop("rho"), "rate_decay": float(settings["lambd"])}
    if op in EPSILON_IS_ADDED_TO:
        found["epsilon_is_added_to"] = EPSILON_IS_ADDED_TO[op]
    if "weight_decay" in found:
        found["decoupled"] = op == "adamw" or bool(settings.get("decoupled_weight_decay"))
    return found
