"""Trainings that both frameworks have recorded, each in a process of its own: right ports pass, mistakes are named."""

import dataclasses

import pytest
from both_frameworks import recorded_in_both
from planted_mistakes import FORWARD, RIGHT_TRAININGS, TRAININGS

from twintrain.errors import UserError
from twintrain.recordings.archive import load
from twintrain.recordings.comparing.diff import diff

PRECISIONS = ("float64", "float32")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return recorded_in_both("trainings_worker.py", tmp_path_factory)


def compared(recorded, ours, theirs, precision="float64"):
    found = [load(recorded[name] / f"{each}.npz") for name, each in (("torch", ours), ("keras", theirs))]
    if precision == "float32":
        found = [dataclasses.replace(each, passes=["float32", "float32 perturbed"]) for each in found]
    return diff(*found)


@pytest.mark.slow
def test_a_right_port_trains_alike(recorded):
    for name in (right.planted for right in RIGHT_TRAININGS):
        found = compared(recorded, name, name)
        verdict = "rounding" if name == "nadam" else "same"  # a constant of Keras's is kept in float32
        assert (found.verdict, found.causes, found.parts_in) == (verdict, [], None), f"{name}\n{found}"
        assert compared(recorded, name, name, "float32").verdict == "same", name


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_differs_is_named(recorded, precision):
    for each in TRAININGS:
        found = compared(recorded, each.ours, each.theirs, precision)
        named = [cause.mistake for cause in found.causes]
        expected = ("different", each.parts_in, [each.named])
        assert (found.verdict, found.parts_in, named) == expected, f"{each.planted}\n{found}"
        assert found.cause.explained_error < {"float64": 1e-7, "float32": 1e-4}[precision], f"{each.planted}\n{found}"


@pytest.mark.slow
def test_one_of_the_two_may_do_in_the_loss_what_the_other_does_in_the_optimizer(recorded):
    found = compared(recorded, "kernels_decayed", "l2")
    assert (found.verdict, found.causes) == ("rounding", []), str(found)
    assert "Keras counts the decay of weights to its loss" in str(found)


@pytest.mark.slow
def test_a_softmax_in_the_network_or_in_the_loss_is_no_mistake_of_the_loss(recorded):
    found = compared(recorded, "smoothed", "probabilities")
    assert found.parts_in == FORWARD
    assert "softmax twice" not in {cause.mistake for cause in found.causes}


@pytest.mark.slow
def test_trainings_behind_networks_that_differ_are_compared_all_the_same(recorded):
    found = compared(recorded, "seeded", "momentum")
    assert (found.parts_in, found.cause.mistake) == (FORWARD, "other weights")
    assert "momentum" in {cause.mistake for cause in found.causes}
    assert {row.quantity for row in found.training.rows} == {"prediction", "loss", "gradient", "weight", "losses"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        ("plain", "gradients_alone", "are of 1, 2, 3 and no steps; expected the same steps= in both scripts"),
        ("mse", "plain", r"targets of shapes \(12, 3\) and \(12,\); expected the same y in both scripts"),
    ],
)
def test_trainings_of_other_steps_or_targets_are_an_error(recorded, ours, theirs, reason):
    with pytest.raises(UserError, match=reason):
        compared(recorded, ours, theirs)
