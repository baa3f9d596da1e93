"""Layers of transformers in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.lacking.attention import Attention, ClassToken, Positions, TakeStep, Waves
from twintrain.frameworks.torch.layers.padding import padded_step
from twintrain.frameworks.torch.modules import SharedDropout
from twintrain.models.network import PlacedLayer


def multi_head_attention(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels), and perhaps a memory → as the first."""
    layer, shape = placed.layer, placed.input_shape
    channels, size = (shape[-1], layer.memory(shape)[-1]), layer.head_size(shape)
    return Attention(*channels, layer.num_heads, size, layer.use_bias, layer.causal, _dropout(placed))


def positional_embedding(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → the same."""
    return (Positions if placed.layer.kind == "learned" else Waves)(*placed.input_shape)


def class_token(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, steps + 1, channels), the learned one first."""
    return ClassToken(placed.input_shape[-1])


def take_step(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, channels) → (rows, channels)."""
    return (padded_step if placed.mask else TakeStep)(placed.layer.index)


def _dropout(placed: PlacedLayer) -> nn.Dropout | None:
    if not placed.layer.dropout:
        return None
    if placed.layer.masks == "shared":
        return SharedDropout(placed.layer.dropout, channels_last=True)
    return nn.Dropout(placed.layer.dropout)
