"""Networks in PyTorch that keras_planted.py has too, each rightly and with mistakes that ports make."""

import sys
from pathlib import Path

import numpy as np
import torch
from planted_rows import IMAGES, ROWS, SEQUENCES
from torch import nn

from twintrain.recordings.record import record

SIZE = 7  # of the images behind the first layer


class LastOutput(nn.Module):
    """A recurrent layer, of which the last output is taken."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.dense = layer, nn.Linear(6, 3)

    def forward(self, values):
        return self.dense(self.layer(values)[0][:, -1])


class Attention(nn.Module):
    """Attention of a sequence to itself."""

    def __init__(self):
        super().__init__()
        self.attention, self.dense = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 3)

    def forward(self, values):
        return self.dense(self.attention(values, values, values, need_weights=False)[0])


def images():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),
        nn.BatchNorm2d(6, eps=1e-3),
        nn.LeakyReLU(0.1),
        nn.Conv2d(6, 6, 3, padding=2, dilation=2),
        nn.ReLU6(),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        nn.Flatten(),
        nn.Linear(6 * SIZE * SIZE, 10),
        nn.GELU(),
        nn.Linear(10, 10),
        nn.Tanh(),
    )


def pools():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )


def groups():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5), nn.LayerNorm(5)
    )


def activations():
    return nn.Sequential(
        nn.Linear(8, 8), nn.ELU(), nn.Linear(8, 8), nn.Hardswish(), nn.Linear(8, 8), nn.Hardsigmoid(), nn.Linear(8, 3)
    )


def enlarged(aligned=False):
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=aligned), nn.Conv2d(4, 2, 3)
    )


def chosen():
    return nn.Sequential(nn.Linear(8, 6), nn.Dropout(0.5), nn.Linear(6, 4), nn.Softmax(1))


# Networks by name, each with its rows, channels last.
NETWORKS = {
    "images": (images, IMAGES),
    "pools": (pools, IMAGES),
    "groups": (groups, IMAGES),
    "activations": (activations, ROWS),
    "enlarged": (enlarged, IMAGES),
    "enlarged_aligned": (lambda: enlarged(aligned=True), IMAGES),
    "chosen": (chosen, ROWS),
    "lstm": (lambda: LastOutput(nn.LSTM(8, 6, batch_first=True)), SEQUENCES),
    "gru": (lambda: LastOutput(nn.GRU(8, 6, batch_first=True)), SEQUENCES),
    "attention": (Attention, SEQUENCES),
}


def made(build):
    """The network, with statistics as after some training, and numbers above six before ReLU6."""
    torch.manual_seed(3)
    model = build()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.02, 0.2)
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
                module.weight.normal_(1, 0.2)
                module.bias.normal_(0, 0.2)
            if isinstance(module, nn.Conv2d) and module.dilation == (2, 2):
                module.bias += 5
    return model


def main(folder):
    for name, (build, x) in NETWORKS.items():
        rows = np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim == 4 else x
        record(made(build), rows, to=folder / f"{name}.npz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
