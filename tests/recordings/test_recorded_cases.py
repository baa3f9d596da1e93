import json

import numpy as np
import pytest
from both_frameworks import FRAMEWORKS, recorded_in_both
from recorded_cases import EXPECTED, FUNCTIONS, example
from worker_process import finish, start_worker

from twintrain.recordings.archive import load
from twintrain.recordings.contents import PASSES

NOT_WRITTEN = {"dropout"}
CASES = [(framework, name) for framework in FRAMEWORKS for name in EXPECTED]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return recorded_in_both("cases_worker.py", tmp_path_factory)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_keras_is_recorded_alike_whatever_it_runs_on(folders, tmp_path, backend):
    finish(start_worker("cases_worker.py", "keras", tmp_path, KERAS_BACKEND=backend))
    for name in EXPECTED:
        recording, expected = load(tmp_path / f"{name}.npz"), load(folders["keras"] / f"{name}.npz")
        assert (recording.calls, recording.passes) == (expected.calls, expected.passes), name
        assert [weight[1:] for weight in recording.weights] == [weight[1:] for weight in expected.weights]
        with np.load(tmp_path / f"{name}-outputs.npz") as outputs:
            for number, output in zip(recording.outputs, outputs.values(), strict=True):
                # On PyTorch, an LSTM of parameters goes through another kernel than one of other tensors.
                assert np.allclose(recording.tensor("float32", number), output, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_case_is_a_network_of_both(folders, framework):
    found = {path.stem for path in folders[framework].glob("*.npz")}
    assert {name for name in found if not name.endswith("-outputs")} == set(EXPECTED)


@pytest.mark.parametrize(("framework", "name"), CASES)
def test_call_is_described_in_the_words_of_both(folders, framework, name):
    recording = load(folders[framework] / f"{name}.npz")
    op, options, axes = EXPECTED[name][framework]
    calls = [call for call in recording.calls if call.op == op]
    assert len(calls) == len(recording.calls) == 1 + (name in FUNCTIONS[framework])
    for call in calls:
        keepdims = {"keepdims": options["keepdims"]} if "keepdims" in options else {}
        assert call.options == {**options, **keepdims}
        letters = {weight.name: weight.axes for weight in recording.weights}
        assert {role: letters[weight] for role, weight in call.weights.items()} == axes


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_layer_that_is_written_as_code_gives_the_same(folders, framework):
    found = json.loads((folders[framework] / "written.json").read_text())
    errors = {name: error for case in found.values() for name, error in case.items()}
    assert {name: error for name, error in errors.items() if error is not None and not error < 1e-6} == {}
    assert {name for name, error in errors.items() if error is None} == NOT_WRITTEN
    assert set(found) == set(EXPECTED)


@pytest.mark.parametrize(("framework", "name"), CASES)
def test_arrays_are_what_the_network_computes(folders, framework, name):
    recording = load(folders[framework] / f"{name}.npz")
    assert (recording.passes, recording.left_out) == ([*PASSES], {})
    rows = example(name, channels_first=framework == "torch")
    with np.load(folders[framework] / f"{name}-outputs.npz") as outputs:
        assert len(recording.outputs) == len(outputs)
        for number, output in zip(recording.outputs, outputs.values(), strict=True):
            assert np.array_equal(recording.tensor("float32", number), output)
            assert np.allclose(recording.tensor("float64", number), output, rtol=1e-4, atol=1e-6)
    for pass_ in PASSES:
        dtype = pass_.partition(" ")[0] if rows.dtype.kind == "f" else rows.dtype
        (number,) = recording.inputs
        assert np.array_equal(recording.tensor(pass_, number), rows.astype(dtype))


@pytest.mark.parametrize(("framework", "name"), CASES)
def test_perturbed_passes_have_weights_that_are_a_little_off(folders, framework, name):
    recording = load(folders[framework] / f"{name}.npz")
    for weight in recording.weights:
        for dtype in ("float32", "float64"):
            own, other = (recording.weight(f"{dtype}{end}", weight.name) for end in ("", " perturbed"))
            assert own.dtype == other.dtype == dtype
            expected = np.abs(own) * recording.perturbation
            assert np.allclose(np.abs(own - other), expected, rtol=0.1, atol=0)
