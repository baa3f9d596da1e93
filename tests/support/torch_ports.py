"""Networks as people have them in PyTorch; keras_ports.py has the same in Keras, in the same order."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torchvision import models

WIDTHS = (16, 32, 64)


class Port(NamedTuple):
    """A network that both frameworks have.

    Attributes:
        build: makes it, with random weights.
        inputs: shapes of what it takes, without rows, channels first.
    """

    build: Callable[[], nn.Module]
    inputs: tuple[tuple[int, ...], ...]


def resnet18() -> nn.Module:
    return models.resnet18(weights=None)


def resnet50() -> nn.Module:
    return models.resnet50(weights=None)


def mobilenet_v2() -> nn.Module:
    return models.mobilenet_v2(weights=None)


def vgg11() -> nn.Module:
    return models.vgg11(weights=None)


def transformer() -> nn.Module:
    return nn.TransformerEncoderLayer(d_model=32, nhead=4, dim_feedforward=64, batch_first=True)


class UNet(nn.Module):
    """Two ways down, two up by transposed convolutions, each joined with what went down."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.down1, self.down2, self.bottom = _twice(3, first), _twice(first, second), _twice(second, third)
        self.up2 = nn.ConvTranspose2d(third, second, 2, stride=2)
        self.up1 = nn.ConvTranspose2d(second, first, 2, stride=2)
        self.joined2, self.joined1 = _twice(third, second), _twice(second, first)
        self.out = nn.Conv2d(first, 1, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.down1(x)
        second = self.down2(self.pool(first))
        x = self.up2(self.bottom(self.pool(second)))
        x = self.up1(self.joined2(torch.cat([second, x], 1)))
        return self.out(self.joined1(torch.cat([first, x], 1)))


class TwoInputs(nn.Module):
    """An image, and columns that belong to it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.columns = nn.Linear(5, 12)
        self.head = nn.Linear(20, 4)

    def forward(self, image: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        seen = torch.relu(self.conv(image)).mean((2, 3))
        return self.head(torch.cat([seen, torch.tanh(self.columns(columns))], 1))


class Lstm(nn.Module):
    """Two layers in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0].mean(1))


def _twice(given: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
    )


PORTS = {
    "resnet18": Port(resnet18, ((3, 224, 224),)),
    "resnet50": Port(resnet50, ((3, 224, 224),)),
    "mobilenet_v2": Port(mobilenet_v2, ((3, 224, 224),)),
    "keras_mobilenet_v2": Port(mobilenet_v2, ((3, 224, 224),)),
    "vgg11": Port(vgg11, ((3, 224, 224),)),
    "transformer": Port(transformer, ((10, 32),)),
    "u_net": Port(UNet, ((3, 32, 32),)),
    "two_inputs": Port(TwoInputs, ((3, 17, 17), (5,))),
    "bidirectional_lstm": Port(Lstm, ((9, 8),)),
}
