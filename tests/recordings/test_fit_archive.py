import dataclasses

import numpy as np
import pytest
from rewritten_recordings import message, rewritten

from twintrain.errors import UserError
from twintrain.recordings.archive import Recording, load
from twintrain.recordings.contents import Call, Tensor, Weight
from twintrain.recordings.fit import Fit, Rule

PASSES = ["float32", "float64"]
SHAPES = {
    **{"tensor/0": (2, 3), "tensor/1": (2, 1)},
    **{"target/0": (2,), "prediction/0": (2, 1), "penalty": (), "gradient/kernel": (1, 3)},
    **{f"step/{step}/{name}": shape for step in (1, 3) for name, shape in (("kernel", (1, 3)), ("moving_mean", (1,)))},
}


@pytest.fixture
def fit():
    options = {"learning_rate": 0.1, "momentum": 0.0, "schedule": None}
    return Fit(Rule("mse_loss", "mse", {"reduction": "mean"}), Rule("SGD", "sgd", options), [1, 3], 1, 1, ["drop"])


@pytest.fixture
def recording(fit):
    rng = np.random.default_rng(0)
    arrays = {f"{p}/{name}": rng.normal(size=shape).astype(p) for p in PASSES for name, shape in SHAPES.items()}
    arrays |= {f"{p}/losses": rng.normal(size=3) for p in PASSES}
    arrays |= {"weight/kernel": np.ones((1, 3)), "weight/moving_mean": np.ones(1)}
    call = Call("body", "Linear", "dense", {}, [0], [1], {"kernel": "kernel"})
    weights = [Weight("kernel", (1, 3), "OI", True), Weight("moving_mean", (1,), "C", False)]
    tensors = [Tensor((2, 3)), Tensor((2, 1))]
    return Recording(*("torch", {}, "cpu", 2, False, PASSES, [0], [1], tensors, [call], weights, arrays), fit=fit)


@pytest.fixture
def path(recording, tmp_path):
    recording.save(tmp_path / "a.npz")
    return tmp_path / "a.npz"


def test_training_is_read_as_it_was_written(recording, path, fit):
    loaded = load(path)
    assert loaded.fit == fit
    for pass_ in PASSES:
        own = {name.removeprefix(f"{pass_}/"): array for name, array in recording.arrays.items()}
        assert np.array_equal(loaded.losses(pass_), own["losses"])
        assert loaded.losses(pass_).dtype == np.float64
        assert loaded.penalty(pass_) == own["penalty"]
        assert np.array_equal(loaded.targets(pass_), [own["target/0"]])
        assert np.array_equal(loaded.predictions(pass_), [own["prediction/0"]])
        assert np.array_equal(loaded.gradient(pass_, "kernel"), own["gradient/kernel"])
        assert loaded.gradient(pass_, "moving_mean") is None
        assert np.array_equal(loaded.weight_after(pass_, 3, "moving_mean"), own["step/3/moving_mean"])


@pytest.mark.parametrize(
    ("change", "loss_count"),
    [
        ({"optimizer": None, "steps": []}, 1),
        ({"loop": True, "loss": Rule("loop", None, {})}, 7),
        ({"loop": True, "optimizer": None, "steps": []}, 0),
    ],
)
def test_loss_without_optimizer_and_a_loop_have_other_counts_of_losses(recording, tmp_path, fit, change, loss_count):
    changed = dataclasses.replace(fit, **change)
    arrays = {**recording.arrays, **{f"{p}/losses": np.ones(loss_count) for p in PASSES}}
    dataclasses.replace(recording, fit=changed, arrays=arrays).save(tmp_path / "a.npz")
    loaded = load(tmp_path / "a.npz")
    assert (loaded.fit, len(loaded.losses("float64"))) == (changed, loss_count)


def test_recording_without_training_says_so(recording, tmp_path):
    dataclasses.replace(recording, fit=None).save(tmp_path / "a.npz")
    loaded = load(tmp_path / "a.npz")
    assert loaded.fit is None
    with pytest.raises(UserError, match=r"has no training; expected one of twintrain\.record\(model, x, y"):
        loaded.targets("float64")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda header: header.pop("fit"), "no field 'fit'"),
        (lambda header: header.update(fit=[]), "list"),
        (lambda header: header["fit"].pop("loss"), "no field 'loss'"),
        (lambda header: header["fit"]["loss"].pop("op"), "op"),
        (lambda header: header["fit"].update(optimizer="sgd"), "must be a mapping"),
        (lambda header: header["fit"].update(steps=[1, 1]), "its steps are [1, 1]"),
        (lambda header: header["fit"].update(steps=[0]), "its steps are [0]"),
        (lambda header: header["fit"].update(steps=["x"]), "invalid literal"),
        (lambda header: header["fit"].update(targets=None), "int()"),
    ],
)
def test_damaged_header_of_a_training(path, change, expected):
    rewritten(path, change)
    assert "has a damaged header: " in (said := message(path))
    assert expected in said


@pytest.mark.parametrize("name", ["target/0", "prediction/0", "losses", "penalty", "step/3/moving_mean"])
def test_array_that_is_missing(path, name):
    rewritten(path, **{f"float64/{name}": None})
    assert f"has no array 'float64/{name}', which its header names; record it again" in message(path)


@pytest.mark.parametrize("name", ["losses", "penalty", "step/1/kernel", "gradient/kernel"])
def test_array_of_another_shape_than_the_header_says(path, name):
    rewritten(path, **{f"float64/{name}": np.zeros((5, 5))})
    assert f"has 'float64/{name}' of shape (5, 5), and its header says " in message(path)


def test_gradient_of_a_weight_may_be_missing(path):
    assert load(rewritten(path, **{"float64/gradient/kernel": None})).gradient("float64", "kernel") is None
