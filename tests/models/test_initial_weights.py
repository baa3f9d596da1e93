import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from twintrain.data.schema import Schema
from twintrain.models.initial_weights import draw_weights
from twintrain.models.layers.layer import Initializer
from twintrain.models.network import place_layers

SCHEMA = Schema(
    dataset="demo",
    task="binary",
    labels=["no", "yes"],
    input_shape=[300],
    input_dtype="float",
    categories=None,
    feature_names=None,
    outputs=1,
)
LOGITS = {"dense": {"units": "outputs"}}


def network(*entries, schema=SCHEMA):
    return place_layers([*entries, LOGITS], "m", "aligned", schema, Path("m.yaml"))


def dense(units=200, **arguments):
    return {"dense": {"units": units, **arguments}}


def drawn_kernel(initializer, seed=0):
    return draw_weights(network(dense(kernel_initializer=initializer)), seed)["dense_0/kernel"]


def test_arrays_have_the_names_and_shapes_of_the_network_in_float64():
    described = network(dense(), "batch_norm")
    drawn = draw_weights(described, 0)
    assert {name: array.shape for name, array in drawn.items()} == {
        name: weight.shape for name, weight in described.weights().items()
    }
    assert {array.dtype for array in drawn.values()} == {np.dtype(np.float64)}


def test_same_seed_draws_the_same_and_another_something_else():
    first, again, other = (draw_weights(network(dense(), dense(50)), seed) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first if name.endswith("kernel"))


def test_arrays_of_one_shape_differ_from_each_other():
    drawn = draw_weights(network(dense(300), dense(300)), 0)
    assert not np.isclose(drawn["dense_0/kernel"], drawn["dense_1/kernel"]).any()


@pytest.mark.parametrize("second", [dense(7), dense(200, kernel_initializer="ones"), "batch_norm"])
def test_array_does_not_depend_on_the_layers_beside_it(second):
    alone = draw_weights(network(dense()), 0)["dense_0/kernel"]
    assert np.array_equal(draw_weights(network(dense(), second), 0)["dense_0/kernel"], alone)


def test_array_does_not_depend_on_how_much_the_layer_before_draws():
    drawn = [
        draw_weights(network(dense(200, kernel_initializer=first), dense(30)), 0)["dense_1/kernel"]
        for first in ("zeros", "normal", "glorot_uniform")
    ]
    assert np.array_equal(drawn[0], drawn[1])
    assert np.array_equal(drawn[0], drawn[2])


# Of the kernel (300, 200).
LIMITS = {
    "glorot_uniform": math.sqrt(6 / 500),
    "he_uniform": math.sqrt(6 / 300),
    "lecun_uniform": math.sqrt(3 / 300),
    "fan_in_uniform": 1 / math.sqrt(300),
    "uniform": 0.05,
}


@pytest.mark.parametrize(("initializer", "limit"), LIMITS.items())
def test_uniform_draws_fill_their_limits_evenly(initializer, limit):
    kernel = drawn_kernel(initializer)
    assert limit * 0.999 < kernel.max() <= limit
    assert -limit <= kernel.min() < -limit * 0.999
    assert kernel.mean() == pytest.approx(0, abs=0.01 * limit)
    assert kernel.var() == pytest.approx(limit**2 / 3, rel=0.02)
    quarters = np.histogram(kernel, bins=4, range=(-limit, limit))[0] / kernel.size
    assert quarters == pytest.approx([0.25] * 4, abs=0.01)


DEVIATIONS = {
    "normal": 1,
    "glorot_normal": math.sqrt(2 / 500),
    "he_normal": math.sqrt(2 / 300),
    "lecun_normal": math.sqrt(1 / 300),
}


@pytest.mark.parametrize(("initializer", "deviation"), DEVIATIONS.items())
def test_normal_draws_have_their_deviation_and_whole_tails(initializer, deviation):
    kernel = drawn_kernel(initializer) / deviation
    assert kernel.mean() == pytest.approx(0, abs=0.02)
    assert kernel.std() == pytest.approx(1, rel=0.02)
    assert (np.abs(kernel) < 1.96).mean() == pytest.approx(0.95, abs=0.005)
    assert np.abs(kernel).max() > 3


