"""Joins in PyTorch."""

import functools
import operator

import torch
from torch import nn

from twintrain.frameworks.torch.modules import Joined
from twintrain.models.network import PlacedLayer


def add(placed: PlacedLayer) -> nn.Module:
    """Arrays of one shape → the same."""
    return Joined(functools.partial(functools.reduce, operator.add))


def concatenate(placed: PlacedLayer) -> nn.Module:
    """Arrays → one with the channels of all."""
    return Joined(functools.partial(torch.cat, dim=1 if placed.is_of_images else -1))


def multiply(placed: PlacedLayer) -> nn.Module:
    """Arrays of one shape, or with axes of 1 → that shape."""
    return Joined(functools.partial(functools.reduce, operator.mul))
