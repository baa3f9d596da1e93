"""Loops of PyTorch of one's own, in whatever order they take their steps."""

import numpy as np
import pytest
import torch
from torch.optim import optimizer as optimizers

from twintrain.recordings.archive import load
from twintrain.recordings.comparing.diff import diff
from twintrain.recordings.loop import recording
from twintrain.recordings.record import record
from twintrain.recordings.torch.optimizers import describe

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(8, width)).astype("float32") for width in (3, 1))


def recorded(path, order, make=lambda: torch.nn.Linear(3, 1), steps=2, seed=0):
    """A recorded loop of a model; `order` takes the optimizer and what is told, and does what follows `backward`."""
    torch.manual_seed(0)
    model = make()
    torch.manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(model, to=path, steps=(1, 2), optimizer=optimizer) as r:
        for _ in range(steps):
            r.batch(X, Y)
            loss = torch.nn.functional.mse_loss(model(torch.from_numpy(X)), torch.from_numpy(Y))
            loss.backward()
            r.loss(loss)
            order(optimizer, r)
    return load(path)


def usual(optimizer, r):
    optimizer.step()
    r.step()
    optimizer.zero_grad()


def zeroed_before(optimizer, r):
    optimizer.step()
    optimizer.zero_grad()
    r.step()


def filled_before(optimizer, r):
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    r.step()


@pytest.mark.parametrize("order", [zeroed_before, filled_before])
def test_gradients_are_those_of_the_step_wherever_they_are_zeroed(tmp_path, order):
    found, expected = recorded(tmp_path / "a.npz", order), recorded(tmp_path / "b.npz", usual)
    for name in ("weight", "bias"):
        for read in ("gradient", "next_gradient"):
            array = getattr(found, read)("float32", name)
            assert np.any(array)
            assert np.array_equal(array, getattr(expected, read)("float32", name))


def test_zeros_are_no_gradients_where_no_optimizer_was_seen(tmp_path):
    def by_hand(optimizer, r):
        with torch.no_grad():
            for parameter in optimizer.param_groups[0]["params"]:
                parameter.add_(parameter.grad, alpha=-0.1)
        optimizer.zero_grad(set_to_none=False)
        r.step()

    assert recorded(tmp_path / "a.npz", by_hand).gradient("float32", "weight") is None


def test_optimizers_of_other_models_are_not_looked_at(tmp_path):
    other = torch.nn.Linear(1, 1)
    others = torch.optim.SGD(other.parameters())

    def with_another(optimizer, r):
        other(torch.ones(1, 1)).sum().backward()
        others.step()
        usual(optimizer, r)

    found, expected = recorded(tmp_path / "a.npz", with_another), recorded(tmp_path / "b.npz", usual)
    assert np.array_equal(found.gradient("float32", "weight"), expected.gradient("float32", "weight"))
    assert not optimizers._global_optimizer_pre_hooks, "the hook is left behind"


class DropPath(torch.nn.Module):
    def forward(self, values):
        return values * torch.bernoulli(torch.full((len(values), 1, 1), 0.5)) if self.training else values


class OfSequences(torch.nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.last = inner, torch.nn.Linear(4, 1)

    def forward(self, rows):
        rows = rows[:, :, None].expand(-1, -1, 4)
        found = self.inner(*(rows for _ in range(3 if isinstance(self.inner, torch.nn.MultiheadAttention) else 1)))
        return self.last((found[0] if isinstance(found, tuple) else found).mean(1))


DROPPING = {
    "between the layers of an LSTM": lambda: torch.nn.LSTM(4, 4, num_layers=2, dropout=0.5, batch_first=True),
    "in attention": lambda: torch.nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True),
    "by hand": lambda: torch.nn.Sequential(torch.nn.Linear(4, 4), DropPath()),
    "by a layer": lambda: torch.nn.Dropout(0.5),
}


@pytest.mark.parametrize("where", DROPPING)
def test_loops_that_draw_other_numbers_are_no_others(tmp_path, where):
    def make():
        return OfSequences(DROPPING[where]())

    found = diff(*(recorded(tmp_path / f"{seed}.npz", usual, make, seed=seed) for seed in (1, 2)))
    assert (found.verdict, found.causes) == ("same", []), str(found)
    assert [note for note in found.notes if "dropout" in note] == [
        "with dropout, no number of a loop is that of another: only what each does with its own is compared"
    ]
    losses = [float(load(tmp_path / f"{seed}.npz").losses("float32")[0]) for seed in (1, 2)]
    assert losses[0] != losses[1], "nothing was drawn"


def test_a_scheduler_leaves_its_mark():
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert describe(optimizer, model).options["schedule"] is None
    torch.optim.lr_scheduler.StepLR(optimizer, 1)
    assert describe(optimizer, model).options["schedule"] == {"kind": "LRScheduler"}


class Shifted(torch.nn.Linear):
    def forward(self, rows):
        rows -= 0.5
        return super().forward(rows)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.LBFGS])
def test_a_model_that_changes_what_it_is_given_trains_on_the_same_rows(tmp_path, optimizer):
    def loss(outputs, targets):
        targets *= 2
        return torch.nn.functional.mse_loss(outputs, targets)

    found = []
    rows = np.round(X * 8) / 8  # of which half is taken without rounding
    for kind, given in ((Shifted, rows), (torch.nn.Linear, rows - np.float32(0.5))):
        torch.manual_seed(0)
        model = kind(3, 1)
        how = {"loss": loss, "optimizer": optimizer(model.parameters(), lr=0.1), "steps": (1, 3)}
        found.append(record(model, given, Y, to=tmp_path / "a.npz", **how))
    assert np.array_equal(*(each.losses("float64") for each in found))
    assert len({*found[0].losses("float64")}) == 3
