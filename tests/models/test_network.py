import math
from pathlib import Path

import pytest

from twintrain.data.dataset import load_dataset
from twintrain.data.schema import Schema, network_schema
from twintrain.models.layers.core import Dense
from twintrain.models.layers.normalization import BatchNorm
from twintrain.models.network import load_network, place_layers
from twintrain.settings.sections.data import Preprocess

SOURCE = Path("conf/models/m.yaml")
LOGITS = {"dense": {"units": "outputs"}}


def schema_of(shape, outputs=1, categories=None):
    return Schema(
        dataset="demo",
        task="binary" if outputs == 1 else "multiclass",
        labels=["no", "yes"] if outputs == 1 else [str(code) for code in range(outputs)],
        input_shape=list(shape),
        input_dtype="int64" if categories else "float",
        categories=categories,
        feature_names=None,
        outputs=outputs,
    )


def place(entries, schema, mode="aligned"):
    return place_layers(entries, "m", mode, schema, SOURCE)


def load(model, dataset, mode="aligned", categorical="codes"):
    return load_network(
        model, mode, network_schema(dataset, load_dataset(dataset), Preprocess(categorical=categorical))
    )


def trained_parameters(network):
    return sum(math.prod(weight.shape) for weight in network.weights().values() if weight.trainable)


@pytest.mark.parametrize(
    ("model", "dataset", "parameters"),
    [
        # 3·3·1·16 + 16, 3·3·16·8 + 8, 7·7·8·30 + 30, 30·20 + 20, 20·10 + 10
        ("cnn", "mnist5k", 160 + 1160 + 11790 + 620 + 210),
        ("cnn", "mnist5k", 13_940),
        # 784-500-400-300-200-100-50-10
        ("mlp", "mnist5k", 392_500 + 200_400 + 120_300 + 60_200 + 20_100 + 5_050 + 510),
        # three columns of 4 × 2 and three of 3 × 2; 12-200-100-50-4 with two numbers a unit for batch norm
        ("car_embedding", "car", 42 + (2600 + 400) + (20_100 + 200) + (5050 + 100) + 204),
        ("car_embedding_tuned", "car", 28_696),
        # 8-6-4-1
        ("diabetes_mlp", "diabetes", 54 + 28 + 5),
        # 2-10-10-10-1
        ("logic_mlp", "xor", 30 + 110 + 110 + 11),
    ],
)
def test_number_of_parameters(model, dataset, parameters, project):
    assert trained_parameters(load(model, dataset)) == parameters


def test_layers_are_named_by_kind_and_place_and_know_their_shapes(project):
    placed = [
        (layer.name, layer.kind, layer.input_shape, layer.output_shape) for layer in load("cnn", "mnist5k").layers
    ]
    assert placed == [
        ("conv2d_0", "conv2d", (28, 28, 1), (14, 14, 16)),
        ("activation_1", "activation", (14, 14, 16), (14, 14, 16)),
        ("conv2d_2", "conv2d", (14, 14, 16), (7, 7, 8)),
        ("activation_3", "activation", (7, 7, 8), (7, 7, 8)),
        ("flatten_4", "flatten", (7, 7, 8), (392,)),
        ("dense_5", "dense", (392,), (30,)),
        ("activation_6", "activation", (30,), (30,)),
        ("dense_7", "dense", (30,), (20,)),
        ("activation_8", "activation", (20,), (20,)),
        ("dense_9", "dense", (20,), (10,)),
    ]


def test_weights_stand_in_the_order_of_the_layers_under_their_names():
    network = place(["embedding", "batch_norm", LOGITS], schema_of([2], 3, [4, 3]))
    assert {name: weight.shape for name, weight in network.weights().items()} == {
        "embedding_0/column_0": (4, 2),
        "embedding_0/column_1": (3, 2),
        "batch_norm_1/gamma": (4,),
        "batch_norm_1/beta": (4,),
        "batch_norm_1/moving_mean": (4,),
        "batch_norm_1/moving_variance": (4,),
        "dense_2/kernel": (4, 3),
        "dense_2/bias": (3,),
    }
    assert list(network.weights())[-1] == "dense_2/bias"


@pytest.mark.parametrize(("outputs", "shape"), [(1, (1,)), (10, (10,))])
def test_outputs_stands_for_what_the_task_needs(outputs, shape):
    assert place([LOGITS], schema_of([5], outputs)).layers[-1].output_shape == shape


