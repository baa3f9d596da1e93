"""Weights of one framework's recording in the other's model: the two are then the same."""

import json

import pytest
from both_frameworks import FRAMEWORKS
from worker_process import finish, start_worker

from twintrain import diff

pytestmark = pytest.mark.slow

NAMES = (
    *("dense", "conv1d", "conv2d", "transpose", "depthwise", "separable", "separable1d", "embedding"),
    *(
        "lstm",
        "gru",
        "bidirectional",
        "bidirectional_gru",
        "attention",
        "branches",
        "named_branches",
        "projections",
        "heads",
        "tied",
        "scaled",
    ),
)
# Two biases of PyTorch's are one of Keras's, and their sum is rounded to float32; Keras's attention keeps its scale so.
ROUNDING = {("keras", "lstm"), ("keras", "bidirectional"), ("keras", "attention"), ("torch", "attention")}
CASES = [(taker, name) for taker in FRAMEWORKS for name in NAMES]
GIVER = dict(zip(FRAMEWORKS, reversed(FRAMEWORKS), strict=True))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {framework: tmp_path_factory.mktemp(framework) for framework in FRAMEWORKS}
    workers = [start_worker("transfer_worker.py", name, found[name], found[GIVER[name]]) for name in FRAMEWORKS]
    for worker in workers:
        finish(worker)
    return found


@pytest.fixture(scope="module")
def told(folders):
    return {framework: json.loads((folder / "told.json").read_text()) for framework, folder in folders.items()}


@pytest.mark.parametrize(("taker", "name"), CASES)
def test_what_takes_weights_over_is_the_same_as_what_gave_them(folders, told, taker, name):
    assert isinstance(told[taker][name], dict), told[taker][name]
    assert told[taker][name]["error"] < 1e-5
    found = diff(folders[GIVER[taker]] / f"{name}.npz", folders[taker] / f"{name}-taken.npz")
    assert found.verdict == ("rounding" if (taker, name) in ROUNDING else "same"), str(found)


@pytest.mark.parametrize("taker", FRAMEWORKS)
def test_layers_that_are_stacked_in_one_go_into_several(folders, told, taker):
    found = told[taker]["stacked"]
    assert (found["source_alone"], found["target_alone"], len(found["layers"])) == ([], [], 3)
    assert found["error"] < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_networks_were_others_before(folders, name):
    assert not diff(folders["torch"] / f"{name}.npz", folders["keras"] / f"{name}.npz").passed


@pytest.mark.parametrize("taker", FRAMEWORKS)
def test_branches_that_are_run_in_another_order_are_told_apart_by_where_they_go(told, taker):
    twins = {"first": "a", "first_out": "a_out", "second": "b", "second_out": "b_out"}
    found = dict(told[taker]["branches"]["layers"])
    assert found == (twins if taker == "keras" else {there: here for here, there in twins.items()})
    assert told[taker]["branches"]["uncertain"] == []
    named = dict(told[taker]["named_branches"]["layers"])
    assert named == {name: name for name in ("left", "left_out", "right", "right_out")}


@pytest.mark.parametrize("taker", FRAMEWORKS)
def test_layers_that_nothing_else_tells_apart_are_told_by_what_the_model_gives(told, taker):
    twins = {"query": "q", "key": "k", "value": "v"}
    found = dict(told[taker]["projections"]["layers"])
    assert found == (twins if taker == "keras" else {there: here for here, there in twins.items()})
    assert told[taker]["projections"]["uncertain"] == []


@pytest.mark.parametrize("taker", FRAMEWORKS)
def test_what_other_rows_cannot_tell_is_listed_as_uncertain(told, taker):
    found, _ = told[taker]["unsure"]
    assert sorted(found["uncertain"]) == (["k", "q", "v"] if taker == "keras" else ["key", "query", "value"])
    assert found["error"] > 1e-3


@pytest.mark.parametrize("taker", FRAMEWORKS)
def test_a_pair_that_is_given_goes_before_all_else_and_is_told_to_be_another_network(told, taker):
    right = told[taker]["dense"]["layers"]
    found, is_left = told[taker]["pairs"]
    assert [right[0][0], right[2][1]] in found["layers"]
    assert found["error"] > 1e-3
    assert not is_left


@pytest.mark.parametrize("taker", FRAMEWORKS)
@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("unknown", "pairs: the recording has no layer with weights called"),
        ("unfit", "do not fit; expected one kind and one shape"),
        ("refused", "no counterpart: the recording has "),
        ("other rows", "the model cannot be run on the rows of the recording"),
        ("given rows", "the model cannot be run on the rows of the recording"),
        ("bare", "the model has no weights yet; call it on its rows first"),
        ("not started", "weights: no counterpart: the recording has "),
    ],
)
def test_what_cannot_be_taken_over_is_one_line_and_leaves_the_model_as_it_was(told, taker, case, reason):
    found, is_left = told[taker][case]
    assert isinstance(found, str)
    assert found.startswith(reason) or reason in found
    assert "\n" not in found
    assert is_left


@pytest.mark.parametrize("taker", FRAMEWORKS)
def test_a_recording_may_begin_with_the_weights_of_another_which_the_model_does_not_get(folders, told, taker):
    assert told[taker]["started"] == [3, True]
    assert not (folders[taker] / "scaled-started.npz").exists()
    found = diff(folders[GIVER[taker]] / "conv2d.npz", folders[taker] / "conv2d-started.npz")
    assert found.verdict == "same", str(found)


@pytest.mark.parametrize("taker", FRAMEWORKS)
def test_what_stays_over_is_listed(told, taker):
    found, _ = told[taker]["allowed"]
    assert len(found["layers"]) == 1
    assert len(found["source_alone"]) == 5  # two layers, and the bias of the third
    assert len(found["target_alone"]) == 1
    refused, _ = told[taker]["refused"]
    assert all(name in refused for name in (*found["source_alone"], *found["target_alone"]))
    assert "pairs=" in refused
