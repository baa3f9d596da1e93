"""What a PyTorch model holds: its arrays, its modes, and how it is given others for a time."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from twintrain.recordings.trace import flat, keeping_random, mapped


@contextlib.contextmanager
def casting(_: nn.Module, dtype: str) -> Iterator[None]:
    """Has everything that is made be in a precision, "float32" or "float64"."""
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(getattr(torch, dtype))
        with torch.inference_mode(False):
            yield
    finally:
        torch.set_default_dtype(default)


@contextlib.contextmanager
def holding(model: nn.Module, weights: dict[str, np.ndarray], dtype: str) -> Iterator[None]:
    """Gives the model other weights in a precision; it has its own again afterwards, which are never written to.

    Args:
        weights: as `read_weights` gives them.
        dtype: "float32" or "float64".
    """
    own = [(name, tensor, tensor.data, tensor.grad) for name, tensor in arrays_of(model).items()]
    with casting(model, dtype):
        try:
            for name, tensor, _, _ in own:
                # A gradient must have the precision of its weight.
                tensor.grad = None
                tensor.data = torch.from_numpy(weights[name].astype(dtype)).to(tensor.device)
            yield
        finally:
            for _, tensor, data, gradient in own:
                tensor.grad = None
                tensor.data = data
                tensor.grad = gradient


@contextlib.contextmanager
def left_alone(model: nn.Module) -> Iterator[None]:
    """Takes back what a pass changes: arrays, what layers hold, modes, and the states of random generators."""
    own = [(tensor, tensor.data) for tensor in tensors_of(model).values()]
    with keeping_random(), torch.random.fork_rng(), modes_kept(model), _attributes_kept(model), as_written():
        try:
            for tensor, data in own:
                tensor.data = data.clone()
            yield
        finally:
            for tensor, data in own:
                tensor.data = data


def tensors_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers, each once, by name."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def arrays_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Arrays of floats, each once, by name."""
    return {name: tensor for name, tensor in tensors_of(model).items() if tensor.is_floating_point()}


def trained_names(model: nn.Module) -> list[str]:
    """Names of the arrays that are trained, in the order of the model's parameters."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def found_gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    """The gradients that `backward` has left, by the names of arrays."""
    return {name: tensor.grad for name, tensor in arrays_of(model).items() if tensor.grad is not None}


@contextlib.contextmanager
def telling_gradients(model: nn.Module, tell: Callable[[Mapping[str, torch.Tensor]], None]) -> Iterator[None]:
    """Tells the gradients that an optimizer is about to use, by the names of the model's arrays that it changes."""
    names = {id(tensor): name for name, tensor in arrays_of(model).items()}

    def about_to_step(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        held = (parameter for group in optimizer.param_groups for parameter in group["params"])
        tell({names[id(each)]: each.grad for each in held if id(each) in names and each.grad is not None})

    hook = register_optimizer_step_pre_hook(about_to_step)
    try:
        yield
    finally:
        hook.remove()


def given(model: nn.Module, values: Any) -> Any:
    """The same tuples, lists and dicts of tensors of their own, on the model's device, floats in its precision."""
    return mapped(values, lambda value: _tensor(model, value))


def arguments_of(values: Any) -> tuple[list[Any], dict[str, Any]]:
    """What a model is called with: arguments by their places, and by their names."""
    return ([], dict(values)) if isinstance(values, Mapping) else (flat(values), {})


def only_tensors(values: Any) -> list[torch.Tensor]:
    """The tensors among the leaves of what is given."""
    return [value for value in flat(values) if isinstance(value, torch.Tensor)]


def copied(tensor: torch.Tensor) -> np.ndarray:
    """The values of a tensor, in a precision that NumPy has."""
    tensor = tensor.detach()
    if tensor.is_floating_point() and tensor.dtype not in (torch.float16, torch.float32, torch.float64):
        tensor = tensor.float()
    return np.array(tensor.to_dense().cpu().numpy() if tensor.layout != torch.strided else tensor.cpu().numpy())


@contextlib.contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Takes back which modes layers are set to."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def as_written() -> contextlib.AbstractContextManager[Any]:
    """Has all that `torch.compile` compiles be run as it is written: what is compiled calls no layer one by one."""
    is_needed = "torch._dynamo" in sys.modules  # which takes seconds to import
    return torch.compiler.set_stance("force_eager") if is_needed else contextlib.nullcontext()


@contextlib.contextmanager
def _attributes_kept(model: nn.Module) -> Iterator[None]:
    """Takes back which arrays and other values layers hold: a pass may set others, in another precision."""
    entries = [vars(module) for module in model.modules()]
    entries += [each[kind] for each in entries for kind in ("_parameters", "_buffers") if kind in each]
    own = [(each, dict(each)) for each in entries]
    try:
        yield
    finally:
        for each, values in own:
            each.clear()
            each.update(values)


def _tensor(model: nn.Module, value: Any) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        value = torch.from_numpy(np.array(value))
    device = next((tensor.device for tensor in tensors_of(model).values()), None)
    dtype = next((tensor.dtype for tensor in arrays_of(model).values()), torch.get_default_dtype())
    with torch.no_grad():
        return value.detach().clone().to(device, dtype if value.is_floating_point() else None)
