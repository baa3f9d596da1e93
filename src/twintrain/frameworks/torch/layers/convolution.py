"""Convolutions in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.layers.layer import on_channels_first, padded
from twintrain.frameworks.torch.modules import Separable
from twintrain.models.layers.convolution import Conv, DepthwiseConv2D, SeparableConv2D
from twintrain.models.network import PlacedLayer


def conv1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; `same` pads as TensorFlow does, an odd step after."""
    return on_channels_first(_conv(nn.Conv1d, placed), placed)


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


def _conv(kind: type[nn.Module], placed: PlacedLayer) -> nn.Module:
    layer: Conv = placed.layer
    conv = kind(placed.input_shape[-1], layer.filters, layer.kernel_size, stride=layer.strides, bias=layer.use_bias)
    return padded(conv, placed, layer.kernel_size, layer.strides, 0.0)


def _depthwise(placed: PlacedLayer, use_bias: bool) -> nn.Module:
    layer: DepthwiseConv2D | SeparableConv2D = placed.layer
    channels = placed.input_shape[-1]
    filters = channels * layer.depth_multiplier
    conv = nn.Conv2d(channels, filters, layer.kernel_size, stride=layer.strides, groups=channels, bias=use_bias)
    return padded(conv, placed, layer.kernel_size, layer.strides, 0.0)
