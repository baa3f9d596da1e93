"""The network of a layer list in PyTorch, and its arrays by their names.

Inside the network images are (rows, channels, height, width); sequences stay (rows, steps, channels).
"""

import copy
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from twintrain.frameworks.torch import own_twin
from twintrain.frameworks.torch.layers import BUILDERS
from twintrain.frameworks.torch.layers.nested import stack
from twintrain.frameworks.torch.modules import (
    ChannelsFirst,
    Direction,
    Owner,
    Recurrent,
    SharedDropout,
    own_arrays,
    read,
    stock,
    write,
)
from twintrain.models import dropout_masks
from twintrain.models.layers.normalization import BatchNorm
from twintrain.models.network import Network

# Of `plain_training`.
PLAIN_RATE = 0.1


def build(network: Network, dtype: str, seed: int) -> nn.Module:
    """Builds the network; it takes (rows, *input_shape), images as (rows, height, width, channels), and gives logits.

    Args:
        seed: of the framework's own initial weights, which `aligned` replaces, and of the dropout masks.

    Raises:
        UserError: a twin of the user's own cannot be built, or is none.
    """
    torch.manual_seed(seed)
    model = own_twin.build(network, seed) if network.source else _build_list(network, seed)
    return model.to(getattr(torch, dtype))


def _build_list(network: Network, seed: int) -> nn.Module:
    model = stack(network.layers)
    if network.schema.is_image:
        channels_first = ChannelsFirst(copied=any(isinstance(placed.layer, BatchNorm) for placed in network.walk()))
        model = nn.Sequential(OrderedDict(channels_first=channels_first, **dict(model.named_children())))
    modules = _modules(model, network)
    for number, placed in enumerate(network.walk()):
        module = modules[placed.name]
        if isinstance(module, SharedDropout):
            module.key = dropout_masks.layer_key(seed, number)
        if isinstance(module, Direction) and network.mode == "aligned":
            module.freeze_second_bias()
    return model


def known(model: nn.Module, network: Network) -> Network:
    """The network with the arrays of a twin of the user's own, which only the built one tells."""
    return own_twin.known(model, network) if network.source else network


def get_weights(model: nn.Module, network: Network) -> dict[str, np.ndarray]:
    """Returns a copy of all arrays, named and laid out as `Network.weights`."""
    modules = _modules(model, network)
    places = {name: name.split("/") for name in network.weights()}
    arrays = {name: read(modules[layer], array) for name, (layer, array) in places.items()}
    return {name: array.detach().cpu().numpy().copy(order="C") for name, array in arrays.items()}


def set_weights(model: nn.Module, network: Network, weights: dict[str, np.ndarray]) -> None:
    """Sets all arrays of the network."""
    modules = _modules(model, network)
    with torch.no_grad():
        for name in network.weights():
            layer, array = name.split("/")
            write(modules[layer], array, torch.from_numpy(np.asarray(weights[name], order="C")))


def freeze(model: nn.Module, network: Network) -> list[nn.Module]:
    """Takes the arrays of frozen layers out of training; returns the batch norms among them.

    In Keras a frozen batch norm goes on as in inference, so these are to stay in evaluation.
    """
    modules = _modules(model, network)
    for name in network.weights():
        layer, array = name.split("/")
        if layer in network.frozen:
            for own in own_arrays(modules[layer], array):
                own.requires_grad_(False)
    owners = [stock(modules[name])[0] for name in network.frozen if isinstance(modules[name], nn.Module)]
    return [module for module in owners if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)]


def name_arrays(model: nn.Module, network: Network, arrays: list[torch.Tensor]) -> dict[str, np.ndarray]:
    """Names and lays out one array a trained parameter, such as its gradient, as `Network.weights`."""
    # In the model itself: what a forward pass has left in it may not be one to copy.
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    kept = [weight.detach().clone() for weight in weights]
    _set(weights, arrays)
    named = get_weights(model, network)
    _set(weights, kept)
    return {name: named[name] for name, weight in network.weights().items() if weight.trainable}


def array_shapes(model: nn.Module, network: Network) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays that the built network has, named and laid out as `Network.weights`."""
    modules = _modules(model, network)
    places = {name: name.split("/") for name in network.weights()}
    arrays = {name: read(modules[layer], array) for name, (layer, array) in places.items()}
    return {name: tuple(array.shape) for name, array in arrays.items() if array is not None}


def stock_layer(model: nn.Module, name: str) -> nn.Module:
    """PyTorch's own module of a layer in a list of layers."""
    return stock(next(module for path, module in model.named_modules() if path.rpartition(".")[2] == name))[0]


def draws_own_masks(model: nn.Module) -> bool:
    """Whether there is dropout whose masks the other framework does not have."""
    dropouts = [module for module in model.modules() if isinstance(module, own_twin.DROPOUTS)]
    return any(not isinstance(module, SharedDropout) for module in dropouts)


def shared_dropouts(model: nn.Module) -> dict[str, SharedDropout]:
    """The layers with shared dropout masks."""
    return {path: module for path, module in model.named_modules() if isinstance(module, SharedDropout)}


def get_calls(model: nn.Module) -> dict[str, int]:
    """Training calls so far of each layer with shared dropout masks: a part of a checkpoint."""
    return {name: module.calls for name, module in shared_dropouts(model).items()}


def set_calls(model: nn.Module, calls: dict[str, int]) -> None:
    """Sets what `get_calls` returned."""
    dropouts = shared_dropouts(model)
    for name, count in calls.items():
        dropouts[name].calls = count


def plain_training(model: nn.Module) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A loss and an optimizer that do nothing of their own: the mean of squares, and gradient descent."""
    return nn.MSELoss(), torch.optim.SGD(model.parameters(), PLAIN_RATE)


def for_prediction(model: nn.Module, network: Network) -> nn.Module:
    """A copy on the CPU in evaluation mode, with the network's head, for saving.

    In training mode pt2 would freeze dropout and batch statistics.
    """
    model = copy.deepcopy(model).cpu()
    if head := network.placed_head():
        model = nn.Sequential(OrderedDict([*model.named_children(), (head.name, BUILDERS[head.kind](head))]))
    return model.eval()


def _set(weights: list[torch.Tensor], arrays: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for weight, array in zip(weights, arrays, strict=True):
            weight.copy_(array)


def _modules(model: nn.Module, network: Network) -> dict[str, Owner]:
    """Modules at any depth by the name of their layer, recurrent ones by direction."""
    if network.source:
        return own_twin.owners(model)
    modules: dict[str, Owner] = {}
    for path, module in model.named_modules():
        modules[path.rpartition(".")[2]] = module
        if isinstance(module, Recurrent):
            modules |= {name: Direction(module.rnn, end) for name, end in module.directions.items()}
    return modules