def test_aligned_fills_conventions_and_native_leaves_them_open():
    aligned, native = (place(["batch_norm", LOGITS], schema_of([5]), mode) for mode in ("aligned", "native"))
    assert [placed.layer for placed in aligned.layers] == [
        BatchNorm(momentum=0.9, epsilon=1e-5),
        Dense(units=1, kernel_initializer="glorot_uniform", bias_initializer="zeros"),
    ]
    assert [placed.layer for placed in native.layers] == [BatchNorm(), Dense(units=1)]


def test_what_a_model_writes_out_holds_in_both_modes(project):
    for mode in ("aligned", "native"):
        first = load("diabetes_mlp", "diabetes", mode).layers[0].layer
        assert (first.kernel_initializer, first.bias_initializer) == ("fan_in_uniform", "fan_in_uniform")


IMAGES, CODES = schema_of([28, 28, 1], 10), schema_of([2], 1, [4, 3])
MASKS = schema_of([28, 28, 1], 784).model_copy(update={"task": "segmentation", "labels": []})


@pytest.mark.parametrize(
    ("entries", "schema", "message"),
    [
        (["flaten", LOGITS], IMAGES, "unknown layer in conf/models/m.yaml layer 1: 'flaten'; did you mean 'flatten'?"),
        (
            ["flatten", {"dense": {"units": 3}, "x": 1}],
            IMAGES,
            "conf/models/m.yaml layer 2: expected one 'kind: {arguments}', "
            "and beside it nothing but name, from, repeat; got dense, x",
        ),
        (["flatten", "dense"], IMAGES, "conf/models/m.yaml layer 2 (dense): 'units' is missing"),
        (
            [{"dropout": {"rate": 2}}],
            IMAGES,
            "conf/models/m.yaml layer 1 (dropout): 'rate': expected at least 0 and below 1, got 2",
        ),
        ([{"dense": 3}], IMAGES, "conf/models/m.yaml layer 1 (dense): expected a valid dictionary, got 3"),
        (
            [LOGITS],
            IMAGES,
            "conf/models/m.yaml layer 1 (dense) does not fit demo: "
            "expected a sample of 1 or 2 axes, got (28, 28, 1); flatten it first",
        ),
        (
            ["max_pool2d", {"conv2d": {"filters": 2, "kernel_size": 15}}],
            IMAGES,
            "conf/models/m.yaml layer 2 (conv2d) does not fit demo: a window of 15 × 15 does not fit into 14 × 14",
        ),
        (
            ["flatten", "max_pool2d"],
            IMAGES,
            "conf/models/m.yaml layer 2 (max_pool2d) does not fit demo: "
            "expected a sample of 3 axes, got (784,); it takes images",
        ),
        (
            ["flatten", {"dense": {"units": 3}}],
            IMAGES,
            "conf/models/m.yaml: expected 10 logits at the end, got (3,); end with dense: {units: outputs}",
        ),
        (
            [],
            IMAGES,
            "conf/models/m.yaml: expected 10 logits at the end, got (28, 28, 1); end with dense: {units: outputs}",
        ),
        (
            [{"conv2d": {"filters": 1, "kernel_size": 1}}],
            MASKS,
            "conf/models/m.yaml: expected 784 logits at the end, got (28, 28, 1); end with flatten",
        ),
        (
            [LOGITS],
            CODES,
            "conf/models/m.yaml layer 1 (dense) does not fit demo: "
            "category codes need an embedding as the first layer, or preprocess.categorical: onehot",
        ),
        (
            ["embedding", "embedding", LOGITS],
            CODES,
            "conf/models/m.yaml layer 2 (embedding) does not fit demo: "
            "expected category codes as input; it goes first, on a table with preprocess.categorical: codes",
        ),
        (
            ["embedding", LOGITS],
            schema_of([2]),
            "conf/models/m.yaml layer 1 (embedding) does not fit demo: "
            "expected category codes as input; it goes first, on a table with preprocess.categorical: codes",
        ),
        (
            ["embedding", LOGITS],
            CODES.model_copy(update={"categories": None, "tokens": 5}),
            "conf/models/m.yaml layer 1 (embedding) does not fit demo: "
            "the words of a text need embedding: {input: tokens} as the first layer",
        ),
    ],
)
def test_mistake_in_a_model_names_file_layer_and_reason(entries, schema, message, error_of):
    assert error_of(place, entries, schema) == message


