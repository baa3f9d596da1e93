"""Convolutions in PyTorch."""

import functools
from typing import Any

from torch import nn

from twintrain.frameworks.torch.layers.layer import cells_around, on_channels_first
from twintrain.frameworks.torch.layers.window import padded
from twintrain.frameworks.torch.modules import GroupedConv2d, Separable
from twintrain.models.layers.convolution import (
    Conv,
    Conv3D,
    ConvTranspose,
    DepthwiseConv2D,
    KernelWindow,
    SeparableConv2D,
)
from twintrain.models.network import PlacedLayer


def conv1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; `same` pads as TensorFlow does, an odd step after."""
    return on_channels_first(_conv(nn.Conv1d, placed), placed)


def conv2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; `same` pads as TensorFlow does, an odd cell after."""
    return _conv(GroupedConv2d if placed.layer.groups > 1 else nn.Conv2d, placed)


def conv3d(placed: PlacedLayer) -> nn.Module:
    """Volumes → volumes; `same` as in conv2d."""
    layer: Conv3D = placed.layer
    channels, taken = placed.input_shape[-1], layer.taken_strides(placed.input_shape)
    conv = nn.Conv3d(
        channels, layer.filters, layer.kernel_size, stride=taken, dilation=layer.dilation_rate, bias=layer.use_bias
    )
    # oneDNN is wrong in float32 where strides lead out of a volume of one channel: it is given what windows reach.
    axes = zip(placed.input_shape, layer.sides(placed.input_shape), layer.reached(placed.input_shape), strict=False)
    sides = [(before, reached - before - size) for size, (before, _), reached in axes]
    return nn.Sequential(cells_around(sides, 0.0), conv)


def conv1d_transpose(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; of `same`, an odd step is left out after."""
    return on_channels_first(_conv_transpose(nn.ConvTranspose1d, placed), placed)


def conv2d_transpose(placed: PlacedLayer) -> nn.Module:
    """Images → images; of `same`, an odd cell is left out after."""
    return _conv_transpose(nn.ConvTranspose2d, placed)


def depthwise_conv2d(placed: PlacedLayer) -> nn.Module:
    """Images → images, each channel by itself; `same` as in conv2d."""
    return _depthwise(placed, placed.layer.use_bias)


def separable_conv2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; `same` as in conv2d."""
    pointwise = nn.Conv2d(
        placed.input_shape[-1] * placed.layer.depth_multiplier, placed.layer.filters, 1, bias=placed.layer.use_bias
    )
    return Separable(_depthwise(placed, use_bias=False), pointwise)


def _conv(kind: type[nn.Module], placed: PlacedLayer) -> nn.Module:
    layer: Conv = placed.layer
    return _with_padding(kind, placed, placed.input_shape[-1], layer.filters, groups=layer.groups, bias=layer.use_bias)


def _conv_transpose(kind: type[nn.Module], placed: PlacedLayer) -> nn.Module:
    """PyTorch's own leaves out as many cells before as after, but for those that it gives after all the same."""
    layer: ConvTranspose = placed.layer
    sides = layer.sides(placed.input_shape)
    conv = kind(
        placed.input_shape[-1],
        layer.filters,
        layer.kernel_size,
        stride=layer.strides,
        padding=[before for before, _ in sides],
        output_padding=[max(before - after, 0) for before, after in sides],
        bias=layer.use_bias,
    )
    odd = [(0, min(before - after, 0)) for before, after in sides]
    return nn.Sequential(conv, cells_around(odd, 0.0)) if any(map(any, odd)) else conv


def _depthwise(placed: PlacedLayer, use_bias: bool) -> nn.Module:
    layer: DepthwiseConv2D | SeparableConv2D = placed.layer
    channels = placed.input_shape[-1]
    return _with_padding(nn.Conv2d, placed, channels, channels * layer.depth_multiplier, groups=channels, bias=use_bias)


def _with_padding(kind: type[nn.Module], placed: PlacedLayer, *channels: int, **arguments: Any) -> nn.Module:
    """A convolution of so many input and output channels; it pads by itself where both sides are equal."""
    layer: KernelWindow = placed.layer
    arguments |= {"stride": layer.strides, "dilation": layer.dilation_rate}
    conv = functools.partial(kind, *channels, layer.kernel_size, **arguments)
    return padded(conv(), placed, 0.0) if isinstance(layer.padding, str) else conv(padding=layer.padding)
