"""The outputs of a network of several targets: which entries give them, and what a model file may not say."""

from pathlib import Path
from typing import Any

import pytest
from made_schema import schema_of
from twin_cases import one, placed

from twintrain.data.schema import Schema
from twintrain.data.targets import Target
from twintrain.models.network import Network, load_network, place_layers

OWN = Target(task="multiclass", labels=["a", "b", "c"], of_class=[0, 1, 2])
HALF = Target(task="binary", labels=["low", "high"], of_class=[0, 0, 1])
ONE = schema_of([5])
SEVERAL = ONE.model_copy(update={"labels": OWN.labels, "outputs": 4, "targets": {"letter": OWN, "half": HALF}})
LAYERS = [
    placed(one("dense", units=6), "trunk"),
    placed(one("dense", units="outputs"), "which"),
    placed(one("dense", units="outputs"), "above", "trunk"),
]
OUTPUTS = {"half": "above", "letter": "which"}


def place(outputs: dict[str, str], layers: list[Any] = LAYERS, schema: Schema = SEVERAL) -> Network:
    return place_layers(layers, "m", "aligned", schema, Path("m.yaml"), None, outputs)


def test_outputs_stand_side_by_side_in_the_order_of_the_targets():
    network = place(OUTPUTS)
    *_, which, above, last = network.layers
    assert (which.output_shape, above.output_shape, last.output_shape) == ((3,), (1,), (4,))
    assert (last.kind, last.inputs) == ("concatenate", ("which", "above"))
    assert network.layers_of_outputs() == {"which", "above"}


def test_one_layer_may_give_all_outputs():
    network = place({}, [one("dense", units="outputs")])
    assert [placed.output_shape for placed in network.layers] == [(4,)]


def test_a_model_file_names_its_outputs(project):
    Path("conf/models/m.yaml").write_text(
        "layers:\n- dense: {units: outputs}\n  name: which\n- dense: {units: 1}\n  name: above\n  from: input\n"
        "outputs: {letter: which, half: above}\n"
    )
    network = load_network("m", "aligned", SEVERAL)
    assert network.layers[-1].inputs == ("which", "above")


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({**OUTPUTS, "half": "abvoe"}, "unknown entry in m.yaml: outputs.half: 'abvoe'; did you mean 'above'?"),
        ({**OUTPUTS, "hafl": "trunk"}, "unknown target in m.yaml: outputs: 'hafl'; did you mean 'half'?"),
        (
            {"letter": "which"},
            "m.yaml: outputs: expected an entry for each of letter, half; 'half' has none",
        ),
        (
            {"letter": "which", "half": "which"},
            "m.yaml: outputs: expected entries that differ, got {'letter': 'which', 'half': 'which'}",
        ),
        (
            {"letter": "which", "half": "trunk"},
            "m.yaml layer 1 (dense) gives the outputs of 'half', whose labels are low, high: "
            "expected (1,), got (6,); end with dense: {units: 1}",
        ),
    ],
)
def test_outputs_that_do_not_fit_the_targets_are_refused(error_of, outputs, message):
    assert error_of(place, outputs) == message


def test_outputs_need_several_targets(error_of):
    assert error_of(place, OUTPUTS, LAYERS, ONE) == (
        "m.yaml: outputs are of several targets, and made has one; expected preprocess.further, or no outputs"
    )


def test_a_softmax_is_of_one_target(error_of):
    assert error_of(place, {}, [one("dense", units="outputs"), "softmax"]) == (
        "m.yaml layer 2 (softmax) does not fit made: it is of one target, not of several; leave it out"
    )
