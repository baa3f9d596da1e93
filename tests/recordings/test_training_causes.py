"""Differences between two trainings, planted one at a time, are named; equal trainings pass."""

import dataclasses
import json

import numpy as np
import pytest
from made_trainings import SGD, WEIGHTS, Training, Y

from twintrain.errors import UserError
from twintrain.recordings.comparing.diff import diff
from twintrain.recordings.comparing.training.differences import needed
from twintrain.recordings.comparing.training.update_rules import limited
from twintrain.recordings.fit import Rule

ADAM = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7, "epsilon_is_added_to": "root"}
RMSPROP = {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7, "momentum": 0.5, "epsilon_is_added_to": "root"}
ADAGRAD = {"learning_rate": 0.01, "epsilon": 1e-4, "initial_accumulator_value": 0.1, "epsilon_is_added_to": "root"}
NADAM = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7, "momentum_decay": 0.004}
ADADELTA = {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6}
LION = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99}
RPROP = {"learning_rate": 0.01, "eta_minus": 0.5, "eta_plus": 1.2, "smallest_step": 1e-6, "largest_step": 50.0}
KERNELS, BIASES = ([f"{layer}.{role}" for layer in ("first", "second")] for role in ("kernel", "bias"))


def compared(ours, theirs):
    return diff(ours.recorded("torch"), theirs.recorded("keras"))


