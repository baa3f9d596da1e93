"""Which layer's weights go where, by where it lies in the graph: no framework is needed for that."""

import itertools
import json

import pytest
from made_recordings import Network, image_network, sequence_network
from worker_process import run_worker

from twintrain import UserError, diff
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.transferring.holders import holders
from twintrain.recordings.transferring.pairing import groups, pair
from twintrain.recordings.transferring.places import colours

ORDERS = list(itertools.permutations(range(3)))


def branching(framework, order=(0, 1, 2), has_join=True):
    """Branches of equal layers, two in each, that are run in some order; names tell nothing."""
    net = Network(framework)
    x = net.dense(f"{framework}_start", net.rows(4), (4, 4))
    ends = {}
    for number in order:
        y = net.dense(f"{framework}_{len(net.maker.calls)}", x, (4, 4))
        net.maker.calls[-1] = net.maker.calls[-1]._replace(kind=f"Inner {number}")
        ends[number] = net.dense(f"{framework}_{len(net.maker.calls)}", net.plain("relu", "relu", y), (4, 4))
        net.maker.calls[-1] = net.maker.calls[-1]._replace(kind=f"Outer {number}")
    kind = ("concatenate", {"axis": 1}) if has_join else ("add", {})
    return net.maker.recording(net.plain("join", kind[0], *(ends[number] for number in range(3)), **kind[1]))


def side_and_holders(recording):
    side = Side(recording, "float64", "")
    arrays = {weight.name: recording.weight("float64", weight.name) for weight in recording.weights}
    return side, holders(side.calls, recording.weights, arrays)


def paired(reference, other, **given):
    """Kinds of the calls that were paired, and how many could be exchanged."""
    (ours, a), (theirs, b) = side_and_holders(reference), side_and_holders(other)
    placed = colours((ours, a), (theirs, b))
    found = pair(a, b, placed, given)
    kinds = {(ours.calls[a[at].place].kind, theirs.calls[b[to].place].kind) for at, to in found}
    return kinds, sum(map(len, groups(a, b, found, placed, given)))


@pytest.mark.parametrize("order", ORDERS)
def test_branches_that_are_joined_in_one_order_go_by_that_whatever_order_they_are_run_in(order):
    kinds, doubtful = paired(branching("torch"), branching("keras", order))
    assert len(kinds) == 7
    assert all(ours == theirs for ours, theirs in kinds)
    assert doubtful == 0


def test_branches_that_are_added_could_be_exchanged_and_go_in_their_order():
    kinds, doubtful = paired(branching("torch", has_join=False), branching("keras", has_join=False))
    assert all(ours == theirs for ours, theirs in kinds)
    assert doubtful == 6


def test_a_pair_that_is_given_goes_before_the_graph():
    kinds, _ = paired(branching("torch"), branching("keras"), torch_1="keras_4")
    assert ("Inner 0", "Inner 1") in kinds


@pytest.mark.parametrize(
    ("given", "reason"), [({"torch_1": "keras_x"}, "the model has no layer"), ({"x": "y"}, "the recording has")]
)
def test_a_name_that_is_not_there_is_one_line(given, reason):
    with pytest.raises(UserError, match=reason):
        paired(branching("torch"), branching("keras"), **given)


@pytest.mark.parametrize("make", [image_network, sequence_network])
def test_every_layer_finds_its_twin_whatever_the_layout(make):
    (ours, a), (theirs, b) = (side_and_holders(make(framework)) for framework in ("torch", "keras"))
    found = pair(a, b, colours((ours, a), (theirs, b)), {})
    assert [(a[at].name, b[to].name) for at, to in found] == [(each.name, each.name) for each in a]
    assert len(found) == len(b)


def test_what_lacks_on_one_side_is_left_out_and_the_others_go_in_their_order():
    (ours, a), (theirs, b) = (
        side_and_holders(image_network("torch")),
        side_and_holders(image_network("keras", {"dense2": "left out"})),
    )
    found = {a[at].name: b[to].name for at, to in pair(a, b, colours((ours, a), (theirs, b)), {})}
    assert found.pop("dense1") == "dense1"
    assert "dense2" not in found
    assert all(name == other for name, other in found.items())


@pytest.mark.slow
def test_networks_of_the_twin_contract_take_each_other_over(tmp_path):
    for framework in ("torch", "keras"):
        run_worker("transferred_rows_worker.py", framework, tmp_path)
    told = json.loads((tmp_path / "told.json").read_text())
    assert len(told) == 12
    for name, found in told.items():
        assert found["error"] < 1e-4, name
        assert [found[key] for key in ("source_alone", "target_alone", "uncertain")] == [[], [], []], name


@pytest.mark.slow
def test_resnet18_of_torchvision_is_taken_over_by_one_written_in_keras(tmp_path):
    for framework in ("torch", "keras"):
        run_worker("resnet_worker.py", framework, tmp_path)
    told = json.loads((tmp_path / "told.json").read_text())
    assert len(told["layers"]) == 41
    assert told["error"] < 1e-5
    assert [told[key] for key in ("source_alone", "target_alone", "uncertain")] == [[], [], []]
    found = diff(tmp_path / "torch.npz", tmp_path / "keras.npz")
    assert found.verdict == "same", str(found)
