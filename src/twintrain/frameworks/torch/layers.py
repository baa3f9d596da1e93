"""The vocabulary of layers in PyTorch: one builder a kind, and the network they make."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from twintrain.models.layers import same_padding
from twintrain.models.network import Network, PlacedLayer

# Where PyTorch keeps an array of ours, and the axes that turn its layout into ours.
ARRAYS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
TO_OURS = {2: (1, 0), 4: (2, 3, 1, 0)}
TO_TORCH = {2: (1, 0), 4: (3, 2, 0, 1)}


def dense(placed: PlacedLayer) -> nn.Module:
    """(rows, features) → (rows, units)."""
    return nn.Linear(placed.input_shape[0], placed.layer.units, bias=placed.layer.use_bias)


def conv2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; `same` pads as TensorFlow does, an odd cell after."""
    layer = placed.layer
    conv = nn.Conv2d(placed.input_shape[2], layer.filters, layer.kernel_size, stride=layer.strides, bias=layer.use_bias)
    return _padded(conv, placed, layer.kernel_size, layer.strides, 0.0)


def max_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding never wins."""
    layer = placed.layer
    return _padded(nn.MaxPool2d(layer.pool_size, layer.stride), placed, layer.pool_size, layer.stride, -torch.inf)


def avg_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding is not counted."""
    layer = placed.layer
    pool = nn.AvgPool2d(layer.pool_size, layer.stride)
    if layer.padding == "valid":
        return pool
    return _UncountedPadding(_padded(pool, placed, layer.pool_size, layer.stride, 0.0))


def flatten(placed: PlacedLayer) -> nn.Module:
    """Images → vectors, channels last."""
    return _Flatten(len(placed.input_shape))


def dropout(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same."""
    return nn.Dropout(placed.layer.rate)


def batch_norm(placed: PlacedLayer) -> nn.Module:
    """Vectors or images → the same; PyTorch's momentum is the share that is replaced."""
    layer = placed.layer
    kind = nn.BatchNorm2d if len(placed.input_shape) == 3 else nn.BatchNorm1d
    momentum = None if layer.momentum is None else 1 - layer.momentum
    return kind(placed.input_shape[-1], **_given(momentum=momentum, eps=layer.epsilon))


def activation(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same."""
    layer = placed.layer
    match layer.function:
        case "relu":
            return nn.ReLU()
        case "leaky_relu":
            return nn.LeakyReLU(**_given(negative_slope=layer.negative_slope))
        case "sigmoid":
            return nn.Sigmoid()
        case "tanh":
            return nn.Tanh()


def embedding(placed: PlacedLayer) -> nn.Module:
    """Codes (rows, columns) → (rows, sum of the widths)."""
    return _ColumnEmbeddings(placed.layer.input_dims, placed.layer.widths)


BUILDERS: dict[str, Callable[[PlacedLayer], nn.Module]] = {
    "dense": dense,
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "flatten": flatten,
    "dropout": dropout,
    "batch_norm": batch_norm,
    "activation": activation,
    "embedding": embedding,
}


def build(network: Network, dtype: str, seed: int) -> nn.Module:
    """Builds the network; it takes (rows, *input_shape), images as (rows, height, width, channels), and gives logits.

    Args:
        seed: of the framework's own initial weights, which `aligned` replaces.
    """
    torch.manual_seed(seed)
    modules = {placed.name: BUILDERS[placed.kind](placed) for placed in network.layers}
    if network.schema.is_image:
        modules = {"channels_first": _ChannelsFirst(), **modules}
    return nn.Sequential(OrderedDict(modules)).to(getattr(torch, dtype))


def get_weights(model: nn.Module, network: Network) -> dict[str, np.ndarray]:
    """Returns a copy of all arrays, named and laid out as `Network.weights`."""
    return {
        name: _axes(_array(model, name).detach().cpu().numpy(), TO_OURS if name.endswith("kernel") else {}).copy()
        for name in network.weights()
    }


def set_weights(model: nn.Module, network: Network, weights: dict[str, np.ndarray]) -> None:
    """Sets all arrays of the network."""
    with torch.no_grad():
        for name in network.weights():
            array = _axes(weights[name], TO_TORCH if name.endswith("kernel") else {})
            _array(model, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))


def _array(model: nn.Module, name: str) -> torch.Tensor:
    layer_name, array = name.split("/")
    layer = model.get_submodule(layer_name)
    if isinstance(layer, _ColumnEmbeddings):
        return layer.tables[int(array.removeprefix("column_"))].weight
    if isinstance(layer, nn.Sequential):
        layer = layer[1]  # behind its padding
    return getattr(layer, ARRAYS[array])


def _axes(array: np.ndarray, axes: dict[int, tuple[int, ...]]) -> np.ndarray:
    return array.transpose(axes[array.ndim]) if axes else array


def _given(**arguments: Any) -> dict[str, Any]:
    """Leaves out what is open, so that PyTorch's own default holds."""
    return {name: value for name, value in arguments.items() if value is not None}


def _padded(window: nn.Module, placed: PlacedLayer, kernel: int, stride: int, value: float) -> nn.Module:
    if placed.layer.padding == "valid":
        return window
    top, bottom = same_padding(placed.input_shape[0], kernel, stride)
    left, right = same_padding(placed.input_shape[1], kernel, stride)
    return nn.Sequential(nn.ConstantPad2d((left, right, top, bottom), value), window)


class _UncountedPadding(nn.Module):
    """Divides a padded mean by the share of the window that lay on the image."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.pool(images) / self.pool(torch.ones_like(images[:1, :1]))


class _ChannelsFirst(nn.Module):
    """(rows, height, width, channels) → (rows, channels, height, width), without a copy."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.permute(0, 3, 1, 2)


class _Flatten(nn.Module):
    """Images back to channels last, so that the features of a dense layer stand in Keras's order."""

    def __init__(self, axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if self.axes == 3:
            values = values.permute(0, 2, 3, 1)
        return values.flatten(1)


class _ColumnEmbeddings(nn.Module):
    """One table a column, side by side."""

    def __init__(self, input_dims: tuple[int, ...], widths: list[int]) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(*size) for size in zip(input_dims, widths, strict=True))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return torch.cat([table(codes[:, column]) for column, table in enumerate(self.tables)], dim=1)