BRANCHES = {
    "inception": {
        "branches": [[{"conv2d": {"filters": 2, "kernel_size": 1}}, "batch_norm"], [{"dropout": {"rate": 0.1}}]]
    }
}
NESTED = {"residual": {"layers": [BRANCHES], "shortcut": [{"conv2d": {"filters": 3, "kernel_size": 1}}]}}
SEQUENCES = schema_of([6, 3], 3)


def test_nested_layers_have_names_of_their_own_at_any_depth():
    network = place([NESTED, "flatten", LOGITS], schema_of([4, 4, 1], 3))
    # Numbers are those of the entries as they are read, which dropout draws its masks by.
    assert [(placed.number, placed.name, placed.inputs) for placed in network.layers] == [
        (2, "residual_0_layers_inception_0_0_conv2d_0", ("input",)),
        (3, "residual_0_layers_inception_0_0_batch_norm_1", ("residual_0_layers_inception_0_0_conv2d_0",)),
        (4, "residual_0_layers_inception_0_1_dropout_0", ("input",)),
        (
            1,
            "residual_0_layers_inception_0",
            ("residual_0_layers_inception_0_0_batch_norm_1", "residual_0_layers_inception_0_1_dropout_0"),
        ),
        (5, "residual_0_shortcut_conv2d_0", ("input",)),
        (0, "residual_0", ("residual_0_layers_inception_0", "residual_0_shortcut_conv2d_0")),
        (6, "flatten_1", ("residual_0",)),
        (7, "dense_2", ("flatten_1",)),
    ]
    assert {placed.name: placed.output_shape for placed in network.layers}["residual_0"] == (4, 4, 3)
    assert {name: weight.shape for name, weight in network.weights().items() if "shortcut" in name} == {
        "residual_0_shortcut_conv2d_0/kernel": (1, 1, 1, 3),
        "residual_0_shortcut_conv2d_0/bias": (3,),
    }


def test_aligned_reaches_nested_layers():
    aligned, native = (
        [placed.layer for placed in place([NESTED, "flatten", LOGITS], schema_of([4, 4, 1], 3), mode).walk()]
        for mode in ("aligned", "native")
    )
    assert (aligned[1], native[1]) == (BatchNorm(momentum=0.9, epsilon=1e-5), BatchNorm())


def test_both_directions_have_arrays_of_their_own():
    network = place([{"bidirectional": {"layer": {"gru": {"units": 4}}}}, LOGITS], SEQUENCES)
    assert {name: weight.shape for name, weight in network.weights().items()} == {
        "bidirectional_0_forward_gru_0/kernel": (3, 12),
        "bidirectional_0_forward_gru_0/recurrent_kernel": (4, 12),
        "bidirectional_0_forward_gru_0/bias": (2, 12),
        "bidirectional_0_backward_gru_0/kernel": (3, 12),
        "bidirectional_0_backward_gru_0/recurrent_kernel": (4, 12),
        "bidirectional_0_backward_gru_0/bias": (2, 12),
        "dense_1/kernel": (8, 3),
        "dense_1/bias": (3,),
    }


def test_softmax_at_the_end_is_the_head_and_no_layer():
    network = place(["flatten", LOGITS, "softmax"], IMAGES)
    assert network.head == "softmax"
    assert [placed.name for placed in network.layers] == ["flatten_0", "dense_1"]
    assert network.placed_head().input_shape == (10,)
    assert place(["flatten", LOGITS], IMAGES).placed_head() is None


