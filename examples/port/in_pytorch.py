"""A network in PyTorch, recorded: python in_pytorch.py    writes torch.npz, and weights.npz for in_keras.py"""

import numpy as np
import torch
from torch import nn

import twintrain

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(3, 8, 3, stride=2, padding=1),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.Conv2d(8, 16, 3, padding=1),
    nn.GELU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 5),
)
images = np.random.default_rng(0).normal(size=(4, 3, 16, 16)).astype("float32")
twintrain.record(model, images, to="torch.npz")
np.savez("weights.npz", **{name: array.numpy() for name, array in model.state_dict().items()})
