"""Networks that were ported from PyTorch to Keras as people do it, each recorded in a process of its own."""

import pytest
from worker_process import run_worker

from twintrain.recordings.comparing.diff import diff

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ported")
    run_worker("ported_torch_worker.py", folder)
    run_worker("ported_keras_worker.py", folder)
    return folder


def compared(folder, network, port):
    return diff(folder / f"{network}_torch.npz", folder / f"{network}_{port}.npz")


def test_a_right_port_is_the_same_but_for_constants_that_keras_keeps_in_float32(recorded):
    found = compared(recorded, "images", "right")
    assert found.verdict == "rounding", str(found)
    assert {row.op for row in found.layers if row.verdict == "rounding"} == {"leaky_relu", "gelu"}
    assert all(row.rounded for row in found.layers if row.verdict == "rounding")
    assert found.other_alone == ["permute"]


def test_a_right_port_of_recurrent_layers_is_the_same_but_for_its_weights_rounding(recorded):
    found = compared(recorded, "sequences", "right")
    assert found.verdict == "rounding", str(found)  # the sum of two biases was rounded to float32
    assert [row.name for row in found.layers if row.verdict != "same"] == ["both"]
    assert "both (lstm) has weights that differ by" in str(found)


@pytest.mark.parametrize(
    ("network", "port", "layer", "mistake"),
    [
        ("images", "flatten", "flatten", "flattened in another order"),
        ("images", "slope", "leaky2", "negative_slope"),
        ("images", "epsilon", "norm1", "epsilon"),
        ("images", "padding", "conv2", "padding"),
        ("sequences", "gates", "last", "gates in another order"),
    ],
)
def test_mistake_is_named(recorded, network, port, layer, mistake):
    found = compared(recorded, network, port)
    assert (found.verdict, found.first.other_name.partition("_")[0]) == ("different", layer), str(found)
    assert found.cause, str(found)
    assert found.cause.mistake == mistake
    assert found.cause.explained_error < 1e-12
    assert len(found.causes) == 1
