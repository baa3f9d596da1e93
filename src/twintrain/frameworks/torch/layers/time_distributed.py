"""A layer at each step of a sequence, in PyTorch."""

from torch import nn

from twintrain.frameworks.torch import layers
from twintrain.frameworks.torch.lacking.time_distributed import EachStep
from twintrain.models.network import PlacedLayer


def time_distributed(placed: PlacedLayer) -> nn.Module:
    """(rows, steps, …) → (rows, steps, whatever a layer of any kind makes of one step)."""
    (part,) = placed.parts
    return EachStep(layers.BUILDERS[part.kind](part), part.name)
