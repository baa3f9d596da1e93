"""Pooling in PyTorch."""

import torch
from torch import nn

from twintrain.frameworks.torch.layers.layer import on_channels_first
from twintrain.frameworks.torch.layers.padding import padded_maximum, padded_mean
from twintrain.frameworks.torch.layers.window import padded
from twintrain.frameworks.torch.modules import Reduced, UncountedPadding
from twintrain.models.layers.pooling import Pool
from twintrain.models.network import PlacedLayer


def max_pool1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; padding never wins."""
    return on_channels_first(_pool(nn.MaxPool1d, placed, -torch.inf), placed)


def max_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding never wins."""
    return _pool(nn.MaxPool2d, placed, -torch.inf)


def max_pool3d(placed: PlacedLayer) -> nn.Module:
    """Volumes → volumes; padding never wins."""
    return _pool(nn.MaxPool3d, placed, -torch.inf)


def avg_pool1d(placed: PlacedLayer) -> nn.Module:
    """Sequences → sequences; padding is not counted."""
    return on_channels_first(_avg_pool(nn.AvgPool1d, placed), placed)


def avg_pool2d(placed: PlacedLayer) -> nn.Module:
    """Images → images; padding is not counted."""
    return _avg_pool(nn.AvgPool2d, placed)


def avg_pool3d(placed: PlacedLayer) -> nn.Module:
    """Volumes → volumes; padding is not counted."""
    return _avg_pool(nn.AvgPool3d, placed)


def global_max_pool(placed: PlacedLayer) -> nn.Module:
    """Sequences, images or volumes → (rows, channels)."""
    return padded_maximum() if placed.mask else Reduced(torch.amax, _places(placed))


def global_avg_pool(placed: PlacedLayer) -> nn.Module:
    """Sequences, images or volumes → (rows, channels)."""
    return padded_mean() if placed.mask else Reduced(torch.mean, _places(placed))


def _places(placed: PlacedLayer) -> tuple[int, ...]:
    """All axes but those of rows and channels."""
    return tuple(range(2, len(placed.input_shape) + 1)) if placed.is_of_images else (1,)


def _pool(kind: type[nn.Module], placed: PlacedLayer, padding_value: float) -> nn.Module:
    layer: Pool = placed.layer
    return padded(kind(layer.pool_size, layer.moves), placed, padding_value)


def _avg_pool(kind: type[nn.Module], placed: PlacedLayer) -> nn.Module:
    pool = _pool(kind, placed, 0.0)
    return pool if placed.layer.padding == "valid" else UncountedPadding(pool)
