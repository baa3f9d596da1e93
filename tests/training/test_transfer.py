"""Where a training starts: which layers take the weights of another model."""

import numpy as np
import pytest

from twintrain.data.schema import Schema
from twintrain.models.freezing import freeze_layers
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import place_layers
from twintrain.training.transfer import Trained, meaning_of_outputs, start_from

LOW, HIGH = ["0", "1", "2"], ["3", "4", "5"]


def network(labels=LOW, units=6, filters=4):
    schema = Schema(
        dataset="made up",
        task="multiclass",
        labels=labels,
        input_shape=[5, 5, 1],
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=len(labels),
    )
    layers = [
        {"conv2d": {"filters": filters, "kernel_size": 2}},
        "batch_norm",
        "flatten",
        {"dense": {"units": units}},
        {"dense": {"units": "outputs"}},
    ]
    return place_layers(layers, "small", "aligned", schema, "small.yaml")


def trained(of, seed=1):
    return Trained.of(draw_weights(of, seed), of.schema)


def network_of_words(vocabulary):
    schema = Schema(
        dataset="texts",
        task="multiclass",
        labels=LOW,
        input_shape=[4],
        input_dtype="int64",
        categories=None,
        feature_names=None,
        outputs=len(LOW),
        tokens=7,
        vocabulary=vocabulary,
    )
    layers = [
        {"embedding": {"input": "tokens", "output_dim": 3}},
        {"dense": {"units": 5}},
        "global_avg_pool",
        {"dense": {"units": "outputs"}},
    ]
    return place_layers(layers, "texts", "aligned", schema, "texts.yaml")


def test_vectors_of_words_are_taken_for_the_same_words_alone(tmp_path, error_of):
    trained(network_of_words("a")).save(tmp_path / "weights.npz")
    given = Trained.load(tmp_path / "weights.npz")
    same, other = (start_from(of, draw_weights(of, 0), given) for of in map(network_of_words, "ab"))
    assert (same.loaded, same.drawn) == (["embedding_0", "dense_1", "dense_3"], [])
    assert (other.loaded, other.drawn) == (["dense_1", "dense_3"], ["embedding_0"])
    frozen = freeze_layers(network_of_words("b"), ["embedding_0"])
    assert error_of(start_from, frozen, draw_weights(frozen, 0), given) == (
        "train.freeze: embedding_0 would keep freshly drawn weights, since train.initial_model has none that fit; "
        "expected frozen layers that it has"
    )


def test_the_file_keeps_arrays_and_classes(tmp_path):
    given = trained(network())
    given.save(tmp_path / "weights.npz")
    found = Trained.load(tmp_path / "weights.npz")
    assert found.outputs == LOW
    assert list(found.arrays) == list(given.arrays)
    assert all(np.array_equal(found.arrays[name], array) for name, array in given.arrays.items())


def test_a_network_for_the_same_classes_takes_everything():
    given, drawn = trained(network()), draw_weights(network(), 0)
    start = start_from(network(), drawn, given)
    assert (start.loaded, start.drawn) == (["conv2d_0", "batch_norm_1", "dense_3", "dense_4"], [])
    assert all(start.weights[name] is array for name, array in given.arrays.items())


def test_the_layer_of_the_outputs_is_drawn_anew_for_other_classes_though_its_shape_fits():
    given, target = trained(network()), network(HIGH)
    drawn = draw_weights(target, 0)
    start = start_from(target, drawn, given)
    assert (start.loaded, start.drawn) == (["conv2d_0", "batch_norm_1", "dense_3"], ["dense_4"])
    assert start.weights["dense_4/kernel"] is drawn["dense_4/kernel"]
    assert start.weights["dense_3/kernel"] is given.arrays["dense_3/kernel"]


def test_all_layers_whose_sum_are_the_outputs_are_drawn_anew_for_other_classes():
    outputs = {"dense": {"units": "outputs"}}
    layers = ["flatten", {"dense": {"units": 4}}, {"residual": {"layers": [outputs], "shortcut": [outputs]}}]
    given, target = (
        place_layers(layers, "sum", "aligned", network(labels).schema, "sum.yaml") for labels in (LOW, HIGH)
    )
    assert start_from(target, draw_weights(target, 0), trained(given)).loaded == ["dense_1"]
    assert start_from(given, draw_weights(given, 0), trained(given)).drawn == []


