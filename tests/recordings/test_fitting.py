import json

import numpy as np
import pytest
from both_frameworks import FRAMEWORKS, recorded_in_both
from recorded_fits import CLASSES, IMAGES, MOMENTUM, NUMBERS, RATE, STEPS, is_trained_by_hand, rows_of
from worker_process import run_worker

from twintrain.recordings.archive import load
from twintrain.recordings.batches import row_digests
from twintrain.recordings.comparing.diff import diff
from twintrain.recordings.contents import PASSES
from twintrain.recordings.samples import kept

pytestmark = pytest.mark.slow

EACH = pytest.mark.parametrize("framework", FRAMEWORKS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return recorded_in_both("fits_worker.py", tmp_path_factory)


@pytest.fixture
def recorded(folders):
    return lambda framework, name: load(folders[framework] / f"{name}.npz")


@pytest.fixture
def facts(folders):
    return {name: json.loads((folder / "facts.json").read_text()) for name, folder in folders.items()}


def near(a, b, tolerance):
    return np.abs(np.subtract(a, b)).max() <= tolerance * max(np.abs(b).max(), 1)


@EACH
def test_training_is_that_of_a_loop_by_hand(recorded, folders, framework):
    recording = recorded(framework, "chain")
    assert recording.passes == [*PASSES]
    names = [weight.name for weight in recording.weights]
    trainable = [weight.name for weight in recording.weights if weight.trainable]
    with np.load(folders[framework] / "by_hand.npz") as loop:
        for pass_ in ("float32", "float64"):
            assert near(recording.losses(pass_), loop["losses"], 1e-5)
            assert len(recording.losses(pass_)) == max(STEPS)
            found = {f"gradient/{name}": recording.gradient(pass_, name) for name in trainable}
            found |= {
                f"step/{step}/{name}": recording.weight_after(pass_, step, name) for step in STEPS for name in names
            }
            assert {*found} | {"losses"} == {*loop}
            for name, array in found.items():
                assert near(array, loop[name], 1e-4), (pass_, name)
                assert array.dtype == pass_
    assert recording.fit.dropout == [{"torch": "3", "keras": "dropout"}[framework]]


@EACH
def test_a_perturbed_pass_trains_to_about_the_same(recorded, framework):
    recording = recorded(framework, "chain")
    name = next(weight.name for weight in recording.weights if weight.trainable)
    for array in (
        recording.losses,
        lambda p: recording.gradient(p, name),
        lambda p: recording.weight_after(p, 3, name),
    ):
        moved = np.abs(array("float64") - array("float64 perturbed")).max()
        assert 1e-9 < moved < 1e-4


@EACH
def test_float64_trains_to_the_last_digit(recorded, framework):
    recording = recorded(framework, "twin")
    assert is_trained_by_hand(recording)
    assert np.array_equal(recording.targets("float64")[0], CLASSES)
    assert recording.fit.loss[1:] == ("cross_entropy", {"from_logits": True, "reduction": "mean"})
    options = {"learning_rate": RATE, "momentum": MOMENTUM, "nesterov": False, "schedule": None}
    assert recording.fit.optimizer.op == "sgd"
    assert options.items() <= recording.fit.optimizer.options.items()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_keras_trains_on_its_other_libraries(tmp_path, backend):
    run_worker("fits_worker.py", "keras", tmp_path, "twin", "tokens", "state", KERAS_BACKEND=backend)
    recording = load(tmp_path / "twin.npz")
    assert backend in recording.versions
    assert is_trained_by_hand(recording)
    assert load(tmp_path / "tokens.npz").passes == [*PASSES]
    assert all(json.loads((tmp_path / "facts.json").read_text())["state"])


@EACH
def test_what_layers_add_to_the_loss_counts(recorded, framework):
    recording = recorded(framework, "chain")
    kernel = recording.weight("float64", recording.weights[0].name)
    expected = {"torch": 0.0, "keras": 0.01 * np.square(kernel).sum()}[framework]
    assert recording.penalty("float64") == pytest.approx(expected, rel=1e-6)


@EACH
def test_without_optimizer_there_are_loss_and_gradients_alone(recorded, facts, framework):
    recording = recorded(framework, "loss_alone")
    assert (recording.fit.steps, recording.fit.optimizer) == ([], None)
    (output,) = recording.predictions("float64")
    assert recording.losses("float64") == pytest.approx(np.square(output - NUMBERS).mean())
    assert recording.fit.loss.op == "mse"
    last = recording.weights[-1].name
    assert near(recording.gradient("float64", last), (2 * (output - NUMBERS) / NUMBERS.size).sum(0), 1e-12)
    assert all(facts[framework]["loss_alone"])


@EACH
def test_a_loss_of_several_outputs_gets_them_as_they_are(recorded, framework):
    recording = recorded(framework, "two_outputs")
    assert (recording.fit.predictions, recording.fit.targets, recording.fit.loss.op) == (2, 2, None)
    assert recording.fit.optimizer.op == "adam"
    logits, numbers = recording.predictions("float64")
    entropy = np.log(np.exp(logits).sum(1)) - logits[np.arange(6), CLASSES]
    assert recording.losses("float64") == pytest.approx(entropy.mean() + np.square(numbers - NUMBERS).mean())


@EACH
def test_frozen_weights_have_no_gradient_and_stay(recorded, framework):
    recording = recorded(framework, "frozen")
    first, frozen_bias, last, bias = (weight.name for weight in recording.weights)
    assert recording.gradient("float64", first) is None
    assert np.array_equal(recording.weight_after("float64", 1, first), recording.weight("float64", first))
    assert not np.array_equal(recording.weight_after("float64", 1, last), recording.weight("float64", last))
    assert recording.fit.optimizer.op == "adamw"
    options = recording.fit.optimizer.options
    assert (options["weight_decay"], options["decoupled"], options["learning_rate"]) == (0.1, True, RATE)
    if framework == "keras":
        assert options["no_decay"] == [frozen_bias, bias]
        assert options["schedule"]["kind"] == "CosineDecay"
    else:
        assert [(group["weights"], group["weight_decay"]) for group in options["groups"]] == [
            ([last], 0.1),
            ([bias], 0.0),
        ]


@EACH
def test_nothing_is_dropped_while_it_trains(recorded, facts, framework):
    recording = recorded(framework, "dropped")
    assert recording.losses("float64")[0] == pytest.approx(facts[framework]["dropped"], rel=1e-5)
    assert len(recording.fit.dropout) >= 6
    functions = {"torch": {"dropout", "scaled_dot_product_attention"}, "keras": {"random.dropout"}}[framework]
    assert functions <= {*recording.fit.dropout}


@EACH
def test_pass_whose_loss_is_of_another_precision_is_left_out(recorded, framework):
    recording = recorded(framework, "narrow_loss")
    assert recording.passes == ["float32", "float32 perturbed"]
    assert recording.left_out == dict.fromkeys(PASSES[2:], "the loss is computed in float32")


@EACH
def test_gradient_of_few_rows_is_a_whole_array(recorded, framework):
    recording = recorded(framework, "tokens")
    name = recording.weights[0].name
    assert recording.gradient("float64", name).shape == (7, 3)
    moved = recording.weight_after("float64", 1, name) - recording.weight("float64", name)
    assert near(moved, -RATE * recording.gradient("float64", name), 1e-7)


@EACH
def test_model_and_optimizer_are_as_they_were(facts, framework):
    assert all(facts[framework]["state"]), facts[framework]["state"]


EXPECTED_ERRORS = {
    "no loss": "training needs y and loss=, got no loss=; without both, forward passes alone are recorded",
    "no y": "got no y;",
    "optimizer alone": "got no y and loss=;",
    "other rows": "y has 4 rows and x 6; expected a target for each row",
    "NaN in y": "y has NaN, first at (2, 1)",
    "no scalar": "the loss gives an array of shape (6,); expected one number, such as its mean over the rows",
    "NaN from the start": "the loss is nan from the start; expected a number",
    "no loss at all": "loss=: expected a ",
    "loss raises": "the model cannot be trained on the input: TypeError: ",
    "no optimizer": "optimizer=: expected a ",
    "steps fall": "steps: expected rising whole numbers above 0, such as (1, 10, 200), got (3, 1)",
    "steps of nothing": "got ()",
    "step 0": "got (0, 1)",
    "steps are no numbers": "got 5",
    "other weights": " arrays that are none of the model's; expected one of ",
    "no weights": "the loss depends on no weight of the model; expected one of its outputs",
    "makes no optimizer": "expected a torch.optim.Optimizer, or a function of parameters, got int",
    "optimizer raises": "the optimizer cannot be made: ZeroDivisionError: division by zero",
    "unknown loss": "unknown loss 'mean_squared_eror'; did you mean 'mean_squared_error'?",
    "unknown optimizer": "unknown optimizer 'sdg'; did you mean 'sgd'?",
}


@EACH
def test_what_cannot_be_trained_is_told_in_one_line(facts, framework):
    for name, said in facts[framework]["errors"].items():
        assert EXPECTED_ERRORS[name] in said, name
        assert said.isprintable()


@EACH
def test_a_loop_of_ones_own_is_recorded_as_it_runs(recorded, folders, facts, framework):
    recording = recorded(framework, "loop")
    assert facts[framework]["loop"][0], "the loop does something else while it is recorded"
    fit = recording.fit
    assert (fit.loop, fit.stopped, fit.steps, fit.loss.op, fit.optimizer.op) == (
        *(True, "", [1, 2, 3], "cross_entropy", "sgd"),
    )
    assert (recording.passes, recording.rows) == (["float32"], 6)
    expected = [row_digests(IMAGES[rows_of(step)]) for step in range(4)]
    assert all(map(np.array_equal, recording.batches("float32"), expected))
    name = recording.weights[0].name
    with np.load(folders[framework] / "own_loop.npz") as own:
        assert np.array_equal(recording.weight("float32", name), own["before"])
        assert np.array_equal(recording.gradient("float32", name), own["gradient"])
        assert not np.array_equal(recording.next_gradient("float32", name), own["gradient"])
        assert np.array_equal(recording.weight_after("float32", 3, name), own["after 3"])
        assert near(recording.losses("float32"), own["losses"], 1e-12)
        assert near(recording.predictions("float32")[0], own["prediction"], 1e-6)
    assert np.array_equal(recording.targets("float32")[0], CLASSES)
    assert [call.op for call in recording.calls] == ["conv", "batch_norm", "relu", "dropout", "flatten", "dense"]


@EACH
def test_a_loop_that_does_not_end_well_says_what_was_written(folders, facts, framework):
    no_batch, nothing, no_number, too_few, stopped, went_on = facts[framework]["loop"][1:]
    assert no_batch == [
        "r.step: expected r.batch(x, y) before it",
        f"twintrain.recording has written nothing: {nothing[0]}",
    ]
    assert nothing == ["nothing was recorded: r.batch(x, y) was not called; expected it before each step"]
    assert no_number[0].startswith("r.loss: expected one number, got ndarray: TypeError: ")
    assert too_few[0] == "r.gradients: expected one of each of the 4 trained weights, got 0"
    path = folders[framework] / "broken.npz"
    assert stopped == ["division by zero", f"twintrain.recording has written {path}, up to step 1"]
    assert went_on == "it went on"
    recording = load(path)
    assert (recording.fit.stopped, recording.fit.steps) == ("ZeroDivisionError: division by zero", [1])
    assert recording.losses("float32").tolist() == [0.5]


@EACH
def test_of_large_arrays_samples_are_kept_and_compared(recorded, framework):
    whole, sampled = recorded(framework, "whole"), recorded(framework, "large")
    assert (whole.limit, sampled.limit) == (None, 4096)
    sizes = {name: array.size for name, array in sampled.arrays.items() if name.startswith("float")}
    assert max(sizes.values()) <= 4096
    cut = [name for name, size in sizes.items() if whole.arrays[name].size > size]
    assert {name.split("/")[1] for name in cut} == {"tensor", "gradient", "step"}
    assert cut == [f"{pass_}/{rest}" for pass_, digests in sampled.digests.items() for rest in digests]
    for name in sizes:
        assert np.array_equal(sampled.arrays[name], kept(whole.arrays[name], 4096)), name
    for pair in ((sampled, sampled), (whole, sampled)):
        found = diff(*pair)
        assert found.verdict == "same"
        # Gates lie in an order of each framework's own, which a sample does not keep.
        roles = {row.role for row in found.training.rows if row.quantity == "gradient"}
        assert roles == {"kernel", "bias"}


RULES = {
    "torch": {
        "entropy": ("cross_entropy", {"label_smoothing": 0.1, "class_weights": [1.0, 2.0, 0.5]}),
        "a function": ("cross_entropy", {"from_logits": True, "reduction": "mean"}),
        "a part": ("cross_entropy", {"label_smoothing": 0.2, "reduction": "sum"}),
        "binary": ("binary_cross_entropy", {"from_logits": True}),
        "probabilities": ("binary_cross_entropy", {"from_logits": False}),
        "huber": ("huber", {"delta": 0.5}),
        "divergence": ("kl", {"reduction": "batchmean"}),
        "own": (None, {}),
        "sgd": ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        "adam": ("adam", {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6, "decoupled": False}),
        "adamw": ("adamw", {"weight_decay": 0.01, "decoupled": True}),
        "rmsprop": ("rmsprop", {"rho": 0.95, "centered": True, "epsilon_is_added_to": "root"}),
    },
    "keras": {
        "entropy": ("cross_entropy", {"from_logits": True, "label_smoothing": 0.1, "reduction": "mean"}),
        "a function": ("cross_entropy", {"from_logits": False}),
        "a name": ("mse", {"reduction": "mean"}),
        "a sum": ("mse", {"reduction": "sum of row means"}),
        "binary": ("binary_cross_entropy", {"from_logits": True}),
        "probabilities": ("binary_cross_entropy", {"from_logits": False}),
        "huber": ("huber", {"delta": 0.5}),
        "divergence": ("kl", {"reduction": "batchmean"}),
        "own": (None, {}),
        "sgd": ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "clip_norm": 1.0, "decoupled": True}),
        "adam": ("adam", {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6, "global_clip_norm": 2.0}),
        "adamw": ("adamw", {"weight_decay": 0.01, "decoupled": True}),
        "rmsprop": ("rmsprop", {"rho": 0.95, "centered": True, "clip_value": 0.5, "epsilon_is_added_to": "square"}),
    },
}


@EACH
def test_losses_and_optimizers_are_told_in_words_of_both_frameworks(facts, framework):
    found = facts[framework]["words"]
    assert found.keys() == RULES[framework].keys()
    for name, (op, options) in RULES[framework].items():
        assert found[name][1] == op, name
        assert options.items() <= found[name][2].items(), name
