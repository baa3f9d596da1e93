"""Records two PyTorch networks and writes what their Keras twins need: ported_torch_worker.py FOLDER"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from twintrain.recordings.record import record


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(8, eps=1e-3)
        self.leaky1 = nn.LeakyReLU(0.1)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(8, 8, 3, groups=8, padding=1, stride=2)
        self.leaky2 = nn.LeakyReLU(0.1)
        self.conv3 = nn.Conv2d(8, 8, 1, stride=2)
        self.drop = nn.Dropout(0.3)
        self.dense1 = nn.Linear(128, 16)
        self.dense2 = nn.Linear(16, 5)

    def forward(self, x):
        x = self.pool1(self.leaky1(self.norm1(self.conv1(x))))
        x = self.leaky2(self.conv2(x)) + self.conv3(x)
        x = torch.flatten(self.drop(x), 1)
        return F.softmax(self.dense2(F.gelu(self.dense1(x))), -1)


class Sequences(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 6)
        self.both = nn.LSTM(6, 5, batch_first=True, bidirectional=True)
        self.last = nn.GRU(10, 4, batch_first=True)
        self.norm = nn.LayerNorm(4)
        self.dense = nn.Linear(4, 3)

    def forward(self, x):
        steps, _ = self.last(self.both(self.words(x))[0])
        return self.dense(self.norm(steps[:, -1]))


def main(folder):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    inputs = {"images": rng.normal(size=(4, 3, 16, 16)).astype(np.float32), "sequences": rng.integers(0, 20, (4, 7))}
    np.savez(folder / "inputs.npz", **inputs)
    for name, model in (("images", Images().eval()), ("sequences", Sequences().eval())):
        for at, buffer in model.named_buffers():
            if "running" in at:
                buffer.copy_(torch.rand_like(buffer) + 0.5)
        record(model, inputs[name], to=folder / f"{name}_torch.npz")
        np.savez(folder / f"{name}.npz", **{key: array.numpy() for key, array in model.state_dict().items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
