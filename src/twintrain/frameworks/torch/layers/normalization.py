"""Normalisation in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.layers.layer import on_channels_first
from twintrain.frameworks.torch.modules import Moved
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer


def batch_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same; PyTorch's momentum is the share that is replaced."""
    layer = placed.layer
    kind = nn.BatchNorm2d if placed.is_of_images else nn.BatchNorm1d
    momentum = None if layer.momentum is None else 1 - layer.momentum
    norm = kind(placed.input_shape[-1], **given(momentum=momentum, eps=layer.epsilon))
    return on_channels_first(norm, placed)


def layer_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, normalised along the last axis."""
    norm = nn.LayerNorm(placed.input_shape[-1], **given(eps=placed.layer.epsilon))
    return Moved(norm, 1, -1) if placed.is_of_images else norm
