"""Records what a PyTorch model computes: the calls of its layers, and of functions between them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from twintrain.errors import UserError, cut
from twintrain.recordings.contents import Weight
from twintrain.recordings.torch import functions as torch_functions
from twintrain.recordings.torch import layers as torch_layers
from twintrain.recordings.torch.functions import Arguments
from twintrain.recordings.torch.stacked import one_by_one
from twintrain.recordings.torch.state import (
    arguments_of,
    arrays_of,
    as_written,
    copied,
    given,
    left_alone,
    modes_kept,
    only_tensors,
    tensors_of,
)
from twintrain.recordings.trace import Description, Trace, by_key, flat

# They hold layers, and are one call all the same.
WHOLE = (nn.RNNBase, nn.MultiheadAttention)
CONTAINERS = (nn.Module, nn.Sequential, nn.ModuleList, nn.ModuleDict)


def versions() -> dict[str, str]:
    """Versions of what computes, by name."""
    return {"torch": torch.__version__}


def device_of(model: nn.Module) -> str:
    """What the model's arrays are on: "cpu", "cuda" or the like."""
    return next((tensor.device.type for tensor in tensors_of(model).values()), "cpu")


def list_weights(model: nn.Module) -> list[Weight]:
    """The model's arrays of floats, by their names in its `state_dict`."""
    axes = _axes(model)
    return [
        Weight(name, tuple(tensor.shape), axes.get(id(tensor), "C" if tensor.ndim == 1 else ""), tensor.requires_grad)
        for name, tensor in arrays_of(model).items()
    ]


def read_weights(model: nn.Module) -> dict[str, np.ndarray]:
    """Copies of the arrays that `list_weights` lists, by name.

    Raises:
        UserError: one of them has no numbers.
    """
    if without := [name for name, tensor in arrays_of(model).items() if tensor.is_meta]:
        raise UserError(
            f"{len(without)} arrays of the model have no numbers, first {cut(without[0])}: they are on device meta; "
            "expected a model whose weights are loaded, see torch.nn.Module.to_empty"
        )
    return {name: copied(tensor) for name, tensor in arrays_of(model).items()}


def write_weights(model: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """Gives the model other values of the arrays that `list_weights` lists, for good."""
    for name, tensor in arrays_of(model).items():
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(weights[name]))


def prepare(model: nn.Module, inputs: Any) -> None:
    """Lets the model make arrays that it makes when it is called for the first time."""
    if any(isinstance(tensor, nn.parameter.UninitializedTensorMixin) for tensor in tensors_of(model).values()):
        arguments, named = arguments_of(given(model, inputs))
        with modes_kept(model), as_written(), torch.no_grad():
            model.eval()(*arguments, **named)