def test_a_layer_is_taken_whole_or_not_at_all():
    target = network(filters=4, units=7)
    start = start_from(target, draw_weights(target, 0), trained(network()))
    # The bias of dense_4 would fit, its kernel does not.
    assert (start.loaded, start.drawn) == (["conv2d_0", "batch_norm_1"], ["dense_3", "dense_4"])


def test_a_training_of_its_own_draws_everything():
    drawn = draw_weights(network(), 0)
    start = start_from(freeze_layers(network(), ["conv2d_0"]), drawn, None)
    assert start.weights is drawn
    assert (start.loaded, start.frozen) == ([], ["conv2d_0"])


def test_what_happened_is_said_in_one_line_and_logged():
    target = freeze_layers(network(HIGH), ["conv2d_*", "batch_norm_1"])
    start = start_from(target, draw_weights(target, 0), trained(network()))
    assert str(start) == (
        "loaded: conv2d_0, batch_norm_1, dense_3; freshly drawn: dense_4; frozen: conv2d_0, batch_norm_1"
    )
    assert start.described() == {
        "loaded_layers": "conv2d_0, batch_norm_1, dense_3",
        "drawn_layers": "dense_4",
        "frozen_layers": "conv2d_0, batch_norm_1",
    }


def test_a_model_that_does_not_fit_at_all_is_refused(error_of):
    target = network(filters=5, units=7)
    assert error_of(start_from, target, {}, trained(network())) == (
        "train.initial_model: none of its layers fits small: its conv2d_0/kernel is (2, 2, 1, 4), "
        "the network's (2, 2, 1, 5)"
    )
    stranger = Trained({"dense_0/kernel": np.zeros((8, 6))}, LOW)
    assert error_of(start_from, target, {}, stranger) == (
        "train.initial_model: none of its layers fits small: it begins with dense_0/kernel (8, 6), "
        "the network with conv2d_0/kernel (2, 2, 1, 5)"
    )


def test_a_layer_that_would_be_frozen_as_it_is_drawn_is_refused(error_of):
    target = freeze_layers(network(units=7), ["dense_3"])
    assert error_of(start_from, target, {}, trained(network())) == (
        "train.freeze: dense_3 would keep freshly drawn weights, since train.initial_model has none that fit; "
        "expected frozen layers that it has"
    )


@pytest.mark.parametrize(("labels", "meaning"), [(LOW, LOW), ([], ["made up"])])
def test_outputs_without_classes_stand_for_numbers_of_their_data_set(labels, meaning):
    assert meaning_of_outputs(network().schema.model_copy(update={"labels": labels})) == meaning


def test_outputs_of_several_targets_are_no_start_for_those_of_one():
    one = network(LOW)
    half = {"task": "binary", "labels": ["first", "second"], "of_class": [0, 0, 1]}
    own = {"task": "multiclass", "labels": LOW, "of_class": [0, 1, 2]}
    asked = {**one.schema.model_dump(), "outputs": len(LOW) + 1, "targets": {"digit": own, "half": half}}
    trunk = [{"conv2d": {"filters": 4, "kernel_size": 2}}, "batch_norm", "flatten", {"dense": {"units": 6}}]
    given = [
        {"dense": {"units": "outputs"}, "name": "dense_4"},
        {"dense": {"units": "outputs"}, "name": "which_half", "from": "dense_3"},
    ]
    trunk[-1] |= {"name": "dense_3"}
    outputs = {"digit": "dense_4", "half": "which_half"}
    several = place_layers([*trunk, *given], "s", "aligned", Schema(**asked), "s.yaml", None, outputs)
    start = start_from(several, draw_weights(several, 2), trained(one))
    assert start.drawn == ["dense_4", "which_half"]
    assert meaning_of_outputs(several.schema) == [*(f"digit: {label}" for label in LOW), "half: first", "half: second"]
