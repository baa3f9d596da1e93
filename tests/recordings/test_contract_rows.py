"""Every row of the twin contract, recorded by what records anybody's networks: one network, and not with a mistake."""

import json

import pytest
from both_frameworks import recorded_in_both
from contract_rows_worker import MISTAKEN
from twin_cases import LAYER_CASES, MODEL_CASES

from twintrain.recordings.comparing.diff import diff

pytestmark = pytest.mark.slow
CASES = [*LAYER_CASES, *MODEL_CASES]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return recorded_in_both("contract_rows_worker.py", tmp_path_factory)


@pytest.mark.parametrize("case", CASES)
def test_a_row_is_one_network(recorded, case):
    files = [folder / f"{case.replace('/', '_')}.npz" for folder in recorded.values()]
    found = diff(*files)
    assert found.passed, str(found)
    assert found.precision == "float64"
    constants = {row.op for row in found.layers if row.verdict == "rounding"}
    assert constants <= {"leaky_relu", "gelu", "upsample"}, str(found)


@pytest.mark.parametrize("case", MISTAKEN)
def test_one_number_of_one_kernel_is_found(recorded, case):
    file = f"{case.replace('/', '_')}.npz"
    wanted = json.loads((recorded["keras"] / "mistakes.json").read_text())[case]
    found = diff(recorded["torch"] / file, recorded["keras"] / "mistake" / file)
    assert found.verdict == "different", str(found)
    named = {row.other_name for row in found.differing_weights}
    assert len(named) == 1, str(found)
    # What a convolution of several layers in Keras keeps its arrays in is called so.
    assert wanted.startswith(named.pop().removesuffix("_Arrays")), str(found)
