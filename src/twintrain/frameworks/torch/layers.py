"""The vocabulary of layers in PyTorch: one builder a kind, and the network they make.

Inside the network images are (rows, channels, height, width); sequences stay (rows, steps, channels).
"""

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from twintrain.frameworks.torch import own_twin
from twintrain.frameworks.torch.modules import (
    ChannelsFirst,
    ColumnEmbeddings,
    Direction,
    Inception,
    Mean,
    Moved,
    Recurrent,
    Reshape,
    Residual,
    Separable,
    SharedDropout,
    UncountedPadding,
    own_arrays,
    read,
    stock,
    write,
)
from twintrain.models import dropout_masks
from twintrain.models.layers import BatchNorm, Conv, DepthwiseConv2D, Pool, SeparableConv2D, same_padding
from twintrain.models.network import Network, PlacedLayer

# Functions that are one module without arguments.
FUNCTIONS = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "hardtanh": nn.Hardtanh,
}


def dense(placed: PlacedLayer) -> nn.Module:
    """(rows, …, features) → (rows, …, units)."""
    return nn.Linear(placed.input_shape[-1], placed.layer.units, bias=placed.layer.use_bias)


def conv1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; `same` pads as TensorFlow does, an odd step after."""
    return _on_channels_first(_conv(nn.Conv1d, placed), placed)


def conv2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; `same` pads as TensorFlow does, an odd cell after."""
    return _conv(nn.Conv2d, placed)


def depthwise_conv2d(placed: PlacedLayer) -> nn.Module:
    """Images → images, each channel by itself; `same` as in conv2d."""
    return _depthwise(placed, placed.layer.use_bias)


def separable_conv2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; `same` as in conv2d."""
    pointwise = nn.Conv2d(
        placed.input_shape[-1] * placed.layer.depth_multiplier, placed.layer.filters, 1, bias=placed.layer.use_bias
    )
    return Separable(_depthwise(placed, use_bias=False), pointwise)


def max_pool1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; padding never wins."""
    return _on_channels_first(_pool(nn.MaxPool1d, placed, -torch.inf), placed)


def max_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding never wins."""
    return _pool(nn.MaxPool2d, placed, -torch.inf)


def avg_pool1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; padding is not counted."""
    return _on_channels_first(_avg_pool(nn.AvgPool1d, placed), placed)


def avg_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding is not counted."""
    return _avg_pool(nn.AvgPool2d, placed)


def global_avg_pool(placed: PlacedLayer) -> nn.Module:
    """Sequences or images → (rows, channels)."""
    return Mean((2, 3) if _is_image(placed) else (1,))


def flatten(placed: PlacedLayer) -> nn.Module:
    """Sequences or images → vectors, channels last."""
    return reshape(placed)


def reshape(placed: PlacedLayer) -> nn.Module:
    """Any shape → another one, channels last before and after."""
    return Reshape(placed.output_shape)


def dropout(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same."""
    return SharedDropout(placed.layer.rate) if placed.layer.masks == "shared" else nn.Dropout(placed.layer.rate)


def spatial_dropout(placed: PlacedLayer) -> nn.Module:
    """Sequences or images → the same, without some channels."""
    if placed.layer.masks == "shared":
        return SharedDropout(placed.layer.rate, whole_channels=True)
    kind = nn.Dropout2d if _is_image(placed) else nn.Dropout1d
    return _on_channels_first(kind(placed.layer.rate), placed)


def batch_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same; PyTorch's momentum is the share that is replaced."""
    layer = placed.layer
    kind = nn.BatchNorm2d if _is_image(placed) else nn.BatchNorm1d
    momentum = None if layer.momentum is None else 1 - layer.momentum
    norm = kind(placed.input_shape[-1], **_given(momentum=momentum, eps=layer.epsilon))
    return _on_channels_first(norm, placed)


def layer_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, normalised along the last axis."""
    norm = nn.LayerNorm(placed.input_shape[-1], **_given(eps=placed.layer.epsilon))
    return Moved(norm, 1, -1) if _is_image(placed) else norm


def activation(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same."""
    layer = placed.layer
    match layer.function:
        case "leaky_relu":
            return nn.LeakyReLU(**_given(negative_slope=layer.negative_slope))
        case "prelu":
            return _on_channels_first(nn.PReLU(placed.input_shape[-1]), placed)
        case "softmax":
            return softmax(placed)
    return FUNCTIONS[layer.function]()


