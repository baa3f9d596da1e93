"""Pooling in PyTorch."""

import torch
from torch import nn

from twintrain.frameworks.torch.layers.layer import on_channels_first, padded
from twintrain.frameworks.torch.modules import Mean, UncountedPadding
from twintrain.models.layers.pooling import Pool
from twintrain.models.network import PlacedLayer


def max_pool1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; padding never wins."""
    return on_channels_first(_pool(nn.MaxPool1d, placed, -torch.inf), placed)


def max_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding never wins."""
    return _pool(nn.MaxPool2d, placed, -torch.inf)


def avg_pool1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; padding is not counted."""
    return on_channels_first(_avg_pool(nn.AvgPool1d, placed), placed)


def avg_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding is not counted."""
    return _avg_pool(nn.AvgPool2d, placed)


def global_avg_pool(placed: PlacedLayer) -> nn.Module:
    """Sequences or images → (rows, channels)."""
    return Mean((2, 3) if placed.is_of_images else (1,))


def _pool(kind: type[nn.Module], placed: PlacedLayer, padding_value: float) -> nn.Module:
    layer: Pool = placed.layer
    return padded(kind(layer.pool_size, layer.stride), placed, layer.pool_size, layer.stride, padding_value)


def _avg_pool(kind: type[nn.Module], placed: PlacedLayer) -> nn.Module:
    pool = _pool(kind, placed, 0.0)
    return pool if placed.layer.padding == "valid" else UncountedPadding(pool)
