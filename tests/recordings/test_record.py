import json

import numpy as np
import pytest
from both_frameworks import FRAMEWORKS, recorded_in_both

from twintrain.recordings.archive import load
from twintrain.recordings.contents import PASSES

pytestmark = pytest.mark.parametrize("framework", FRAMEWORKS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return recorded_in_both("scenarios_worker.py", tmp_path_factory)


@pytest.fixture
def recorded(folders, framework):
    return lambda name: load(folders[framework] / f"{name}.npz")


@pytest.fixture
def facts(folders, framework):
    return json.loads((folders[framework] / "facts.json").read_text())


def ops(recording):
    return [call.op for call in recording.calls]


def test_recording_says_what_it_is_of(recorded, framework):
    recording = recorded("chain")
    assert (recording.framework, recording.device, recording.rows, recording.training) == (framework, "cpu", 2, False)
    assert {framework, "numpy"} <= recording.versions.keys()
    assert recording.passes == [*PASSES]
    assert recording.perturbation == 2**-20


def test_output_of_a_call_is_the_input_of_the_next(recorded, folders, framework):
    recording = recorded("chain")
    assert ops(recording) == ["conv", "batch_norm", "relu", "dropout", "flatten", "dense"]
    assert [call.inputs for call in recording.calls] == [[0], [1], [2], [3], [4], [5]]
    assert [call.outputs for call in recording.calls] == [[1], [2], [3], [4], [5], [6]]
    assert (recording.inputs, recording.outputs) == ([0], [6])
    with np.load(folders[framework] / "steps.npz") as steps:
        for number, step in enumerate(steps.values(), start=1):
            assert np.array_equal(recording.tensor("float32", number), step)


def test_float64_is_computed_in_float64(recorded):
    recording = recorded("chain")
    narrow, wide = (recording.tensor(pass_, 6) for pass_ in ("float32", "float64"))
    assert (narrow.dtype, wide.dtype) == ("float32", "float64")
    assert 0 < np.abs(narrow - wide).max() < 1e-5
    for weight in recording.weights:
        assert np.array_equal(recording.weight("float32", weight.name), recording.weight("float64", weight.name))


def test_perturbed_pass_is_a_little_off(recorded):
    recording = recorded("chain")
    moved = recording.tensor("float64", 6) - recording.tensor("float64 perturbed", 6)
    assert 1e-8 < np.abs(moved).max() < 1e-4
    assert np.array_equal(recording.tensor("float64", 0), recording.tensor("float64 perturbed", 0))


def test_shared_layer_and_residual(recorded):
    recording = recorded("residual")
    assert ops(recording) == ["conv", "relu", "add", "relu"]
    assert [call.name for call in recording.calls] == ["conv", "relu", "add", "relu"]
    assert [call.inputs for call in recording.calls] == [[0], [1], [2, 0], [3]]
    assert [call.outputs for call in recording.calls] == [[1], [2], [3], [4]]
    before, after = recording.tensor("float32", 1), recording.tensor("float32", 2)
    assert before.min() < 0
    assert np.array_equal(after, np.maximum(before, 0))
    assert np.array_equal(recording.tensor("float32", 3), after + recording.tensor("float32", 0))


@pytest.mark.parametrize("name", ["two_inputs", "named_inputs"])
def test_several_inputs_are_joined(recorded, name):
    recording = recorded(name)
    assert sorted(recording.inputs) == [0, 1]
    assert ops(recording) == ["dense", "dense", "concatenate"]
    left, right, joined = recording.calls
    assert joined.options == {"axis": 1}
    assert joined.inputs == [*left.outputs, *right.outputs]
    assert (left.name[:4], right.name[:5]) == ("left", "right")
    values = [recording.tensor("float64", call.inputs[0]) for call in (left, right)]
    assert np.allclose(2 * values[0], values[1], rtol=1e-6, atol=0)  # one of them comes as a tensor of float32
    joined = [recording.tensor("float64", number) for number in (*left.outputs, *right.outputs)]
    assert np.array_equal(recording.tensor("float64", recording.outputs[0]), np.concatenate(joined, axis=1))


def test_layers_in_layers_are_named_by_where_they_are(recorded, framework):
    recording = recorded("blocks")
    assert ops(recording) == ["dense", "tanh", "relu", "add"] * 3
    inner = {"torch": ("body.0", "body.1"), "keras": ("body/dense", "body/dense/activation")}[framework]
    dot, places = {"torch": (".", ("0", "1")), "keras": ("/", ("first", "second"))}[framework]
    one, other = (
        [f"{place}{dot}{inner[0]}", f"{place}{dot}{inner[1]}", f"{place}/relu", f"{place}/add"] for place in places
    )
    assert [call.name for call in recording.calls] == [*one, *other, *one]
    offset = f"{places[0]}{dot}offset"
    assert recording.calls[3].weights == recording.calls[11].weights == {"operand": offset}
    assert len(recording.weights) == 6
    added = recording.tensor("float64", recording.calls[2].outputs[0]) + recording.weight("float64", offset)
    assert np.array_equal(recording.tensor("float64", recording.calls[3].outputs[0]), added)


def test_layer_of_several_outputs(recorded):
    recording = recorded("two_outputs")
    (call,) = recording.calls
    assert call.outputs == recording.outputs == [1, 2, 3]
    sequence, last = (recording.tensor("float64", number) for number in (1, 2))
    assert np.allclose(sequence[:, -1], last.reshape(2, 3), rtol=1e-12)


def test_model_without_arrays_yet_makes_them_first(recorded):
    recording = recorded("unbuilt")
    assert ops(recording) == ["conv", "flatten", "dense"]
    assert recording.passes == [*PASSES]
    assert sorted(recording.weights[0].shape) == [3, 3, 3, 4]


def test_training_is_recorded_as_such(recorded):
    recording = recorded("training")
    assert recording.training
    options = {call.op: call.options for call in recording.calls}
    assert options["batch_norm"]["training"] is options["dropout"]["training"] is True
    channels = recording.tensors[1].shape.index(3)
    normed = np.moveaxis(recording.tensor("float64", 2), channels, 0).reshape(3, -1)
    assert np.allclose(normed.mean(axis=1), 0, atol=1e-12)
    before, after = recording.tensor("float64", 3), recording.tensor("float64", 4)
    assert 0 < np.mean((after == 0) & (before > 0)) < 1
    # The same numbers are dropped in the perturbed pass.
    assert np.array_equal(after == 0, recording.tensor("float64 perturbed", 4) == 0)


def test_what_cannot_be_cast_is_left_out_and_said(recorded, framework):
    recording = recorded("narrow")
    call = {"torch": "float (float)", "keras": "narrow/cast (cast)"}[framework]
    assert recording.passes == ["float32", "float32 perturbed"]
    assert recording.left_out == dict.fromkeys(PASSES[2:], f"{call} computes in float32")


def test_model_of_float64_is_recorded_in_both(recorded):
    recording = recorded("wide")
    assert recording.passes == [*PASSES]
    assert {recording.tensor("float32", 1).dtype, recording.tensor("float64", 1).dtype} == {
        np.dtype("f4"),
        np.dtype("f8"),
    }


def test_model_is_as_it_was(facts):
    expected = [f"{what}, training={mode}" for mode in (False, True) for what in ("record", "record_calls")]
    assert facts["state"] == dict.fromkeys([*expected, "normed weights", "raised"], True)


EXPECTED_ERRORS = {
    "NaN in the input": ["input has NaN, first at (1, 2), and all that is computed of it would be NaN"],
    "NaN in one of two": ["input 1 has NaN, first at (1, 2)"],
    "NaN in the output": [
        "the model gives NaN, first in ",
        "; expected weights and input of which it computes numbers",
    ],
    "another shape": ["the model cannot be run on the input: ", "Error: ", "4"],
    "raises": ["the model cannot be run on the input: RuntimeError: ", "of no use"],
    "no model": ["expected a torch.nn.Module or a keras.Model of Keras 3, got builtins.function"],
    "no rows": ["expected an array or tensor, or several in a tuple, list or dict, with rows first, got none"],
    "no array": ["expected an array or tensor, or several in a tuple, list or dict, with rows first, got str"],
    "no folder": ["a.npz cannot be written: ", "expected to= in a folder that is there"],
}


@pytest.mark.parametrize("name", EXPECTED_ERRORS)
def test_bad_input_is_told_in_one_line(facts, name):
    said = facts["errors"][name]
    assert [part for part in EXPECTED_ERRORS[name] if part not in said] == [], said
    assert said.isprintable()