@pytest.mark.parametrize("units", [200, 300, 400])
def test_orthogonal_kernel_keeps_lengths(units):
    kernel = draw_weights(network(dense(units, kernel_initializer="orthogonal")), 0)["dense_0/kernel"]
    product = kernel.T @ kernel if units <= 300 else kernel @ kernel.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


def test_orthogonal_kernel_has_no_preferred_signs():
    kernel = draw_weights(network(dense(300, kernel_initializer="orthogonal")), 0)["dense_0/kernel"]
    # Without the signs of R, all diagonal elements of Q come out negative or all positive.
    assert 0.4 < (np.diag(kernel) > 0).mean() < 0.6


def recurrent(kind, **arguments):
    sequences = SCHEMA.model_copy(update={"input_shape": [6, 40]})
    drawn = draw_weights(network({kind: {"units": 30, **arguments}}, schema=sequences), 0)
    return {name.removeprefix(f"{kind}_0/"): array for name, array in drawn.items()}


@pytest.mark.parametrize(("kind", "gates"), [("simple_rnn", 1), ("lstm", 4), ("gru", 3)])
def test_each_gate_is_drawn_apart(kind, gates):
    drawn = recurrent(kind)
    blocks = np.split(drawn["recurrent_kernel"], gates, axis=1)
    for block in blocks:
        np.testing.assert_allclose(block.T @ block, np.eye(30), atol=1e-12)
    assert len({block.tobytes() for block in blocks}) == gates
    limit = math.sqrt(6 / 70)
    assert limit * 0.99 < np.abs(drawn["kernel"]).max() <= limit


def test_forget_gate_alone_starts_at_one():
    np.testing.assert_array_equal(recurrent("lstm")["bias"], np.repeat([0, 1, 0, 0], 30))
    np.testing.assert_array_equal(recurrent("lstm", unit_forget_bias=False)["bias"], np.zeros(120))
    np.testing.assert_array_equal(recurrent("gru")["bias"], np.zeros((2, 90)))


def test_prelu_starts_at_its_slope():
    prelu = {"activation": {"function": "prelu"}}
    np.testing.assert_array_equal(draw_weights(network(prelu), 0)["activation_0/alpha"], np.full(300, 0.25))


@pytest.mark.parametrize(("initializer", "value"), [("zeros", 0), ("ones", 1)])
def test_constant_arrays(initializer, value):
    assert (drawn_kernel(initializer) == value).all()


def test_bias_is_drawn_from_the_fan_in_of_its_kernel():
    bias = draw_weights(network(dense(2000, bias_initializer="fan_in_uniform")), 0)["dense_0/bias"]
    limit = 1 / math.sqrt(300)
    assert limit * 0.99 < np.abs(bias).max() <= limit


def test_convolution_counts_its_window_in_the_fans():
    images = SCHEMA.model_copy(update={"input_shape": [5, 5, 40]})
    kernel = draw_weights(network({"conv2d": {"filters": 60, "kernel_size": 5}}, "flatten", schema=images), 0)
    limit = math.sqrt(6 / (25 * 40 + 25 * 60))
    assert limit * 0.999 < np.abs(kernel["conv2d_0/kernel"]).max() <= limit


def drawn_embedding(initializer):
    codes = SCHEMA.model_copy(update={"input_shape": [1], "input_dtype": "int64", "categories": [500]})
    described = network({"embedding": {"embeddings_initializer": initializer}}, schema=codes)
    return draw_weights(described, 0)["embedding_0/column_0"]


@pytest.mark.parametrize("initializer", get_args(Initializer))
def test_every_initializer_can_draw_an_embedding(initializer):
    table = drawn_embedding(initializer)
    assert table.shape == (500, 50)
    assert np.isfinite(table).all()


@pytest.mark.parametrize(
    ("initializer", "limit"),
    [
        ("glorot_uniform", math.sqrt(6 / 550)),
        ("he_uniform", math.sqrt(6 / 500)),
        ("fan_in_uniform", 1 / math.sqrt(500)),
        ("uniform", 0.05),
    ],
)
def test_embedding_goes_from_categories_in_to_numbers_out(initializer, limit):
    assert limit * 0.999 < np.abs(drawn_embedding(initializer)).max() <= limit
