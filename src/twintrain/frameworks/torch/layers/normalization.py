"""Normalisation in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.lacking.functions import UnitNorm
from twintrain.frameworks.torch.layers.layer import on_channels_first
from twintrain.frameworks.torch.modules import Moved
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer


def batch_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same; PyTorch's momentum is the share that is replaced."""
    layer = placed.layer
    kind = {3: nn.BatchNorm2d, 4: nn.BatchNorm3d}.get(len(placed.input_shape), nn.BatchNorm1d)
    momentum = None if layer.momentum is None else 1 - layer.momentum
    norm = kind(placed.input_shape[-1], **given(momentum=momentum, eps=layer.epsilon))
    for array, is_there in (("weight", layer.scale), ("bias", layer.center)):
        if not is_there:
            norm.register_parameter(array, None)
    return on_channels_first(norm, placed)


def layer_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, normalised along the last axis."""
    return _on_channels_last(nn.LayerNorm(placed.input_shape[-1], **given(eps=placed.layer.epsilon)), placed)


def group_norm(placed: PlacedLayer) -> nn.Module:
    """Sequences or images → the same, each group of channels normalised."""
    return _by_groups(placed, placed.layer.groups)


def instance_norm(placed: PlacedLayer) -> nn.Module:
    """Sequences or images → the same, each channel normalised."""
    return _by_groups(placed, placed.input_shape[-1])


def rms_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, divided by the root mean square along the last axis."""
    return _on_channels_last(nn.RMSNorm(placed.input_shape[-1], **given(eps=placed.layer.epsilon)), placed)


def unit_norm(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, of length one along the last axis."""
    return _on_channels_last(UnitNorm(), placed)


def _by_groups(placed: PlacedLayer, groups: int) -> nn.Module:
    norm = nn.GroupNorm(groups, placed.input_shape[-1], **given(eps=placed.layer.epsilon))
    return on_channels_first(norm, placed)


def _on_channels_last(norm: nn.Module, placed: PlacedLayer) -> nn.Module:
    """What is done to the last axis, done to the channels of images, which are the second."""
    return Moved(norm, 1, -1) if placed.is_of_images else norm
