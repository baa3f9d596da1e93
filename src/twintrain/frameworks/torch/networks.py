"""The network of a layer list in PyTorch, and its arrays by their names.

Inside the network images are (rows, channels, height, width); sequences stay (rows, steps, channels).
"""

import copy

import numpy as np
import torch
from torch import nn

from twintrain.frameworks.torch import own_twin, precision
from twintrain.frameworks.torch.lacking.attention import Attention
from twintrain.frameworks.torch.lacking.time_distributed import EachStep
from twintrain.frameworks.torch.layers import BUILDERS
from twintrain.frameworks.torch.layers.padding import MASKS
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
from twintrain.models.entries import INPUT
from twintrain.models.layers.normalization import BatchNorm
from twintrain.models.layers.padding import mask_name
from twintrain.models.network import Network
from twintrain.models.precision import layer_dtypes
from twintrain.settings.sections.precision import HALF, array_dtype

# Of `plain_training`.
PLAIN_RATE = 0.1


class _Graph(nn.Module):
    """Layers in order, each of which takes what earlier ones give; the last one's output is that of the graph.

    Attributes:
        inputs: names of the layers that each layer takes; `input` is what the graph is given.
        masks: names of what gives the masks of those that take one.
        dtypes: what layers compute in, in half precision; of a layer that is left out, that of its arrays.
    """

    def __init__(
        self,
        layers: dict[str, nn.Module],
        inputs: dict[str, tuple[str, ...]],
        masks: dict[str, str],
        dtypes: dict[str, torch.dtype],
    ) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.inputs, self.masks, self.dtypes = inputs, masks, dtypes
        last_uses = {taken: name for name in layers for taken in self._taken(name)}
        self.done = {name: [taken for taken, last in last_uses.items() if last == name] for name in layers}

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        output, values = features, {INPUT: features}
        for name, layer in self.named_children():
            given = [values[taken] for taken in self.inputs[name]]
            mask = {"mask": values[self.masks[name]]} if name in self.masks else {}
            output = values[name] = precision.call(layer, given, self.dtypes.get(name), **mask)
            for taken in self.done[name]:
                del values[taken]  # in prediction nothing else keeps it
        return output

    def _taken(self, name: str) -> tuple[str, ...]:
        return (*self.inputs[name], *([self.masks[name]] if name in self.masks else []))


def build(network: Network, dtype: str, seed: int) -> nn.Module:
    """Builds the network; it takes (rows, *input_shape), images as (rows, height, width, channels), and gives logits.

    Args:
        dtype: as `train.dtype`.
        seed: of the framework's own initial weights, which `aligned` replaces, and of the dropout masks.

    Raises:
        UserError: a twin of the user's own cannot be built, or is none.
    """
    torch.manual_seed(seed)
    model = own_twin.build(network, seed) if network.source else _build_list(network, dtype, seed)
    return model.to(getattr(torch, array_dtype(dtype)))


def _build_list(network: Network, dtype: str, seed: int) -> nn.Module:
    model = _graph(network, dtype)
    modules = _modules(model, network)
    for placed in network.walk():
        module = modules[placed.name]
        dropout = module.dropout if isinstance(module, Attention) else module
        if isinstance(dropout, SharedDropout):
            dropout.key = dropout_masks.layer_key(seed, placed.number)
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
    return stock(_layers(model)[name])[0]


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
        layers = {**dict(model.named_children()), head.name: BUILDERS[head.kind](head)}
        model = _Graph(layers, {**model.inputs, head.name: head.inputs}, model.masks, model.dtypes)
    return model.eval()


def _graph(network: Network, dtype: str) -> _Graph:
    layers: dict[str, nn.Module] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    masks: dict[str, str] = {}
    start = INPUT
    if network.schema.is_image:
        start = "channels_first"
        layers[start] = ChannelsFirst(copied=any(isinstance(placed.layer, BatchNorm) for placed in network.walk()))
        inputs[start] = (INPUT,)
    for placed in network.layers:
        layers[placed.name] = BUILDERS[placed.kind](placed)
        inputs[placed.name] = tuple(start if name == INPUT else name for name in placed.inputs)
        if placed.kind in MASKS and placed.output_mask:
            made = mask_name(placed.output_mask)
            layers[made] = MASKS[placed.kind]()
            inputs[made] = (mask_name(placed.mask),) if placed.mask else placed.inputs
        elif placed.mask:
            masks[placed.name] = mask_name(placed.mask)
    dtypes = layer_dtypes(network, dtype) if dtype in HALF else {}
    return _Graph(layers, inputs, masks, {name: getattr(torch, computed) for name, computed in dtypes.items()})


def _set(weights: list[torch.Tensor], arrays: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for weight, array in zip(weights, arrays, strict=True):
            weight.copy_(array)


def _layers(model: nn.Module) -> dict[str, nn.Module]:
    """Modules by the name of their layer, those inside of others included."""
    found = {}
    for name, module in model.named_children():
        found[name] = module
        found |= _layers(module) if isinstance(module, EachStep) else {}
    return found


def _modules(model: nn.Module, network: Network) -> dict[str, Owner]:
    """Modules by the name of their layer, recurrent ones by direction."""
    if network.source:
        return own_twin.owners(model)
    modules: dict[str, Owner] = {**_layers(model)}
    for module in _layers(model).values():
        if isinstance(module, Recurrent):
            modules |= {direction: Direction(module.rnn, end) for direction, end in module.directions.items()}
    return modules
