"""What is asked of recording in PyTorch: each scenario records into a folder and returns facts."""

import hashlib
import random

import numpy as np
import torch
from recorded_cases import IMAGES, ROWS, STEPS
from recorded_scenarios import said
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from twintrain.errors import UserError
from twintrain.recordings.record import record
from twintrain.recordings.torch.recorder import record_calls

RNG = np.random.default_rng(5)
PIXELS = np.moveaxis(RNG.normal(size=IMAGES), -1, 1).copy()
TABLE = RNG.normal(size=ROWS)


class Residual(nn.Module):
    """Calls one activation twice, once in its tensor's place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, values):
        outputs = self.relu(self.conv(values))
        outputs += values
        return self.relu(outputs)


class Joins(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(4, 3), nn.Linear(4, 2)

    def forward(self, left, right):
        return torch.cat([self.left(left), self.right(right)], dim=1)


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.dense = nn.BatchNorm1d(4), nn.Linear(4, 3)

    def forward(self, values):
        self.dense(self.norm(values))
        raise RuntimeError("of no use\nat all")


class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(4, 3)

    def forward(self, values):
        return self.dense(values).float()


class Block(nn.Module):
    """Sums what functions make of its own arrays."""

    def __init__(self):
        super().__init__()
        self.offset = nn.Parameter(torch.ones(4))
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Tanh())

    def forward(self, values):
        return F.relu(self.body(values)) + self.offset


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(), nn.Linear(48, 2)
    )


def chain(path):
    model = small()
    record(model, PIXELS, to=path)
    values, steps = torch.from_numpy(PIXELS.astype("float32")), []
    with torch.no_grad():
        for layer in model.eval():
            values = layer(values.clone())
            steps.append(values.clone().numpy())
    np.savez(path.with_name("steps.npz"), *steps)


def residual(path):
    record(Residual(), PIXELS, to=path)


def two_inputs(path):
    record(Joins(), (TABLE, 2 * TABLE), to=path)


def named_inputs(path):
    record(Joins(), {"right": torch.from_numpy(2 * TABLE).float(), "left": TABLE}, to=path)


def blocks(path):
    first = Block()
    record(nn.Sequential(first, Block(), first), TABLE, to=path)


def two_outputs(path):
    record(nn.LSTM(4, 3, batch_first=True), RNG.normal(size=STEPS), to=path)


def unbuilt(path):
    record(nn.Sequential(nn.LazyConv2d(3, 3), nn.Flatten(), nn.LazyLinear(2)), PIXELS, to=path)


def training(path):
    record(small(), PIXELS, to=path, training=True)


def narrow(path):
    record(Narrow(), TABLE, to=path)


def wide(path):
    record(nn.Linear(4, 3).double(), TABLE, to=path)


def state(path):
    model = small().train()
    model[1].eval()
    before = everything(model)
    facts = {}
    for mode in (False, True):
        record(model, PIXELS, to=path, training=mode)
        facts[f"record, training={mode}"] = everything(model) == before
        record_calls(model, PIXELS, training=mode)
        facts[f"record_calls, training={mode}"] = everything(model) == before
    normed = nn.Sequential(spectral_norm(nn.Linear(4, 3)), nn.Dropout(0.5))
    before = everything(normed)
    record(normed, TABLE, to=path, training=True)
    facts["normed weights"] = everything(normed) == before
    model[5] = Raises()
    before = everything(model)
    model[4] = nn.Flatten(2)
    try:
        record(model, PIXELS, to=path)
    except UserError:
        facts["raised"] = everything(model) == before
    return facts


def everything(model):
    """All that a pass could change, as one number."""
    arrays = [
        (name, id(array), array.data_ptr(), array.tolist()) for name, array in model.state_dict(keep_vars=True).items()
    ]
    hooks = [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in model.modules()]
    modes = [module.training for module in model.modules()]
    drawn = [torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()]
    parts = (arrays, hooks, modes, drawn, torch.get_default_dtype(), torch.is_grad_enabled())
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def errors(path):
    hollow = TABLE.copy()
    hollow[1, 2] = np.nan
    broken = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    broken[2].bias.data[0] = torch.nan
    return {
        "NaN in the input": said(nn.Linear(4, 3), hollow, path),
        "NaN in one of two": said(Joins(), (TABLE, hollow), path),
        "NaN in the output": said(broken, TABLE, path),
        "another shape": said(nn.Linear(5, 3), TABLE, path),
        "raises": said(Raises(), TABLE, path),
        "no model": said(lambda values: values, TABLE, path),
        "no rows": said(nn.Linear(4, 3), TABLE[:0], path),
        "no array": said(nn.Linear(4, 3), "rows", path),
        "no folder": said(nn.Linear(4, 3), TABLE, path.parent / "none" / "a.npz"),
    }
