"""Dense layers, changes of shape, dropout and embeddings in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.lacking.functions import Reshape, TakeColumns
from twintrain.frameworks.torch.layers.layer import on_channels_first
from twintrain.frameworks.torch.modules import ColumnEmbeddings, SharedDropout
from twintrain.models.network import PlacedLayer


def dense(placed: PlacedLayer) -> nn.Module:
    """(rows, …, features) → (rows, …, units)."""
    return nn.Linear(placed.input_shape[-1], placed.layer.units, bias=placed.layer.use_bias)


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
    kind = nn.Dropout2d if placed.is_of_images else nn.Dropout1d
    return on_channels_first(kind(placed.layer.rate), placed)


def columns(placed: PlacedLayer) -> nn.Module:
    """Tables (rows, columns) → some of their columns."""
    return TakeColumns(placed.layer.runs)


def embedding(placed: PlacedLayer) -> nn.Module:
    """Codes (rows, columns) → (rows, sum of the widths), or tokens (rows, steps) → (rows, steps, output_dim)."""
    sizes = list(placed.layer.tables.values())
    return nn.Embedding(*sizes[0]) if placed.layer.input == "tokens" else ColumnEmbeddings(sizes)