@pytest.mark.parametrize(
    ("entries", "schema", "message"),
    [
        (
            [LOGITS, "softmax"],
            schema_of([5]),
            "conf/models/m.yaml layer 2 (softmax) does not fit demo: the softmax of a single logit is always 1; "
            "leave it out, probabilities are then the sigmoid of the logit",
        ),
        (
            ["flatten", "softmax"],
            MASKS,
            "conf/models/m.yaml layer 2 (softmax) does not fit demo: its outputs are no classes; leave it out",
        ),
        (
            ["flatten", "softmax", LOGITS],
            IMAGES,
            "conf/models/m.yaml layer 2 (softmax) does not fit demo: "
            "softmax is for reading the logits and goes last; elsewhere: activation: {function: softmax}",
        ),
        (
            ["flatten", LOGITS, {"activation": {"function": "softmax"}}],
            IMAGES,
            "conf/models/m.yaml: expected logits at the end, got their softmax, which the loss would take a second "
            "time; for probabilities in the saved model end with softmax instead of the activation",
        ),
        (
            [{"inception": {"branches": [["flaten"], []]}}, LOGITS],
            IMAGES,
            "unknown layer in conf/models/m.yaml layer 1 (inception), 0, layer 1: 'flaten'; did you mean 'flatten'?",
        ),
        (
            [{"inception": {"branches": [[], ["max_pool2d"]]}}, LOGITS],
            IMAGES,
            "conf/models/m.yaml layer 1 (inception) does not fit demo: they stand side by side on the last axis, "
            "all others must be equal, but 0 gives (28, 28, 1), 1 gives (14, 14, 1); "
            "give them the same strides, and padding: same",
        ),
        (
            [{"residual": {"layers": ["flatten"], "shortcut": ["flatten", {"conv1d": {"filters": 1}}]}}],
            IMAGES,
            "conf/models/m.yaml layer 1 (residual), shortcut, layer 2 (conv1d): 'kernel_size' is missing",
        ),
        (
            [{"residual": {"layers": [{"conv2d": {"filters": 3, "kernel_size": 1}}]}}],
            IMAGES,
            "conf/models/m.yaml layer 1 (residual) does not fit demo: "
            "layers gives (28, 28, 3), shortcut gives (28, 28, 1); expected equal shapes: "
            "give shortcut a layer such as conv2d: {filters: 3, kernel_size: 1} with the strides of layers",
        ),
        (
            [{"bidirectional": {"layer": {"lstm": {}}}}],
            SEQUENCES,
            "conf/models/m.yaml layer 1 (bidirectional), forward, layer 1 (lstm): 'units' is missing",
        ),
        (
            [{"inception": {"branches": [["embedding"], []]}}, LOGITS],
            CODES,
            "conf/models/m.yaml layer 1 (inception) does not fit demo: "
            "category codes need an embedding as the first layer, or preprocess.categorical: onehot",
        ),
    ],
)
def test_mistake_in_a_nested_layer_or_a_head_says_where(entries, schema, message, error_of):
    assert error_of(place, entries, schema) == message


def test_batch_norm_on_vectors_is_found_inside_of_others(error_of):
    network = place([{"residual": {"layers": ["batch_norm"]}}, LOGITS], schema_of([5]))
    assert "(residual_0_layers_batch_norm_0)" in error_of(network.check_batch_size, 1)
    place(["batch_norm", "flatten", LOGITS], SEQUENCES).check_batch_size(1)


def test_model_of_another_kind_of_data_is_refused(project, error_of):
    assert error_of(load, "cnn", "car") == (
        "conf/models/cnn.yaml layer 1 (conv2d) does not fit car: "
        "category codes need an embedding as the first layer, or preprocess.categorical: onehot"
    )


def test_unknown_model_is_refused(project, error_of):
    assert error_of(load, "ccn", "mnist5k") == "unknown model 'ccn'; did you mean 'cnn'?"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("layer: [flatten]\n", "conf/models/mine.yaml: unknown parameter 'layer'; did you mean 'layers'?"),
        ("layers: flatten\n", "conf/models/mine.yaml: 'layers': expected a valid list, got 'flatten'"),
    ],
)
def test_mistake_in_a_model_file_is_one_line(content, message, project, error_of):
    Path("conf/models/mine.yaml").write_text(content)
    assert error_of(load, "mine", "mnist5k") == message


def test_batch_norm_on_vectors_needs_more_than_one_row(project, error_of):
    assert error_of(load("car_embedding", "car").check_batch_size, 1) == (
        "car_embedding has batch_norm on vectors (batch_norm_4), where one row has no variance; "
        "expected train.batch_size of at least 2, got 1"
    )


@pytest.mark.parametrize("batch_size", [None, 2, 64])
def test_batch_norm_takes_larger_batches(batch_size, project):
    assert load("car_embedding", "car").check_batch_size(batch_size) is None


def test_one_row_is_enough_where_nothing_needs_its_variance(project, error_of):
    convolution = {"conv2d": {"filters": 2, "kernel_size": 3}}
    place([convolution, "batch_norm", "flatten", LOGITS], IMAGES).check_batch_size(1)
    place(["flatten", LOGITS], IMAGES).check_batch_size(1)
    single_pixel = place([{"conv2d": {"filters": 2, "kernel_size": 28}}, "batch_norm", "flatten", LOGITS], IMAGES)
    assert "(batch_norm_1)" in error_of(single_pixel.check_batch_size, 1)
