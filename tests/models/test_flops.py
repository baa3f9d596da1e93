import json
from pathlib import Path

import pytest
from flops_cases import networks
from twin_cases import one
from worker_process import run_worker

from twintrain.data.schema import Schema
from twintrain.models.flops import flops
from twintrain.models.layers import LAYERS
from twintrain.models.network import Network, place_layers
from twintrain.system import project

NETWORKS = networks()


@pytest.fixture(scope="module")
def counted(tmp_path_factory) -> dict[str, int]:
    """What PyTorch counts in each network, one row predicted."""
    out = tmp_path_factory.mktemp("flops") / "counted.json"
    run_worker("flops_worker.py", out)
    return json.loads(out.read_text("utf-8"))


@pytest.mark.parametrize("name", NETWORKS)
def test_operations_are_those_that_pytorch_counts(name, counted):
    assert flops(NETWORKS[name]) == counted[name] > 0


def test_every_kind_of_layer_and_every_model_is_counted():
    # A softmax of the last axis is a head here, and no layer.
    assert {placed.kind for network in NETWORKS.values() for placed in network.walk()} == LAYERS.keys() - {"softmax"}
    assert set(project.names_in(project.MODELS)) <= NETWORKS.keys()


@pytest.mark.parametrize(
    ("shape", "layer", "multiply_adds"),
    [
        ((5,), one("dense", units=4), 5 * 4 + 4 * 2),
        ((6, 5), one("dense", units=4), 6 * 5 * 4 + 6 * 4 * 2),
        # 4 x 4 places of a window of 3 x 3 over 2 channels, for each of 3 filters
        ((6, 6, 2), one("conv2d", filters=3, kernel_size=3), 16 * 9 * 2 * 3 + 16 * 3 * 2),
        # a window of 3 x 3 from each of 2 x 3 places, whatever is left out of it
        (
            (2, 3, 2),
            one("conv2d_transpose", filters=4, kernel_size=3, strides=2, padding="same"),
            6 * 9 * 2 * 4 + 4 * 6 * 4 * 2,
        ),
        # half of 4 channels for each filter
        ((6, 6, 4), one("conv2d", filters=2, kernel_size=3, groups=2, padding=1), 36 * 9 * 2 * 2 + 36 * 2 * 2),
        # the same depthwise, then pointwise
        ((6, 6, 2), one("separable_conv2d", filters=3, kernel_size=3), 16 * 9 * 2 + 16 * 2 * 3 + 16 * 3 * 2),
        # 4 gates in each of 6 steps, inputs and state; the last step alone goes on
        ((6, 5), one("lstm", units=3), 6 * 4 * (5 * 3 + 3 * 3) + 3 * 2),
        ((6, 5), one("bidirectional", layer=one("gru", units=3)), 2 * 6 * 3 * (5 * 3 + 3 * 3) + 6 * 2),
        ((6, 5), one("batch_norm"), 6 * 5 * 2),
        # four kernels of 5 by 2 heads of 3 at each step, and scores and mixtures of all steps by all
        ((6, 5), one("multi_head_attention", num_heads=2, key_dim=3), 6 * 4 * 5 * 6 + 2 * 6 * 6 * 6 + 6 * 5 * 2),
    ],
)
def test_operations_by_hand(shape, layer, multiply_adds):
    schema = Schema(
        dataset="case",
        task="regression",
        labels=[],
        input_shape=list(shape),
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=2,
    )
    network = place_layers([layer, "flatten", one("dense", units="outputs")], "case", "aligned", schema, Path("case"))
    assert flops(network) == 2 * multiply_adds


def test_twin_of_the_users_own_has_no_list_to_count_by():
    schema = NETWORKS["cnn"].schema
    assert flops(Network("own", "aligned", schema, layers=(), source=Path("own.py"))) is None
