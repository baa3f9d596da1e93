"""Loops of PyTorch of one's own, in whatever order they take their steps."""

import numpy as np
import pytest
import torch
from torch.optim import optimizer as optimizers

from twintrain.recordings.archive import load
from twintrain.recordings.loop import recording

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(8, width)).astype("float32") for width in (3, 1))


def recorded(path, order, model=None, steps=2, **how):
    """A recorded loop; `order` takes the optimizer and what is told, and does what follows `backward`."""
    torch.manual_seed(0)
    model = model or torch.nn.Linear(3, 1)
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
