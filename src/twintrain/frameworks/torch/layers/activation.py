"""Activations in PyTorch."""

from collections.abc import Callable

from torch import nn

from twintrain.frameworks.torch.lacking.functions import CELU, HardSigmoid, SwiGLU
from twintrain.frameworks.torch.layers.layer import on_channels_first
from twintrain.models.layers.layer import given
from twintrain.models.network import PlacedLayer

# Beyond it softplus(x) is x in float64 too; PyTorch's own 20 is for float32.
LINEAR_FROM = 40


def activation(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, or half of the last axis."""
    return FUNCTIONS[placed.layer.function](placed)


def softmax(placed: PlacedLayer) -> nn.Module:
    """Any shape → the same, numbers of the last axis with the sum 1."""
    return nn.Softmax(dim=_channels(placed))


def _plain(module: type[nn.Module]) -> Callable[[PlacedLayer], nn.Module]:
    """A function that is one module without arguments."""
    return lambda _: module()


def _leaky_relu(placed: PlacedLayer) -> nn.Module:
    return nn.LeakyReLU(**given(negative_slope=placed.layer.negative_slope))


def _prelu(placed: PlacedLayer) -> nn.Module:
    return on_channels_first(nn.PReLU(placed.input_shape[-1]), placed)


def _gelu(placed: PlacedLayer) -> nn.Module:
    return nn.GELU(approximate="tanh" if placed.layer.approximate else "none")


def _celu(placed: PlacedLayer) -> nn.Module:
    return CELU(**given(alpha=placed.layer.alpha))


def _channels(placed: PlacedLayer) -> int:
    """The axis that is the last one outside."""
    return 1 if placed.is_of_images else -1


FUNCTIONS: dict[str, Callable[[PlacedLayer], nn.Module]] = {
    "relu": _plain(nn.ReLU),
    "relu6": _plain(nn.ReLU6),
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "elu": _plain(nn.ELU),
    "selu": _plain(nn.SELU),
    "celu": _celu,
    "gelu": _gelu,
    "silu": _plain(nn.SiLU),
    "mish": _plain(nn.Mish),
    "softplus": lambda _: nn.Softplus(threshold=LINEAR_FROM),
    "softsign": _plain(nn.Softsign),
    "sigmoid": _plain(nn.Sigmoid),
    "tanh": _plain(nn.Tanh),
    "hardtanh": _plain(nn.Hardtanh),
    "hard_sigmoid": _plain(HardSigmoid),
    "hard_swish": _plain(nn.Hardswish),
    "glu": lambda placed: nn.GLU(dim=_channels(placed)),
    "swiglu": lambda placed: SwiGLU(dim=_channels(placed)),
    "softmax": softmax,
}
