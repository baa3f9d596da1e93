"""Activations in PyTorch."""

from torch import nn

from twintrain.frameworks.torch.layers.layer import on_channels_first
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer

# Functions that are one module without arguments.
FUNCTIONS = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "hardtanh": nn.Hardtanh,
}


def activation(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same."""
    layer = placed.layer
    match layer.function:
        case "leaky_relu":
            return nn.LeakyReLU(**given(negative_slope=layer.negative_slope))
        case "prelu":
            return on_channels_first(nn.PReLU(placed.input_shape[-1]), placed)
        case "softmax":
            return softmax(placed)
    return FUNCTIONS[layer.function]()


def softmax(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, numbers of the last axis with the sum 1."""
    return nn.Softmax(dim=1 if placed.is_of_images else -1)
