"""Dropout that trainings differ in, which no recorded number shows."""

from dataclasses import replace

import pytest
from made_trainings import Training

from twintrain.recordings.comparing.diff import diff
from twintrain.recordings.contents import Call
from twintrain.recordings.fit import Rule


def recorded(framework, rates, hidden=()):
    """A training whose network ends with dropout of some rates; `hidden` are names of layers that drop within."""
    made = Training().recorded(framework)
    arrays, calls, tensors, last = {**made.arrays}, [*made.calls], [*made.tensors], made.outputs[0]
    names = [f"drop{at}" for at in range(len(rates))]
    for name, rate in zip(names, rates, strict=True):
        calls.append(Call(name, "Dropout", "dropout", {"rate": rate, "training": False}, [last], [len(tensors)], {}))
        arrays |= {f"{p}/tensor/{len(tensors)}": arrays[f"{p}/tensor/{last}"] for p in made.passes}
        last = len(tensors)
        tensors.append(tensors[made.outputs[0]])
    fit = replace(made.fit, dropout=[*(name for name, rate in zip(names, rates, strict=True) if rate), *hidden])
    return replace(made, arrays=arrays, calls=calls, tensors=tensors, outputs=[last], fit=fit)


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ([0.5], [0.9], "dropout: Keras drops 0.9, PyTorch 0.5 in drop0"),
        ([0.5], [0.0], "dropout: Keras drops 0, PyTorch 0.5 in drop0"),
        ([0.5], [], "dropout: PyTorch drops 0.5, Keras nothing in drop0"),
        ([], [0.25, 0.25], "dropout: Keras drops 0.25, PyTorch nothing in drop0 and in 1 more"),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_loop", [False, True])
def test_rates_of_training_are_compared(ours, theirs, words, is_loop):
    made = [recorded("torch", ours), recorded("keras", theirs)]
    found = diff(*(replace(each, fit=replace(each.fit, loop=is_loop)) for each in made))
    assert (found.verdict, found.parts_in) == ("different", "the dropout"), str(found)
    assert [cause.sentence for cause in found.causes] == [words]


@pytest.mark.parametrize(
    ("ours", "theirs", "hidden"), [([0.5], [0.5], ()), ([0.5], [], ("lstm",)), ([0.0], [], ())], ids=str
)
def test_dropout_that_is_the_same_or_may_be_is_no_difference(ours, theirs, hidden):
    found = diff(recorded("torch", ours), recorded("keras", theirs, hidden))
    assert (found.verdict, found.causes) == ("same", []), str(found)


def test_of_forward_passes_other_rates_are_a_note():
    found = diff(*(replace(recorded(*each), fit=None) for each in (("torch", [0.5]), ("keras", [0.9]))))
    assert (found.verdict, found.notes) == ("same", ["Keras drops 0.9, PyTorch 0.5 in drop0 once they train"])


@pytest.mark.parametrize("is_loop", [False, True])
def test_a_scheduler_that_was_not_followed_is_said(is_loop):
    ours, theirs = Training().recorded("torch"), Training().recorded("keras")
    rule = Rule("SGD", "sgd", {**ours.fit.optimizer.options, "schedule": {"kind": "LRScheduler"}})
    found = diff(replace(ours, fit=replace(ours.fit, optimizer=rule, loop=is_loop)), theirs)
    said = [note for note in found.notes if "scheduler was not followed" in note]
    assert (found.verdict, len(said)) == ("same", not is_loop)