def record_calls(model: nn.Module, inputs: Any, training: bool = False) -> Trace:
    """Runs the model once and records every call; the model is left as it was.

    Args:
        inputs: arrays or tensors: one, several as arguments in a tuple or list, or by the arguments' names in a dict.
            Those of floats are taken in the precision of the model.
        training: whether layers are to do as in training.

    Raises:
        Exception: what the model raises.
    """
    trace = Trace(copied)
    values = given(model, inputs)
    trace.start(flat(values))
    arguments, named = arguments_of(values)
    with left_alone(model), contextlib.ExitStack() as stack:
        model.train(training)
        for handle in _hooked(model, trace):
            stack.callback(handle.remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(_Functions(model, trace))
        outputs = model(*arguments, **named)
    return trace.finish(only_tensors(by_key(outputs)))


def _axes(model: nn.Module) -> dict[int, str]:
    """What the axes of arrays are, by the identity of the arrays."""
    # An array that is computed of others, as of a spectral norm, may change some when it is asked for.
    with left_alone(model), torch.no_grad():
        described = [torch_layers.describe(module, 2) for module in model.modules() if _is_leaf(module)]
    # An array of several layers is the first's, whose name it has.
    return {
        id(found.roles[role]): axes
        for found in reversed(described)
        for role, axes in found.axes.items()
        if role in found.roles
    }


def _is_leaf(module: nn.Module) -> bool:
    """Whether a layer is one call: one of PyTorch's own that does what PyTorch's does, and holds no others."""
    stock = next(kind for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn."))
    if stock in torch_layers.DROPOUTS:  # one of somebody's own, as with other masks, drops numbers at a rate as well
        return True
    if issubclass(stock, nn.RNNBase) and not [*module.children()]:  # and one that is given a mask goes through steps
        return True
    if stock in CONTAINERS or type(module).forward is not stock.forward or "forward" in vars(module):
        return False
    return isinstance(module, WHOLE) or all(name == "parametrizations" for name, _ in module.named_children())


def _hooked(model: nn.Module, trace: Trace) -> Iterator[Any]:
    """Hooks every layer; yields what takes the hooks away again."""
    names = _names(model)
    for path, module in model.named_modules():
        if _is_leaf(module):
            started: list[list[int]] = []
            before, after = _leaf_hooks(trace, path or type(module).__name__.lower(), names, started)
        elif module is not model:
            before, after = _container_hooks(trace, path)
        else:
            continue
        yield module.register_forward_pre_hook(before, with_kwargs=True)
        yield module.register_forward_hook(after, with_kwargs=True, always_call=True)


def _leaf_hooks(
    trace: Trace, path: str, names: dict[int, str], started: list[list[int]]
) -> tuple[Callable[..., None], Callable[..., None]]:
    """Hooks of a layer that is one call.

    Args:
        started: the numbers of the inputs of its calls that have not ended.
    """

    def before(_: nn.Module, values: tuple[Any, ...], named: dict[str, Any]) -> None:
        if not trace.depth:
            started.append([trace.number(tensor) for tensor in only_tensors((values, named))])
        trace.depth += 1

    def after(module: nn.Module, values: tuple[Any, ...], named: dict[str, Any], outputs: Any) -> None:
        numbers = started.pop() if trace.depth == 1 else None
        # There are none if the layer raised an error.
        if numbers is not None and outputs is not None:
            rank = trace.arrays[numbers[0]].ndim if numbers else 0
            for end, layer, made in one_by_one(module, only_tensors((values, named)), only_tensors(by_key(outputs))):
                described = torch_layers.describe(layer, rank)
                weights = _named(described, names)
                trace.add(path + end, type(module).__name__, described, numbers, made, weights)
                numbers = [trace.number(made[0])]
        trace.depth -= 1

    return before, after


def _container_hooks(trace: Trace, path: str) -> tuple[Callable[..., None], Callable[..., None]]:
    return lambda *_: trace.enter(path), lambda *_: trace.leave()


class _Functions(TorchFunctionMode):
    """Records the functions that are called outside of layers that are one call each."""

    def __init__(self, model: nn.Module, trace: Trace) -> None:
        super().__init__()
        self.names = _names(model)
        self.trace = trace

    def __torch_function__(
        self, function: Callable[..., Any], _: Any, values: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        named = named or {}
        if self.trace.depth:
            return function(*values, **named)
        handed = only_tensors((values, named))
        tensors = [tensor for tensor in handed if id(tensor) not in self.names]
        numbers = [self.trace.number(tensor) for tensor in tensors]
        shape = tuple(tensors[0].shape) if tensors else ()
        versions_before = [tensor._version for tensor in handed]
        result = function(*values, **named)
        changed = [
            tensor for tensor, version in zip(handed, versions_before, strict=True) if tensor._version != version
        ]
        outputs = only_tensors(result) or changed
        name = torch_functions.name_of(function)
        if outputs and not (all(_is_in(output, handed) for output in outputs) and not changed and name != "dropout"):
            self._record(name, Arguments(values, named, shape, tuple(outputs[0].shape)), numbers, outputs)
        return result

    def _record(self, name: str, arguments: Arguments, numbers: list[int], outputs: list[torch.Tensor]) -> None:
        described = torch_functions.describe(name, arguments)
        used = [tensor for tensor in only_tensors((arguments.values, arguments.named)) if id(tensor) in self.names]
        if not self.trace.is_computed(numbers) and not used:
            for tensor in outputs:
                self.trace.keep_constant(tensor)
            return
        weights = _named(described, self.names)
        others = [self.names[id(tensor)] for tensor in used if self.names[id(tensor)] not in weights.values()]
        weights |= {f"operand_{place}" if place else "operand": other for place, other in enumerate(others)}
        self.trace.add(self.trace.function_name(name), name, described, numbers, outputs, weights)


def _names(model: nn.Module) -> dict[int, str]:
    """Names of the model's arrays by their identity."""
    return {id(tensor): name for name, tensor in tensors_of(model).items()}


def _named(described: Description, names: dict[int, str]) -> dict[str, str]:
    return {role: names[id(tensor)] for role, tensor in described.roles.items() if id(tensor) in names}


def _is_in(tensor: torch.Tensor, tensors: list[torch.Tensor]) -> bool:
    return any(tensor is other for other in tensors)
