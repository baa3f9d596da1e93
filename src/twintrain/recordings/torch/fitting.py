"""Trains a PyTorch model on the recorded rows: loss, gradients and weights after steps."""

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from twintrain.errors import UserError, cut
from twintrain.recordings.course import Course
from twintrain.recordings.fit import Rule
from twintrain.recordings.torch import losses, optimizers
from twintrain.recordings.torch.functions import name_of
from twintrain.recordings.torch.state import (
    arguments_of,
    arrays_of,
    copied,
    found_gradients,
    given,
    holding,
    left_alone,
    only_tensors,
)
from twintrain.recordings.trace import by_key, set_in
from twintrain.recordings.training import Training, check_gradients, check_loss, check_number

# They drop numbers on their way from layer to layer, by a setting of their own.
WITH_DROPOUT = (nn.RNNBase, nn.MultiheadAttention)
ATTENTION, PLACE_OF_DROPOUT = "scaled_dot_product_attention", 4


def describe(model: nn.Module, training: Training) -> tuple[Rule | None, Rule | None]:
    """Describes loss and optimizer, each if there is one.

    Raises:
        UserError: one of them is none that PyTorch could take, or the optimizer is of other parameters.
    """
    if training.loss is not None and not callable(training.loss):
        kind = cut(type(training.loss).__name__)
        raise UserError(f"loss=: expected a module of PyTorch, or a function of outputs and y, got {kind}")
    optimizer = None if training.optimizer is None else optimizers.describe(training.optimizer, model)
    return None if training.loss is None else losses.describe(training.loss), optimizer


def dropping(model: nn.Module, inputs: Any) -> list[str]:
    """Names of the layers that drop numbers in training, and of the functions; the model is left as it was.

    Args:
        inputs: arrays, see `record_calls`.
    """
    layers = [name for name, module in model.named_modules() if _drops(module)]
    arguments, named = arguments_of(given(model, inputs))
    with left_alone(model), torch.no_grad(), _without_dropout(model) as functions:
        model(*arguments, **named)
    return [*layers, *functions]


def train(model: nn.Module, weights: dict[str, np.ndarray], dtype: str, inputs: Any, training: Training) -> Course:
    """Trains the model from other weights, in training mode without dropout; it is left as it was.

    Args:
        weights: as `read_weights` gives them.
        dtype: "float32" or "float64".
        inputs: arrays, see `record_calls`.

    Raises:
        UserError: the loss is no number at the start.
        Exception: what the model, the loss or the optimizer raises.
    """
    with holding(model, weights, dtype), left_alone(model), torch.enable_grad(), _without_dropout(model):
        inputs, targets = given(model, inputs), given(model, training.targets)
        loss = _in_precision(training.loss, model, dtype)
        optimizer = None if training.optimizer is None else optimizers.renewed(training.optimizer, model)
        course = Course(dtype, training.limit)
        for step in range(1, max(training.steps, default=1) + 1):
            model.zero_grad()
            outputs, value = _computed(model, loss, inputs, targets)
            course.losses.append(_number(value, is_first=step == 1))
            value.backward()
            if step == 1:
                course.predictions.extend(map(copied, only_tensors(by_key(outputs))))
                course.loss_dtype = str(value.dtype).removeprefix("torch.")
            course.keep_gradients(step, ((name, copied(each)) for name, each in found_gradients(model).items()))
            if optimizer is not None:
                _step(optimizer, lambda: _computed(model, loss, inputs, targets)[1])
            if step in training.steps:
                course.keep_weights(step, ((name, copied(tensor)) for name, tensor in arrays_of(model).items()))
    return course


def _computed(model: nn.Module, loss: Callable[..., Any], inputs: Any, targets: Any) -> tuple[Any, Any]:
    """What the model gives, and its loss, both of copies, which the model and the loss may change."""
    arguments, named = arguments_of(given(model, inputs))
    outputs = model(*arguments, **named)
    return outputs, loss(outputs, given(model, targets))


def _in_precision(loss: Callable[..., Any], model: nn.Module, dtype: str) -> Callable[..., Any]:
    """The loss; a copy in a precision where it has arrays."""
    if not isinstance(loss, nn.Module):
        return loss
    device = next((tensor.device for tensor in arrays_of(model).values()), None)
    return copy.deepcopy(loss).to(device, getattr(torch, dtype))


def _number(value: Any, is_first: bool) -> float:
    if not isinstance(value, torch.Tensor):
        raise UserError(f"the loss gives {cut(type(value).__name__)}; expected a tensor of one number")
    check_loss(value.shape)
    number = float(value.detach())
    if is_first:
        check_number(number)
    check_gradients(value.requires_grad)
    return number


def _step(optimizer: torch.optim.Optimizer, loss: Callable[[], torch.Tensor]) -> None:
    """One step; of an optimizer that computes the loss itself, with what it does that by."""
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is None or closure.default is None:
        optimizer.step()
        return

    def computed() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(computed)


def _drops(module: nn.Module) -> bool:
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, WITH_DROPOUT):
        return module.dropout > 0
    # Those of others are known by their names: DropPath, StochasticDepth.
    name = type(module).__name__.lower()
    return ("drop" in name or "stochastic" in name) and not [*module.parameters()]


@contextlib.contextmanager
def _without_dropout(model: nn.Module) -> Iterator[dict[str, None]]:
    """Sets the model to training, but for what drops numbers; `left_alone` takes that back.

    Yields:
        as keys, names of the functions that would have dropped some.
    """
    model.train()
    functions: dict[str, None] = {}
    with contextlib.ExitStack() as stack:
        for module in filter(_drops, model.modules()):
            if isinstance(module, WITH_DROPOUT):
                stack.enter_context(set_in(module, {"dropout": 0.0}))
            else:
                module.train(False)
        stack.enter_context(_Undropped(functions))
        yield functions


class _Undropped(TorchFunctionMode):
    """Keeps functions from dropping numbers."""

    def __init__(self, kept: dict[str, None]) -> None:
        """Takes what is to be told the names of those that were kept from it."""
        super().__init__()
        self._kept = kept

    def __torch_function__(
        self, function: Callable[..., Any], _: Any, values: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        name, named = name_of(function), named or {}
        if "dropout" in name:
            settings = dict(zip(("input", "p", "training"), values, strict=False)) | named
            if settings.get("p", 1.0) and settings.get("training", True):
                self._kept[name] = None
            return settings["input"]
        if name == ATTENTION:
            if named.get("dropout_p", (*values, *(0.0,) * PLACE_OF_DROPOUT)[PLACE_OF_DROPOUT]):
                self._kept[name] = None
            values = tuple(0.0 if place == PLACE_OF_DROPOUT else value for place, value in enumerate(values))
            named = {**named, "dropout_p": 0.0} if "dropout_p" in named else named
        return function(*values, **named)
