"""Trainings that both frameworks have recorded, each in a process of its own: right ports pass, mistakes are named."""

import dataclasses

import pytest
from both_frameworks import recorded_in_both

from twintrain.errors import UserError
from twintrain.recordings.archive import load
from twintrain.recordings.comparing.diff import diff

PRECISIONS = ("float64", "float32")
# Of one name in both.
RIGHT = {
    "same": "plain gradients_alone momentum nesterov adam adamw amsgrad rmsprop rmsprop_momentum rmsprop_centered "
    "adagrad adadelta adamax smoothed mse one mae huber binary binary_shares kl untrained",
    "rounding": "nadam",  # a constant of Keras's is kept in float32
}
UPDATE, LOSS, REGULARIZATION, TARGETS = "the update", "the loss", "the regularization", "the targets"
FORWARD, GRADIENTS, STATISTICS = "the forward pass", "the gradients", "the running statistics"
# Names in PyTorch and in Keras, where they part, and the mistakes.
PLANTED = [
    ("one_broadcast", "one", LOSS, "broadcast in the loss"),
    ("summed", "plain", LOSS, "reduction"),
    ("mse_summed", "mse", LOSS, "reduction"),
    ("mse_by_rows", "mse", LOSS, "reduction"),
    ("mse", "mse_summed", LOSS, "reduction"),
    ("smoothed", "plain", LOSS, "label smoothing"),
    ("one_hot", "smoothed", LOSS, "label smoothing"),
    ("weighted", "plain", LOSS, "class weights"),
    ("softmax_twice", "probabilities", LOSS, "softmax twice"),
    ("mae", "mse", LOSS, "another loss"),
    ("huber_delta", "huber", LOSS, "delta"),
    ("shuffled_targets", "plain", TARGETS, "targets in another order"),
    ("scaled_targets", "mse", TARGETS, "targets scaled"),
    ("shuffled_rows", "plain", FORWARD, "rows in another order"),
    ("loud", "plain", GRADIENTS, "gradients scaled"),
    ("untrained", "plain", GRADIENTS, "not trained"),
    ("plain", "l2", REGULARIZATION, "weight decay missing"),
    ("kernels_decayed_half", "l2", REGULARIZATION, "factor 2 of L2"),
    ("decayed", "l2", REGULARIZATION, "decay on biases"),
    ("gradients_alone", "l2_gradients_alone", REGULARIZATION, "penalty"),
    ("decayed", "plain", UPDATE, "weight decay missing"),
    ("adam_decayed", "adamw", UPDATE, "decoupled weight decay"),
    ("slower", "plain", UPDATE, "learning rate"),
    ("plain", "decreasing", UPDATE, "learning rate schedule"),
    ("plain", "momentum", UPDATE, "momentum"),
    ("momentum", "nesterov", UPDATE, "nesterov"),
    ("plain", "adam", UPDATE, "another optimizer"),
    ("adam_beta_1", "adam", UPDATE, "beta_1"),
    ("adam_beta_2", "adam", UPDATE, "beta_2"),
    ("adam_epsilon", "adam_epsilon", UPDATE, "where epsilon is added and epsilon"),
    ("rmsprop_epsilon", "rmsprop_epsilon", UPDATE, "where epsilon is added"),
    ("rmsprop", "rmsprop_centered", UPDATE, "centered"),
    ("adagrad_from_zero", "adagrad", UPDATE, "initial accumulator value"),
    ("plain", "clipped", UPDATE, "clipping"),
    ("plain", "clipped_by_array", UPDATE, "clipping"),
    ("plain", "clipped_by_value", UPDATE, "clipping"),
    ("recurrent", "recurrent", UPDATE, "second bias"),
    ("norm", "norm", STATISTICS, "biased variance"),
    ("norm_momentum", "norm", STATISTICS, "momentum of statistics and biased variance"),
    ("norm_frozen", "norm_frozen", "the forward pass in training mode", "frozen batch norm updates"),
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return recorded_in_both("trainings_worker.py", tmp_path_factory)


def compared(recorded, ours, theirs, precision="float64"):
    found = [load(recorded[name] / f"{each}.npz") for name, each in (("torch", ours), ("keras", theirs))]
    if precision == "float32":
        found = [dataclasses.replace(each, passes=["float32", "float32 perturbed"]) for each in found]
    return diff(*found)


@pytest.mark.slow
@pytest.mark.parametrize(("verdict", "names"), RIGHT.items())
def test_a_right_port_trains_alike(recorded, verdict, names):
    for name in names.split():
        found = compared(recorded, name, name)
        assert (found.verdict, found.causes, found.parts_in) == (verdict, [], None), f"{name}\n{found}"
        assert compared(recorded, name, name, "float32").verdict == "same", name


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_differs_is_named(recorded, precision):
    for ours, theirs, parts_in, mistake in PLANTED:
        found = compared(recorded, ours, theirs, precision)
        named = [cause.mistake for cause in found.causes]
        assert (found.verdict, found.parts_in, named) == ("different", parts_in, [mistake]), f"{ours}\n{found}"
        assert found.cause.explained_error < {"float64": 1e-7, "float32": 1e-4}[precision], f"{ours}\n{found}"


@pytest.mark.slow
def test_one_of_the_two_may_do_in_the_loss_what_the_other_does_in_the_optimizer(recorded):
    found = compared(recorded, "kernels_decayed", "l2")
    assert (found.verdict, found.causes) == ("rounding", []), str(found)
    assert "Keras counts the decay of weights to its loss" in str(found)


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
