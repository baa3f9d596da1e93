"""Further targets: what follows from the class beside it, and what does not."""

import json

import pytest

from twintrain.data.dataset import load_dataset
from twintrain.data.schema import Schema, network_schema
from twintrain.data.targets import Target
from twintrain.errors import UserError
from twintrain.settings.params import Params
from twintrain.settings.sections.data import Preprocess
from twintrain.settings.yaml_files import validated

PARITY = {"even": [0, 2, 4, 6, 8], "odd": [1, 3, 5, 7, 9]}


def schema_of(name, further, **preprocess):
    return network_schema(name, load_dataset(name), Preprocess(further=further, **preprocess))


def test_targets_are_the_data_sets_own_and_then_the_further_ones(project):
    thirds = {"low": [9, 0, 1], "high": [7, 8], "middle": [2, 3, 4, 5, 6]}
    schema = schema_of("mnist5k", {"parity": PARITY, "third": thirds})
    assert [*schema.targets] == ["digit", "parity", "third"]
    assert schema.further == ["parity", "third"]
    assert schema.targets["parity"] == Target(task="binary", labels=["even", "odd"], of_class=[0, 1] * 5)
    assert schema.targets["third"].labels == ["low", "high", "middle"]
    assert schema.targets["third"].of_class == [0, 0, 2, 2, 2, 2, 2, 1, 1, 0]
    assert schema.places_of_targets == {"digit": slice(0, 10), "parity": slice(10, 11), "third": slice(11, 14)}
    assert (schema.task, len(schema.labels), schema.outputs) == ("multiclass", 10, 14)


def test_a_target_alone_is_a_schema_of_one(project):
    several, one = schema_of("mnist5k", {"parity": PARITY}), schema_of("mnist5k", None)
    assert several.of_target("digit") == one
    alone = several.of_target("parity")
    assert (alone.task, alone.labels, alone.outputs, alone.targets) == ("binary", ["even", "odd"], 1, {})


def test_files_of_one_target_are_as_they_were(project, tmp_path):
    schema_of("mnist5k", None).save(tmp_path)
    assert "targets" not in json.loads((tmp_path / "schema.json").read_text())
    several = schema_of("mnist5k", {"parity": PARITY})
    several.save(tmp_path)
    assert Schema.load(tmp_path) == several


@pytest.mark.parametrize(
    ("dataset", "further", "message"),
    [
        (
            "car",
            {"good": {"no": ["unacc", "ac"], "yes": ["good", "vgood"]}},
            "unknown class in preprocess.further.good.no: 'ac'; did you mean 'acc'?",
        ),
        (
            "car",
            {"good": {"no": ["unacc"], "yes": ["good", "vgood"]}},
            "preprocess.further.good: expected a label for each class, got none for 'acc'",
        ),
        (
            "car",
            {"good": {"no": ["unacc", "acc"], "yes": ["acc", "good", "vgood"]}},
            "preprocess.further.good.yes: expected each class under one label, got 'acc' again",
        ),
        (
            "mnist5k",
            {"digit": PARITY},
            "preprocess.further: 'digit' is what mnist5k has already; expected another name",
        ),
        (
            "diabetes_progression",
            {"parity": PARITY},
            "preprocess.further: targets follow from the class, and diabetes_progression has none; expected null",
        ),
    ],
)
def test_targets_that_do_not_follow_from_the_class_are_refused(project, error_of, dataset, further, message):
    assert error_of(schema_of, dataset, further) == message


def test_a_network_that_gives_back_its_input_has_no_further_targets(project, error_of):
    given_back = lambda: schema_of("mnist5k", {"parity": PARITY}, target="input")  # noqa: E731
    assert error_of(given_back) == (
        "preprocess.further: targets follow from labels, and target: input has none; expected null"
    )


@pytest.mark.parametrize(
    ("further", "said"),
    [
        ({"Parity": PARITY}, "expected names of small letters, digits and _ after a letter, 50 at most, got 'Parity'"),
        ({"p" * 51: PARITY}, "expected names of small letters, digits and _ after a letter, 50 at most, got 'ppp"),
        ({"parity": {"even": [0]}}, "parity: expected two labels or more with their classes, got 1"),
        ({"parity": {"all": [0, 1], "none": []}}, "parity: expected classes under each label, got none for 'none'"),
        ({"parity": [0, 1]}, "further.parity"),
    ],
)
def test_what_is_no_target_is_refused(further, said):
    content = {"dataset": "", "model": "", "frameworks": ["torch"], "preprocess": {"further": further}}
    with pytest.raises(UserError, match=said) as caught:
        validated(Params, content, "params.yaml")
    assert "\n" not in str(caught.value)
