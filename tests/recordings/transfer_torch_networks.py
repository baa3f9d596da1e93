"""Networks of which each has a twin in transfer_keras_networks.py, with other weights."""

import torch
from torch import nn


class Recurrent(nn.Module):
    """Layers of which each takes what the one before gives; of recurrent ones the states of all steps."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        for part in self.parts:
            found = part(x)
            x = found[0] if isinstance(found, tuple) else found
        return x


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.norm = nn.LayerNorm(6, eps=1e-6)

    def forward(self, x):
        return self.norm(x + self.attention(x, x, x, need_weights=False)[0])


class Branches(nn.Module):
    """Two of one shape side by side, behind each another one."""

    def __init__(self, names=("first", "second")):
        super().__init__()
        self.names = names
        for name in names:
            self.add_module(name, nn.Linear(4, 4))
            self.add_module(f"{name}_out", nn.Linear(4, 3))

    def forward(self, x):
        found = [self.get_submodule(f"{name}_out")(torch.relu(self.get_submodule(name)(x))) for name in self.names]
        return torch.cat(found, 1)


class Projections(nn.Module):
    """Attention that is written out: nothing but what comes out tells queries and keys apart."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(4, 4) for _ in range(3))

    def forward(self, x):
        query, key, value = self.query(x), self.key(x), self.value(x)
        return torch.softmax(query @ key.transpose(0, 1), -1) @ value


class Tied(nn.Module):
    """An embedding whose table is the kernel of the last layer too."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 9)
        self.dense = nn.Linear(9, 9)
        self.decoder = nn.Linear(9, 9, bias=False)
        self.decoder.weight = self.table.weight

    def forward(self, x):
        return self.decoder(torch.tanh(self.dense(self.table(x))))


class Heads(nn.Module):
    """Two outputs by name, which the twin gives in the other order."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return {"first": self.first(x), "second": self.second(x)}


class Scaled(nn.Module):
    """An array of its own beside a layer."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.layer = nn.Linear(4, 4, bias=False)

    def forward(self, x):
        return self.layer(x) * self.scale


def separable(inputs, outputs, kernel, layers=(nn.Conv2d,)):
    kind = layers[0]
    return kind(inputs, inputs * 2, kernel, groups=inputs, bias=False), kind(inputs * 2, outputs, 1)


NETWORKS = {
    "dense": lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)),
    "conv1d": lambda: nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU(), nn.Conv1d(6, 6, 2), nn.Conv1d(6, 6, 2)),
    "conv2d": lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6, eps=1e-3), nn.ReLU(), nn.Conv2d(6, 6, 2)),
    "transpose": lambda: nn.Sequential(nn.ConvTranspose2d(4, 3, 2, stride=2), nn.ReLU(), nn.Conv2d(3, 2, 1)),
    "depthwise": lambda: nn.Sequential(nn.Conv2d(4, 8, 3, groups=4), nn.GroupNorm(2, 8, eps=1e-3)),
    "separable": lambda: nn.Sequential(*separable(4, 5, 3), nn.ReLU()),
    "separable1d": lambda: nn.Sequential(*separable(4, 5, 3, (nn.Conv1d,)), nn.ReLU()),
    "embedding": lambda: nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(4, eps=1e-3), nn.Linear(4, 2)),
    "lstm": lambda: Recurrent(nn.LSTM(4, 5, batch_first=True), nn.LSTM(5, 5, batch_first=True), nn.Linear(5, 2)),
    "stacked": lambda: Recurrent(nn.LSTM(4, 3, num_layers=2, batch_first=True, bidirectional=True), nn.Linear(6, 2)),
    "gru": lambda: Recurrent(nn.GRU(4, 5, batch_first=True), nn.GRU(5, 5, batch_first=True), nn.Linear(5, 2)),
    "bidirectional": lambda: Recurrent(nn.LSTM(4, 3, batch_first=True, bidirectional=True)),
    "bidirectional_gru": lambda: Recurrent(nn.GRU(4, 3, batch_first=True, bidirectional=True)),
    "attention": Attending,
    "branches": Branches,
    "named_branches": lambda: Branches(("left", "right")),
    "projections": Projections,
    "heads": Heads,
    "tied": Tied,
    "scaled": Scaled,
}
BARE = nn.ReLU
