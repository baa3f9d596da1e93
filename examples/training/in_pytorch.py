"""A training script in PyTorch, recorded: python in_pytorch.py    writes torch.npz"""

import numpy as np
import torch
from torch import nn

import twintrain

EPOCHS, BATCH = 2, 16

rng = np.random.default_rng(0)
rows = rng.normal(size=(64, 8)).astype("float32")
labels = (rows[:, 0] * rows[:, 1] + rows[:, 2] > 0).astype("int64")

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
loss_of = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.05)

with twintrain.recording(model, to="torch.npz", loss=loss_of, optimizer=optimizer, steps=(1, 2, 8)) as r:
    for _ in range(EPOCHS):
        order = rng.permutation(len(rows))
        for start in range(0, len(rows), BATCH):
            batch = order[start : start + BATCH]
            x, y = torch.from_numpy(rows[batch]), torch.from_numpy(labels[batch])
            r.batch(x, y)
            optimizer.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            r.loss(loss)
            optimizer.step()
            r.step()