@pytest.mark.parametrize(
    ("op", "options"),
    [
        ("sgd", SGD),
        ("sgd", {**SGD, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("sgd", {**SGD, "weight_decay": 0.1, "decoupled": True, "clip_norm": 0.05}),
        ("adam", {**ADAM, "global_clip_norm": 0.05}),
        ("adamw", {**ADAM, "weight_decay": 0.1, "decoupled": True}),
        ("adamax", ADAM),
        ("rmsprop", {**RMSPROP, "centered": True}),
        ("adagrad", ADAGRAD),
    ],
    ids=str,
)
def test_equal_trainings_are_the_same(op, options):
    made = Training({"adamw": "adam"}.get(op, op), options)
    found = compared(made, made)
    assert (found.verdict, found.cause, found.parts_in, found.notes) == ("same", None, None, []), str(found)
    assert {row.quantity for row in found.training.rows} == {"prediction", "loss", "gradient", "weight", "losses"}
    assert {row.step for row in found.training.rows if row.quantity == "weight"} == {1, 2}


# The recorded optimizer of both, what the other's does in truth, and what is said of it.
HIDDEN = [
    ("sgd", SGD, {"global_clip_norm": 0.1}, "clipping", "limits the norm of all gradients together to 0.1"),
    ("sgd", SGD, {"clip_norm": 0.1}, "clipping", "limits the norm of each array's gradient to 0.1"),
    ("sgd", SGD, {"clip_value": 0.0123}, "clipping", "limits each number of a gradient to 0.0123"),
    ("adam", ADAM, {"global_clip_norm": 0.01}, "clipping", "limits the norm of all gradients together to 0.01"),
    ("sgd", {**SGD, "weight_decay": 0.1}, {"decay": dict.fromkeys(KERNELS, 0.1)}, "decay on biases", "2 arrays"),
    ("sgd", {**SGD, "weight_decay": 0.1}, {"decay": {}}, "weight decay missing", "Keras none"),
    (
        "adam",
        {**ADAM, "weight_decay": 0.1},
        {"decay": {}, "decoupled": dict.fromkeys(WEIGHTS, 0.1)},
        "decoupled weight decay",
        "Keras decays weights by 0.1 apart from the gradient",
    ),
    ("adam", ADAM, {"epsilon": 1e-5}, "epsilon", "Keras has epsilon 1e-05, PyTorch 1e-07"),
    ("adam", ADAM, {"epsilon_is_added_to": "corrected root"}, "where epsilon is added", "to that of the corrected one"),
    ("rmsprop", RMSPROP, {"epsilon_is_added_to": "square"}, "where epsilon is added", "before the root is taken"),
    ("adagrad", ADAGRAD, {"epsilon_is_added_to": "square"}, "where epsilon is added", "before the root is taken"),
    ("sgd", {**SGD, "momentum": 0.9}, {"nesterov": True}, "nesterov", "Keras has nesterov, PyTorch not"),
    ("sgd", SGD, {"learning_rates": [0.05, 0.05]}, "learning rate", "Keras has learning rate 0.05, PyTorch 0.1"),
    ("adam", ADAM, {"learning_rates": [0.01, 0.005]}, "learning rate schedule", "0.01 and 0.005"),
    ("sgd", SGD, {"frozen": frozenset({"first.bias"})}, "not trained", "Keras does not train first.bias"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "options", "hidden", "mistake", "words"), HIDDEN, ids=[f"{r[0]}-{r[3]}" for r in HIDDEN]
)
def test_what_a_loop_does_besides_is_named(op, options, hidden, mistake, words):
    found = compared(Training(op, options), Training(op, options, hidden))
    check(found, mistake)
    assert words in found.cause.sentence
    exchanged = compared(Training(op, options, hidden), Training(op, options))
    check(exchanged, mistake)


def check(found, mistake, parts_in="the update", bound=1e-10):
    assert (found.verdict, found.parts_in) == ("different", parts_in), str(found)
    assert [cause.mistake for cause in found.causes] == [mistake], str(found)
    assert found.cause.explained_error < bound
    assert found.cause.sentence in str(found)


def test_another_number_of_outputs_in_training_alone_is_different():
    ours, theirs = (Training("sgd", SGD).recorded(framework) for framework in ("torch", "keras"))
    second = {f"{pass_}/prediction/1": ours.predictions(pass_)[0] for pass_ in ours.passes}
    fit = dataclasses.replace(ours.fit, predictions=2)
    found = diff(dataclasses.replace(ours, fit=fit, arrays={**ours.arrays, **second}), theirs)
    assert (found.verdict, found.parts_in) == ("different", "the forward pass in training mode")
    assert "PyTorch gives 2 outputs, Keras 1 in training mode" in str(found)


def test_what_optimizers_make_of_rounding_is_no_difference():
    """As of a bias before batch norm: its gradients are rounding, which epsilon alone keeps from whole steps."""

    def silenced(gradients):
        return {**gradients, "first.bias": np.full(5, 1e-20)}

    made = [Training("adam", {**ADAM, "epsilon": epsilon}, change=silenced, steps=(1,)) for epsilon in (1e-20, 1e-22)]
    found = compared(*made)
    assert (found.verdict, found.causes) == ("same", []), str(found)
    assert "the optimizers differ in epsilon, which changes nothing in these steps" in str(found)


def test_a_schedule_that_is_one_step_ahead_is_named():
    made = [Training("sgd", SGD, {"learning_rates": rates}) for rates in ([0.1, 0.05], [0.05, 0.025])]
    found = compared(*made)
    check(found, "schedule one step off")
    assert "Keras's schedule is one step ahead" in found.cause.sentence


def decayed(strength, *spared):
    return Training("sgd", {**SGD, "weight_decay": strength, "no_decay": list(spared)})


def test_a_penalty_of_the_loss_is_a_decay_of_the_optimizer():
    found = compared(decayed(0.1, *BIASES), Training("sgd", SGD, penalty=0.1))
    assert (found.verdict, found.cause) == ("same", None), str(found)
    assert "Keras counts the decay of weights to its loss" in str(found)


@pytest.mark.parametrize(
    ("ours", "mistake", "words"),
    [
        (decayed(0.05, *BIASES), "factor 2 of L2", "an L2 penalty of 0.05·w², whose gradient is 0.1·w"),
        (decayed(0.1), "decay on biases", "PyTorch decays biases and scales too (2 arrays)"),
        (decayed(0.03, *BIASES), "weight decay", "PyTorch a weight decay of 0.03"),
        (decayed(0.1, *BIASES, "second.kernel"), "decay of other weights", "Keras decays more arrays: second.kernel"),
        (Training(), "weight decay missing", "PyTorch none"),
    ],
)
def test_a_penalty_that_is_another_decay_is_named(ours, mistake, words):
    found = compared(ours, Training("sgd", SGD, penalty=0.1))
    check(found, mistake, "the regularization")
    assert words in found.cause.sentence


def test_a_penalty_without_optimizer_is_named():
    check(compared(Training(None), Training(None, penalty=0.1)), "penalty", "the regularization")


def within(**limit):
    return lambda gradients: limited(gradients, limit)


@pytest.mark.parametrize(
    ("change", "mistake", "words"),
    [
        (lambda each: {name: 32 * array for name, array in each.items()}, "gradients scaled", "PyTorch's times 32"),
        (within(global_clip_norm=0.1), "clipping", "Keras limits the norm of all gradients together to 0.1"),
        (within(clip_norm=0.0312), "clipping", "Keras limits the norm of each array's gradient to 0.0312"),
        (within(clip_value=0.01), "clipping", "Keras limits each number of a gradient to 0.01"),
    ],
)
def test_what_is_done_to_gradients_is_named(change, mistake, words):
    found = compared(Training(), Training(change=change))
    check(found, mistake, "the gradients")
    assert words in found.cause.sentence
    check(compared(Training(change=change), Training()), mistake, "the gradients")


def test_a_penalty_that_the_loss_does_not_tell_is_named():
    found = compared(Training(penalty=0.1, is_said=False), Training())
    check(found, "penalty", "the loss")
    assert "PyTorch's has an L2 penalty of 0.05·w² in it, Keras's none" in found.cause.sentence


@pytest.mark.parametrize(
    ("y", "mistake", "words"),
    [
        (Y[::-1].copy(), "targets in another order", "Keras has them in another order"),
        (Y / 255 + 1, "targets scaled", "Keras has them times 0.00392157 plus 1"),
    ],
)
def test_other_targets_are_named(y, mistake, words):
    found = compared(Training(), Training(y=y))
    check(found, mistake, "the targets", 1e-6)
    assert words in found.cause.sentence


def test_what_cannot_be_compared_is_an_error():
    with pytest.raises(UserError, match=r"trained on other targets, which part by .*; expected the same y in both"):
        compared(Training(), Training(y=np.sin(7 * Y)))
    with pytest.raises(UserError, match=r"are of 1, 2 and 1, 2, 3 steps; expected the same steps= in both scripts"):
        compared(Training(), Training(steps=(1, 2, 3)))
    with pytest.raises(UserError, match=r"are of 1, 2 and no steps"):
        compared(Training(), Training(None))


def test_a_training_on_one_side_alone_is_not_compared():
    made = Training()
    alone = dataclasses.replace(made.recorded("keras"), fit=None)
    found = diff(made.recorded("torch"), alone)
    assert (found.verdict, found.training, found.parts_in) == ("same", None, None)
    assert "PyTorch alone was recorded in training, which is not compared" in str(found)


OPTIONS = {
    "sgd": {**SGD, "momentum": 0.9, "weight_decay": 0.1, "global_clip_norm": 0.1},
    "adam": {**ADAM, "weight_decay": 0.1, "clip_norm": 0.05},
    "adamax": {**ADAM, "epsilon_is_added_to": "maximum", "weight_decay": 0.1},
    "nadam": {**NADAM, "clip_value": 0.02},
    "rmsprop": {**RMSPROP, "weight_decay": 0.1},
    "adagrad": {**ADAGRAD, "weight_decay": 0.1},
    "adadelta": ADADELTA,
}
NAMED = {
    "clip_norm": "clipping",
    "global_clip_norm": "clipping",
    "clip_value": "clipping",
    "learning_rate": "learning rate",
}


@pytest.mark.parametrize("seed", range(40))
def test_of_any_options_that_which_was_changed_is_named(seed):
    rng = np.random.default_rng(seed)
    op = rng.choice(list(OPTIONS))
    options = {
        name: float(value * rng.uniform(0.5, 1)) if isinstance(value, float) else value
        for name, value in OPTIONS[op].items()
        if name in ("learning_rate", "epsilon", "rho") or name[-1].isdigit() or name[-2:] == "to" or rng.random() < 0.7
    }
    assert compared(Training(op, options), Training(op, options)).verdict == "same"
    name = rng.choice([name for name, value in options.items() if isinstance(value, float)])
    changed = {**options, name: float(options[name] * (0.9 if name[-1].isdigit() else 0.5))}
    found = compared(Training(op, options), Training(op, changed))
    named = NAMED.get(name, name if name[-1].isdigit() else name.replace("_", " "))
    assert found.cause, f"{op} {name} {options}\n{found}"
    assert found.cause.mistake == named, f"{op} {name}\n{found}"
    assert found.cause.explained_error < 1e-9


def of_own_rules(framework, factor, options):
    """A training whose loss and optimizer are somebody's own, and do what nobody knows."""
    recording = Training().recorded(framework)
    own = Rule("Own", None, options)
    arrays = {
        name: factor * array + 0.01 * np.sin(9 * array) if "/step/" in name or name.endswith("losses") else array
        for name, array in recording.arrays.items()
    }
    return dataclasses.replace(
        recording, arrays=arrays, fit=dataclasses.replace(recording.fit, loss=own, optimizer=own)
    )


def test_settings_of_what_is_not_known_are_said():
    made = of_own_rules("torch", 1.0, {"rate": 0.1, "power": 2}), of_own_rules("keras", 1.1, {"rate": 0.2, "power": 2})
    found = diff(*made)
    assert (found.verdict, found.causes) == ("different", [])
    for what in ("losses", "optimizers"):
        assert f"the {what} (Own) could not be tried; they were recorded with rate 0.1 and 0.2" in found.notes


def test_rules_of_other_kinds_that_are_not_known_are_said():
    made = of_own_rules("torch", 1.0, {}), of_own_rules("keras", 1.1, {})
    fit = dataclasses.replace(made[1].fit, optimizer=Rule("Other", None, {}))
    found = diff(made[0], dataclasses.replace(made[1], fit=fit))
    assert "the optimizers could not be tried: PyTorch has Own, Keras Other" in found.notes


@pytest.mark.parametrize(
    ("ours", "theirs", "mistake", "words"),
    [
        (("rprop", RPROP), ("rprop", {**RPROP, "learning_rate": 0.02}), "learning rate", "learning rate 0.02"),
        (("lion", LION), ("lion", {**LION, "weight_decay": 0.1, "decoupled": True}), "weight decay missing", "none"),
        (("radam", ADAM), ("adam", ADAM), "another optimizer", "Keras trains with adam, PyTorch with radam"),
        (("adam", ADAM), ("lion", LION), "another optimizer", "Keras trains with lion, PyTorch with adam"),
        (("sgd", SGD), ("rprop", RPROP), "another optimizer", "Keras trains with rprop, PyTorch with sgd"),
    ],
)
def test_optimizers_that_one_framework_alone_has_are_tried_too(ours, theirs, mistake, words):
    found = compared(Training(*ours), Training(*theirs))
    check(found, mistake)
    assert words in found.cause.sentence


def as_kind(recording, kind, op, by=0.0):
    """A training whose recording says another optimizer, whose steps are off by shares of themselves."""
    fit = dataclasses.replace(recording.fit, optimizer=Rule(kind, op, SGD))
    arrays = {
        name: array + by * np.sin(9 * array) if "/step/" in name else array for name, array in recording.arrays.items()
    }
    return dataclasses.replace(recording, fit=fit, arrays=arrays)


def test_optimizers_of_other_kinds_are_a_cause_where_one_cannot_be_tried():
    made = Training().recorded("torch"), as_kind(Training().recorded("keras"), "Lamb", "lamb", 0.01)
    found = diff(*made)
    assert (found.verdict, found.parts_in, found.notes) == ("different", "the update", []), str(found)
    assert [cause.mistake for cause in found.causes] == ["another optimizer"]
    assert "the optimizers differ: PyTorch has sgd, Keras Lamb; weights part by" in found.cause.sentence
    alike = diff(as_kind(made[0], "Lamb", "lamb"), made[1])
    assert (alike.verdict, alike.causes) == ("different", []), str(alike)


def test_an_optimizer_without_a_rule_of_ours_is_compared_by_its_numbers():
    made = [Training().recorded(framework) for framework in ("torch", "keras")]
    fits = [dataclasses.replace(each.fit, optimizer=Rule("Lamb", "lamb", SGD)) for each in made]
    found = diff(*(dataclasses.replace(each, fit=fit) for each, fit in zip(made, fits, strict=True)))
    assert (found.verdict, found.causes) == ("same", [])


def test_page_and_json_have_the_training_too():
    found = compared(Training(), Training(change=within(clip_value=0.01)))
    training = json.loads(json.dumps(found.to_dict()))["training"]
    assert (training["verdict"], training["parts_in"]) == ("different", "the gradients")
    assert len(training["rows"]) == len(found.training.rows)
    page = found.to_html()
    assert "<h2>Training</h2>" in page
    assert "weights after 2 steps (4 of 4 differ)" in page


def off(recording, by):
    """The recording with its trained weights off by shares of themselves, by pass."""
    arrays = {
        name: array * (1 + by.get(name.partition("/")[0], 0.0)) if "/step/" in name else array
        for name, array in recording.arrays.items()
    }
    return dataclasses.replace(recording, arrays=arrays)


def test_what_a_framework_parts_from_itself_by_is_no_difference():
    reference, other = (Training().recorded(framework) for framework in ("torch", "keras"))
    assert diff(reference, off(other, {"float64": 1e-6, "float64 perturbed": 1e-6})).verdict == "different"
    found = diff(reference, off(other, {"float64": 1e-6, "float64 perturbed": 1.2e-6}))
    assert (found.verdict, found.causes) == ("same", []), str(found)


def test_where_training_is_chaos_nothing_is_told():
    made = [dataclasses.replace(Training().recorded(each), perturbation=2.0**-20) for each in ("torch", "keras")]
    assert diff(made[0], off(made[1], {"float64": 1e-2, "float64 perturbed": 1e-2})).verdict == "different"
    found = diff(made[0], off(made[1], {"float64": 1e-2, "float64 perturbed": 10.0}))
    assert (found.verdict, found.causes) == ("same", []), str(found)


def test_rounding_of_the_weights_is_no_difference_of_small_steps():
    made = [Training("sgd", {"learning_rate": 1e-6}).recorded(framework) for framework in ("torch", "keras")]
    made = [dataclasses.replace(each, passes=["float64"]) for each in made]
    found = diff(made[0], off(made[1], {"float64": float(np.finfo(float).eps)}))
    assert (found.verdict, found.causes) == ("same", []), str(found)
    assert max(row.error for row in found.training.rows) > 1e-10


def test_rounding_that_was_not_measured_may_grow_with_the_steps():
    alone = [
        dataclasses.replace(Training().recorded(framework), passes=["float64"]) for framework in ("torch", "keras")
    ]
    found = diff(alone[0], off(alone[1], {"float64": 1e-13}))
    assert found.verdict == "same", str(found)
    assert all(row.tolerance >= 1e-11 * row.step for row in found.training.rows)
    assert diff(alone[0], off(alone[1], {"float64": 1e-6})).verdict == "different"


def test_differences_that_matter_most_are_named_first():
    gaps = {"epsilon": 1e-6, "learning_rate": 1e-1, "momentum": 1e-2, "amsgrad": 0.0}

    def left(some):
        return sum(gap for name, gap in gaps.items() if name not in some)

    assert needed([*gaps], left, 1e-12) == ["learning_rate", "momentum", "epsilon"]
    assert needed([*gaps], left, 1e-5) == ["learning_rate", "momentum"]
    assert needed(["momentum"], left, 1e-12) is None


def without_gradient(recording, name):
    kinds = ("gradient", "next_gradient")
    dropped = {f"{pass_}/{kind}/{name}" for pass_ in recording.passes for kind in kinds}
    return dataclasses.replace(
        recording, arrays={at: each for at, each in recording.arrays.items() if at not in dropped}
    )


def zeroed(name):
    return Training("adam", ADAM, change=lambda gradients: {**gradients, name: 0 * gradients[name]})


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    "made",
    [zeroed("second.kernel"), Training(hidden={"frozen": frozenset({"second.kernel"})})],
    ids=["zeros", "not in the optimizer"],
)
def test_no_gradient_is_as_good_as_one_that_changes_nothing(made, at):
    recordings = [made.recorded("torch"), made.recorded("keras")]
    recordings[at] = without_gradient(recordings[at], "second.kernel")
    found = diff(*recordings)
    assert (found.verdict, found.causes, found.notes) == ("same", [], []), str(found)


@pytest.mark.parametrize("at", [0, 1])
def test_what_one_side_alone_trains_is_named(at):
    trains, frozen = Training(), Training(hidden={"frozen": frozenset({"second.bias"})})
    made = [frozen, trains][:: 1 if at == 0 else -1]
    recordings = [each.recorded(framework) for each, framework in zip(made, ("torch", "keras"), strict=True)]
    recordings[at] = without_gradient(recordings[at], "second.bias")
    found = diff(*recordings)
    assert [cause.mistake for cause in found.causes] == ["not trained"], str(found)
    assert f"{('PyTorch', 'Keras')[at]} does not train second bias" in found.cause.sentence


def test_gradients_that_were_not_recorded_are_no_difference():
    ours, theirs = Training().recorded("torch"), Training().recorded("keras")
    for name in WEIGHTS:
        ours = without_gradient(ours, name)
    found = diff(ours, theirs)
    assert (found.verdict, found.causes) == ("same", []), str(found)
    assert any("no gradients were recorded of PyTorch" in note for note in found.notes)


@pytest.mark.parametrize("op", ["sgd", None], ids=["trained", "loss alone"])
@pytest.mark.parametrize("are_said", [(False, True), (True, False)], ids=str)
def test_a_penalty_may_be_in_the_loss_function_or_in_regularizers(op, are_said):
    found = compared(*(Training(op, penalty=0.1, is_said=is_said) for is_said in are_said))
    assert (found.verdict, found.causes, found.parts_in) == ("same", [], None), str(found)
    titles = ("PyTorch", "Keras")[:: 1 if are_said[1] else -1]
    assert found.notes == [
        f"{titles[0]} counts the penalty in its loss function, {titles[1]} in its regularizers: it is the same"
    ]


def test_a_penalty_whose_strength_is_rounded_to_float32_is_the_same_but_for_that():
    found = compared(Training(penalty=0.1, is_said=False), Training(penalty=float(np.float32(0.1))))
    assert (found.verdict, found.causes, len(found.notes)) == ("rounding", [], 1), str(found)


def test_a_penalty_in_the_loss_function_of_another_strength_is_a_difference():
    found = compared(Training(penalty=0.05, is_said=False), Training(penalty=0.1))
    assert found.verdict == "different"
    assert not any("it is the same" in note for note in found.notes)