def softmax(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, numbers of the last axis with the sum 1."""
    return nn.Softmax(dim=1 if _is_image(placed) else -1)


def embedding(placed: PlacedLayer) -> nn.Module:
    """Codes (rows, columns) → (rows, sum of the widths), or tokens (rows, steps) → (rows, steps, output_dim)."""
    sizes = list(placed.layer.tables.values())
    return nn.Embedding(*sizes[0]) if placed.layer.input == "tokens" else ColumnEmbeddings(sizes)


def simple_rnn(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _recurrent(nn.RNN, [placed])


def lstm(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units)."""
    return _recurrent(nn.LSTM, [placed])


def gru(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, units) or (rows, steps, units); the reset gate acts after the product."""
    return _recurrent(nn.GRU, [placed])


def bidirectional(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, 2 · units) or (rows, steps, 2 · units), the forward one first."""
    directions = [layer for (layer,) in placed.children]
    return _recurrent({"simple_rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[directions[0].kind], directions)


def inception(placed: PlacedLayer) -> nn.Module:
    """Any shape → branches side by side on the last axis."""
    return Inception([_stack(layers) for layers in placed.children], axis=1 if len(placed.output_shape) == 3 else -1)


def residual(placed: PlacedLayer) -> nn.Module:
    """Any shape → layers(x) + shortcut(x)."""
    return Residual(*(_stack(layers) for layers in placed.children))


BUILDERS: dict[str, Callable[[PlacedLayer], nn.Module]] = {
    "dense": dense,
    "conv1d": conv1d,
    "conv2d": conv2d,
    "depthwise_conv2d": depthwise_conv2d,
    "separable_conv2d": separable_conv2d,
    "max_pool1d": max_pool1d,
    "max_pool2d": max_pool2d,
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "global_avg_pool": global_avg_pool,
    "flatten": flatten,
    "reshape": reshape,
    "dropout": dropout,
    "spatial_dropout": spatial_dropout,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "activation": activation,
    "softmax": softmax,
    "embedding": embedding,
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "gru": gru,
    "bidirectional": bidirectional,
    "inception": inception,
    "residual": residual,
}


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
    model = _stack(network.layers)
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
            write(modules[layer], array, torch.from_numpy(np.ascontiguousarray(weights[name])))


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
    return [module for module in owners if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]


def name_arrays(model: nn.Module, network: Network, arrays: list[torch.Tensor]) -> dict[str, np.ndarray]:
    """Names and lays out one array a trained parameter, such as its gradient, as `Network.weights`."""
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for weight, array in zip((w for w in twin.parameters() if w.requires_grad), arrays, strict=True):
            weight.copy_(array)
    named = get_weights(twin, network)
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
    return any(isinstance(module, own_twin.DROPOUTS) for module in model.modules())


def get_calls(model: nn.Module) -> dict[str, int]:
    """Training calls so far of each layer with shared dropout masks: a part of a checkpoint."""
    return {path: module.calls for path, module in model.named_modules() if isinstance(module, SharedDropout)}


def set_calls(model: nn.Module, calls: dict[str, int]) -> None:
    """Sets what `get_calls` returned."""
    for path, count in calls.items():
        model.get_submodule(path).calls = count


def layer_outputs(model: nn.Module, network: Network, features: np.ndarray) -> dict[str, np.ndarray]:
    """Returns what each layer of the list gives in inference, by name, channels last.

    Of a twin of the user's own: the layers that have arrays, but for recurrent ones, before a fused activation.
    """
    values = torch.from_numpy(features).to(next(model.parameters()).device)
    model.eval()
    with torch.inference_mode():
        outputs = own_twin.layer_outputs(model, values) if network.source else _list_outputs(model, network, values)
    return {name: output.cpu().numpy().copy(order="C") for name, output in outputs.items()}


def _list_outputs(model: nn.Module, network: Network, values: torch.Tensor) -> dict[str, torch.Tensor]:
    axes = {placed.name: len(placed.output_shape) for placed in network.layers}
    outputs = {}
    for name, module in model.named_children():
        values = module(values)
        if name in axes:
            outputs[name] = values.movedim(1, -1) if axes[name] == 3 else values
    return outputs


def for_prediction(model: nn.Module, network: Network) -> nn.Module:
    """A copy on the CPU in evaluation mode, with the network's head, for saving.

    In training mode pt2 would freeze dropout and batch statistics.
    """
    model = copy.deepcopy(model).cpu()
    if head := network.placed_head():
        model = nn.Sequential(OrderedDict([*model.named_children(), (head.name, BUILDERS[head.kind](head))]))
    return model.eval()


def _stack(layers: tuple[PlacedLayer, ...]) -> nn.Sequential:
    return nn.Sequential(OrderedDict((placed.name, BUILDERS[placed.kind](placed)) for placed in layers))


def _modules(model: nn.Module, network: Network) -> dict[str, nn.Module | Direction]:
    """Modules at any depth by the name of their layer, recurrent ones by direction."""
    if network.source:
        return own_twin.owners(model)
    modules: dict[str, nn.Module | Direction] = {}
    for path, module in model.named_modules():
        modules[path.rpartition(".")[2]] = module
        if isinstance(module, Recurrent):
            modules |= {name: Direction(module.rnn, end) for name, end in module.directions.items()}
    return modules


def _given(**arguments: Any) -> dict[str, Any]:
    """Leaves out what is open, so that PyTorch's own default holds."""
    return {name: value for name, value in arguments.items() if value is not None}


def _is_image(placed: PlacedLayer) -> bool:
    return len(placed.input_shape) == 3


def _on_channels_first(module: nn.Module, placed: PlacedLayer) -> nn.Module:
    """What PyTorch does to the second axis, done to the channels of sequences, which are last."""
    return Moved(module, -1, 1) if len(placed.input_shape) == 2 else module


def _conv(kind: type[nn.Module], placed: PlacedLayer) -> nn.Module:
    layer: Conv = placed.layer
    conv = kind(placed.input_shape[-1], layer.filters, layer.kernel_size, stride=layer.strides, bias=layer.use_bias)
    return _padded(conv, placed, layer.kernel_size, layer.strides, 0.0)


def _depthwise(placed: PlacedLayer, use_bias: bool) -> nn.Module:
    layer: DepthwiseConv2D | SeparableConv2D = placed.layer
    channels = placed.input_shape[-1]
    filters = channels * layer.depth_multiplier
    conv = nn.Conv2d(channels, filters, layer.kernel_size, stride=layer.strides, groups=channels, bias=use_bias)
    return _padded(conv, placed, layer.kernel_size, layer.strides, 0.0)


def _recurrent(kind: type[nn.RNNBase], directions: list[PlacedLayer]) -> nn.Module:
    placed = directions[0]
    layer = placed.layer
    rnn = kind(
        placed.input_shape[-1],
        layer.units,
        bias=layer.use_bias,
        batch_first=True,
        bidirectional=len(directions) == 2,
    )
    return Recurrent(rnn, [direction.name for direction in directions], layer.return_sequences)


def _pool(kind: type[nn.Module], placed: PlacedLayer, padding_value: float) -> nn.Module:
    layer: Pool = placed.layer
    return _padded(kind(layer.pool_size, layer.stride), placed, layer.pool_size, layer.stride, padding_value)


def _avg_pool(kind: type[nn.Module], placed: PlacedLayer) -> nn.Module:
    pool = _pool(kind, placed, 0.0)
    return pool if placed.layer.padding == "valid" else UncountedPadding(pool)


def _padded(window: nn.Module, placed: PlacedLayer, kernel: int, stride: int, value: float) -> nn.Module:
    if placed.layer.padding == "valid":
        return window
    # PyTorch counts axes from the last one.
    sides = [same_padding(size, kernel, stride) for size in reversed(placed.input_shape[:-1])]
    pad = nn.ConstantPad2d if _is_image(placed) else nn.ConstantPad1d
    return nn.Sequential(pad(sum(sides, ()), value), window)
