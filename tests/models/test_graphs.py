"""Entries with names, joins and blocks: what a model file makes of them, and what it refuses."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_schema import schema_of
from twin_cases import ENCODED, OF_COLUMNS, one

from twintrain.command_line.experiment import read_experiment
from twintrain.data.dataset import load_dataset
from twintrain.data.schema import Schema, network_schema
from twintrain.models.entries import NAME, TAKEN, Block
from twintrain.models.freezing import freeze_layers
from twintrain.models.network import Network, load_network, place_layers

LOGITS = one("dense", units="outputs")
VECTORS, IMAGES, CODES = schema_of([5]), schema_of([8, 8, 3]), schema_of([2], categories=[4, 3])


def named(name: str | None, kind: str, *sources: str, **arguments: Any) -> dict[str, Any]:
    """An entry as it is written in a model file."""
    beside = {"name": name, "from": [*sources] if len(sources) > 1 else "".join(sources)}
    return {kind: arguments, **{key: value for key, value in beside.items() if value}}


def place(layers: list[Any], schema: Schema = VECTORS, **blocks: Any) -> Network:
    read = {name: Block.model_validate(block) for name, block in blocks.items()}
    return place_layers(layers, "m", "aligned", schema, Path("m.yaml"), read)


def wired(network: Network) -> dict[str, tuple[str, ...]]:
    return {placed.name: placed.inputs for placed in network.layers}


def test_entry_takes_what_it_names_or_what_stands_before_it():
    layers = [
        named("stem", "dense", units=4),
        named("main", "dense", units=4),
        named(None, "add", "main", "stem"),
        named("gate", "dense", "stem", units=4),
        named("gated", "multiply", "gate", "main"),
        named(None, "concatenate", "add_2", "gated", "input"),
        LOGITS,
    ]
    layers[2]["name"] = "add_2"
    network = place(layers)
    assert wired(network) == {
        "stem": ("input",),
        "main": ("stem",),
        "add_2": ("main", "stem"),
        "gate": ("stem",),
        "gated": ("gate", "main"),
        "concatenate_5": ("add_2", "gated", "input"),
        "dense_6": ("concatenate_5",),
    }
    assert network.layers[5].output_shape == (13,)
    assert list(network.weights())[:2] == ["stem/kernel", "stem/bias"]
    assert network.output == "dense_6"


def test_short_form_is_the_graph_of_its_stacks():
    stacks = {"layers": [one("dense", units=3), "batch_norm"], "shortcut": [one("dense", units=3)]}
    short = place([one("residual", **stacks), LOGITS])
    written_out = [
        named("a", "dense", units=3),
        named("main", "batch_norm"),
        named("side", "dense", "input", units=3),
        named(None, "add", "main", "side"),
    ]
    long = place([*written_out, LOGITS])
    names = dict(zip(wired(short), wired(long), strict=True)) | {"input": "input"}
    assert {names[name]: tuple(names[each] for each in inputs) for name, inputs in wired(short).items()} == wired(long)
    assert [placed.layer for placed in short.layers] == [placed.layer for placed in long.layers]
    branches = place([one("inception", branches=[[one("dense", units=2)], []]), LOGITS])
    assert wired(branches) == {
        "inception_0_0_dense_0": ("input",),
        "inception_0": ("inception_0_0_dense_0", "input"),
        "dense_1": ("inception_0",),
    }


def test_stack_of_a_short_form_has_names_of_its_own():
    inner = [named("x", "dense", units=5), named(None, "add", "x", "input")]
    network = place([named("x", "residual", layers=inner), named(None, "add", "x", "input"), LOGITS])
    assert wired(network) == {
        "x_layers_x": ("input",),
        "x_layers_add_1": ("x_layers_x", "input"),
        "x": ("x_layers_add_1", "input"),
        "add_1": ("x", "input"),
        "dense_2": ("add_1",),
    }


def test_codes_may_be_embedded_twice():
    tables = [named("a", "embedding", output_dim=2), named("b", "embedding", "input", output_dim=2)]
    network = place([*tables, named(None, "add", "a", "b"), LOGITS], CODES)
    assert [name for name in network.weights() if name.endswith("column_1")] == ["a/column_1", "b/column_1"]


BASIC = {
    "parameters": {"units": None, "function": "relu"},
    "layers": [
        named("main", "dense", units="$units"),
        one("activation", function="$function"),
        named(None, "add", "main", "input"),
    ],
}
BASIC["layers"][1]["name"] = "active"
BASIC["layers"][2]["from"] = ["active", "input"]


def test_block_stands_for_its_layers_with_other_numbers():
    network = place(
        [one("basic", units=5), {**named("b", "basic", units=5, function="tanh"), "repeat": 2}, LOGITS], basic=BASIC
    )
    assert wired(network) == {
        "basic_0_main": ("input",),
        "basic_0_active": ("basic_0_main",),
        "basic_0_add_2": ("basic_0_active", "input"),
        "b_0_main": ("basic_0_add_2",),
        "b_0_active": ("b_0_main",),
        "b_0_add_2": ("b_0_active", "basic_0_add_2"),
        "b_1_main": ("b_0_add_2",),
        "b_1_active": ("b_1_main",),
        "b_1_add_2": ("b_1_active", "b_0_add_2"),
        "dense_2": ("b_1_add_2",),
    }
    assert [placed.layer.function for placed in network.layers if placed.kind == "activation"] == [
        "relu",
        "tanh",
        "tanh",
    ]
    assert [placed.number for placed in network.layers] == list(range(10)), "a block is what it stands for, no more"


def test_block_may_hold_blocks_and_short_forms_and_be_named():
    outer = {
        "parameters": {"size": None},
        "layers": [one("basic", units="$size"), one("residual", layers=[one("basic", units="$size")])],
    }
    network = place([named("o", "outer", size=5), named(None, "add", "o", "input"), LOGITS], basic=BASIC, outer=outer)
    assert [name for name in wired(network) if "main" in name] == ["o_basic_0_main", "o_residual_1_layers_basic_0_main"]
    assert wired(network)["add_1"] == ("o_residual_1", "input")


def test_all_layers_of_a_block_or_a_stack_are_frozen_by_its_name():
    layers = [
        named("b", "basic", units=5),
        one("residual", layers=[one("dense", units=5)], shortcut=[one("dense", units=5)]),
    ]
    layers[0]["repeat"] = 2
    network = place([*layers, LOGITS], basic=BASIC)
    assert freeze_layers(network, ["b"]).frozen == {"b_0_main", "b_1_main"}
    assert freeze_layers(network, ["b_1"]).frozen == {"b_1_main"}
    assert freeze_layers(network, ["residual_1"]).frozen == {"residual_1_layers_dense_0", "residual_1_shortcut_dense_0"}
    assert freeze_layers(network, ["residual_1_shortcut"]).frozen == {"residual_1_shortcut_dense_0"}


ADD = named(None, "add", "a", "b")
A, B = named("a", "dense", units=4), named("b", "dense", units=4)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [{**A, "name": "lambda"}, LOGITS],
            "m.yaml layer 1 (dense): 'name': expected another name, 'lambda' has a meaning already",
        ),
        (
            [A, named(None, "add", "a", "inptu"), LOGITS],
            "unknown name in from: of m.yaml layer 2 (add): 'inptu'; did you mean 'input'?",
        ),
        ([A, A, ADD, LOGITS], "m.yaml layer 2 (dense): expected another name, 'a' is that of layer 1"),
        ([A, ADD, B, LOGITS], "m.yaml layer 2 (add) takes 'b', layer 3; expected one that stands before it"),
        (
            [named("a", "dense", "a", units=4), LOGITS],
            "m.yaml layer 1 (dense) takes 'a', layer 1; expected one that stands before it",
        ),
        (
            [A, named("b", "dense", units=3), ADD, LOGITS],
            "m.yaml layer 3 (add) does not fit made: a gives (4,), b gives (3,); expected equal shapes: "
            "give b a layer such as dense: {units: 4}",
        ),
        (
            [A, "add", LOGITS],
            "m.yaml layer 2 (add) joins two inputs or more; expected their names, as in from: [main, input]",
        ),
        (
            [A, named(None, "add", "a"), LOGITS],
            "m.yaml layer 2 (add) joins two inputs or more; expected their names, as in from: [main, input]",
        ),
        (
            [A, named(None, "add", "a", "a"), LOGITS],
            "m.yaml layer 2 (add): expected names in from: that differ, got a, a",
        ),
        (
            [A, B, named(None, "dense", "a", "b", units=3), LOGITS],
            "m.yaml layer 3 (dense) takes one input, got a, b; expected add, concatenate or multiply before it",
        ),
        (
            [A, B, named(None, "multi_head_attention", "a", "b", "input", num_heads=1), LOGITS],
            "m.yaml layer 3 (multi_head_attention) takes at most 2 inputs, got a, b, input; "
            "expected add, concatenate or multiply before it",
        ),
        (
            [A, B, named(None, "multi_head_attention", "a", "b", num_heads=1), LOGITS],
            "m.yaml layer 3 (multi_head_attention) does not fit made: expected a sample of 2 axes, got (4,); "
            "it takes sequences",
        ),
        (
            [A, named("b", "dense", "input", units=4), LOGITS],
            "m.yaml layer 1 (dense): nothing uses what it gives; "
            "expected it in a from: of a later entry, or leave it out",
        ),
        (
            [named("a", "dense", "x", units=4), LOGITS],
            "unknown name in from: of m.yaml layer 1 (dense): 'x'; known: input",
        ),
        ([{**A, "from": 3}, LOGITS], "m.yaml layer 1 (dense): 'from': expected a name or a list of names, got 3"),
        ([{**A, "from": []}, LOGITS], "m.yaml layer 1 (dense): 'from': expected a name or a list of names, got []"),
        ([{**A, "from": None}, LOGITS], "m.yaml layer 1 (dense): 'from': expected a name or a list of names, got None"),
        ([{**A, "name": 3}, LOGITS], "m.yaml layer 1 (dense): 'name': expected a valid string, got 3"),
        (
            [{**A, "name": "a.b"}, LOGITS],
            "m.yaml layer 1 (dense): 'name': expected small letters, digits and _ after a letter, got 'a.b'",
        ),
        (
            [{**A, "name": "forward"}, LOGITS],
            "m.yaml layer 1 (dense): 'name': expected another name, 'forward' has a meaning already",
        ),
        (
            [{**A, "name": "input"}, LOGITS],
            "m.yaml layer 1 (dense): 'name': expected another name, 'input' has a meaning already",
        ),
        (
            [{**A, "repeat": 2}, LOGITS],
            "m.yaml layer 1 (dense): only a block can be repeated; expected one in place of dense, or no repeat",
        ),
        (
            [{**A, "nmae": "x"}, LOGITS],
            "m.yaml layer 1: expected one 'kind: {arguments}', and beside it nothing but name, from, repeat; "
            "got dense, name, nmae",
        ),
        (
            [{"from": "input"}, LOGITS],
            "m.yaml layer 1: expected one 'kind: {arguments}', and beside it nothing but name, from, repeat; got from",
        ),
        (
            [{}, LOGITS],
            "m.yaml layer 1: expected one 'kind: {arguments}', and beside it nothing but name, from, repeat; "
            "got nothing",
        ),
        (
            [one("dense", units=4), named("dense_0", "dense", units=4), LOGITS],
            "m.yaml layer 2 (dense) would be called 'dense_0', as another layer is; expected another name",
        ),
        (
            [A, {"softmax": {}, "from": "a"}],
            "m.yaml layer 2 (softmax): expected it alone at the end, got {'softmax': {}, 'from': 'a'}",
        ),
    ],
)
def test_mistake_in_a_graph_is_one_line(layers, message, error_of):
    assert error_of(place, layers) == message


def test_raw_codes_are_joined_with_nothing(error_of):
    layers = [named("a", "embedding", output_dim=1), named(None, "concatenate", "a", "input"), LOGITS]
    assert error_of(place, layers, CODES) == (
        "m.yaml layer 2 (concatenate) does not fit made: "
        "category codes need an embedding as the first layer, or preprocess.categorical: onehot"
    )


USE = one("basic", units=5)


ENCODED_TABLE = schema_of([len(ENCODED)], feature_names=ENCODED, columns=OF_COLUMNS)
CODED_TABLE = schema_of([3], feature_names=["price", "doors", "safety"], categories=[4, 3, 9])


def test_columns_are_taken_in_the_order_of_their_names():
    network = place([one("columns", names=["pay", "city", "age missing"]), LOGITS], ENCODED_TABLE)
    assert network.layers[0].layer.places == (2, 3, 4, 5, 1)
    assert network.layers[0].layer.runs == [(2, 6), (1, 2)]
    assert network.layers[0].output_shape == (5,)


def test_codes_stay_codes():
    codes = place([one("columns", names=["safety", "price"]), one("embedding", output_dim=2), LOGITS], CODED_TABLE)
    assert codes.layers[1].layer.tables == {"column_0": (9, 2), "column_1": (4, 2)}


@pytest.mark.parametrize(
    ("schema", "layers", "message"),
    [
        (
            ENCODED_TABLE,
            [one("columns", names=["ctiy"])],
            "m.yaml layer 1 (columns) does not fit made: unknown column: 'ctiy'; did you mean 'city'?",
        ),
        (
            ENCODED_TABLE,
            [one("columns", names=["city", "city=a"])],
            "m.yaml layer 1 (columns) does not fit made: expected each column once, got city, city=a",
        ),
        (
            ENCODED_TABLE,
            [one("dense", units=6), one("columns", names=["city"])],
            "m.yaml layer 2 (columns) does not fit made: columns are those of a table, which is the network's input; "
            "expected from: input",
        ),
        (
            VECTORS,
            [one("columns", names=["city"])],
            "m.yaml layer 1 (columns) does not fit made: columns are those of a table, which is the network's input; "
            "expected from: input",
        ),
        (
            CODED_TABLE,
            [one("columns", names=["price"]), one("dense", units=6)],
            "m.yaml layer 2 (dense) does not fit made: category codes need an embedding as the first layer, or "
            "preprocess.categorical: onehot",
        ),
        (
            ENCODED_TABLE,
            [one("columns", names=[])],
            "m.yaml layer 1 (columns): 'names': expected at least 1 item, got []",
        ),
    ],
)
def test_mistake_with_columns_is_one_line(schema, layers, message, error_of):
    assert error_of(place, [*layers, LOGITS], schema) == message


FIRST = "m.yaml layer 2 (time_distributed)"
PART = f"{FIRST}, layer, layer 1"


@pytest.mark.parametrize(
    ("shape", "layer", "message"),
    [
        (
            [5],
            "flatten",
            f"{PART} (flatten) does not fit made: expected a sample of 2 axes or more, got (5,); "
            "the first one is that of the steps",
        ),
        (
            [5, 1],
            "batch_norm",
            f"{PART} (batch_norm) does not fit made: batch_norm looks at the rows of a batch; "
            "expected it behind the layers of one step",
        ),
        (
            [5, 1, 1],
            one("multi_head_attention", num_heads=1, dropout=0.1),
            f"{PART} (multi_head_attention) does not fit made: dropout looks at the rows of a batch; "
            "expected multi_head_attention without it",
        ),
        ([5, 1], "add", f"{PART} (add) does not fit made: add joins several inputs, and a step is one"),
        (
            [5, 1],
            {"flatten": {}, "name": "flat"},
            f"{PART} (flatten): expected nothing beside it, since it is a part of {FIRST}",
        ),
        (
            [5, 1],
            one("reshape", target_shape=[1, 1, 1, 1]),
            f"{FIRST} does not fit made: expected at most 3 axes of what comes of a step, got (1, 1, 1, 1)",
        ),
        (
            [5, 1],
            one("conv1d", filters=1, kernel_size=1),
            f"{PART} (conv1d) does not fit made: expected a sample of 2 axes, got (1,); it takes sequences",
        ),
        ([5, 1], "dens", f"unknown layer in {PART}: 'dens'; did you mean 'dense'?"),
    ],
)
def test_what_is_no_layer_of_a_step_is_refused(shape, layer, message, error_of):
    assert error_of(place, [one("reshape", target_shape=shape), one("time_distributed", layer=layer)]) == message


def test_parts_are_called_like_no_other_layer(error_of):
    layers = [one("reshape", target_shape=[5, 1]), one("time_distributed", layer="flatten"), "flatten", LOGITS]
    assert [each.name for each in place(layers).walk()][2] == "time_distributed_1_layer_flatten_0"
    layers[2] = named("time_distributed_1_layer_flatten_0", "flatten")
    assert error_of(place, layers) == (
        "m.yaml layer 3 (flatten) would be called 'time_distributed_1_layer_flatten_0', as another layer is; "
        "expected another name"
    )


@pytest.mark.parametrize(
    ("layers", "blocks", "message"),
    [
        (
            [one("basic", unit=5), LOGITS],
            {"basic": BASIC},
            "unknown parameter in m.yaml layer 1 (basic): 'unit'; did you mean 'units'?",
        ),
        (["basic", LOGITS], {"basic": BASIC}, "m.yaml layer 1 (basic): 'units' is missing"),
        ([one("basic", units=None), LOGITS], {"basic": BASIC}, "m.yaml layer 1 (basic): 'units' is missing"),
        (
            [{"basic": 5}, LOGITS],
            {"basic": BASIC},
            "m.yaml layer 1 (basic): expected its parameters as {name: value}, got 5",
        ),
        (
            [one("basic", units="many"), LOGITS],
            {"basic": BASIC},
            "m.yaml layer 1 (basic), layer 1 (dense): 'units': expected 1 to 1,000,000, or outputs, got 'many'",
        ),
        (
            [one("basic", units=4), LOGITS],
            {"basic": BASIC},
            "m.yaml layer 1 (basic), layer 3 (add) does not fit made: active gives (4,), input gives (5,); "
            "expected equal shapes: give input a layer such as dense: {units: 4}",
        ),
        (
            [one("basci", units=4), LOGITS],
            {"basic": BASIC},
            "unknown layer in m.yaml layer 1: 'basci'; did you mean 'basic'?",
        ),
        (
            [named("u", "basic", units=5), named(None, "add", "main", "u"), LOGITS],
            {"basic": BASIC},
            "unknown name in from: of m.yaml layer 2 (add): 'main'; known: input, u",
        ),
        (
            [{**USE, "repeat": 0}, LOGITS],
            {"basic": BASIC},
            "m.yaml layer 1 (basic): 'repeat': expected 1 to 1,000, got 0",
        ),
        (
            [{**USE, "repeat": 2.5}, LOGITS],
            {"basic": BASIC},
            "m.yaml layer 1 (basic): 'repeat': expected a valid integer, got 2.5",
        ),
        (
            [named("register", "short"), LOGITS],
            {"short": {"layers": [named("buffer", "flatten")]}},
            "m.yaml layer 1 (short), layer 1 (flatten) would be called 'register_buffer', which has a meaning already; "
            "expected another name",
        ),
        (
            ["a", LOGITS],
            {"a": {"layers": ["flatten", "b"]}, "b": {"layers": ["a"]}},
            "m.yaml layer 1 (a), layer 2 (b), layer 1 (a): a block cannot stand in itself, got a in b in a",
        ),
        ([LOGITS], {"dense": BASIC}, "m.yaml: block 'dense' has the name of a kind of layer; expected another one"),
        (
            [LOGITS],
            {"residual": BASIC},
            "m.yaml: block 'residual' has the name of a kind of layer; expected another one",
        ),
        (
            [LOGITS],
            {"Basic": BASIC},
            "m.yaml: block 'Basic': expected a name of small letters, digits and _, and none of name, from, repeat",
        ),
        (
            [LOGITS],
            {"from": BASIC},
            "m.yaml: block 'from': expected a name of small letters, digits and _, and none of name, from, repeat",
        ),
        (
            [LOGITS],
            {"b": {"parameters": {"units": 3}, "layers": ["flatten"]}},
            "m.yaml: block 'b': nothing uses its parameter 'units'; expected $units in its layers",
        ),
        (
            [LOGITS],
            {"b": {"parameters": {"units": 3}, "layers": [one("dense", units="$unit")]}},
            "unknown parameter in m.yaml: block 'b': '$unit'; did you mean '$units'?",
        ),
        (
            [{"many": {}, "repeat": 1000}, LOGITS],
            {"few": {"layers": ["flatten"]}, "many": {"layers": [{"few": {}, "repeat": 1000}]}},
            "m.yaml layer 1 (many), layer 1 (few), layer 1 (flatten): expected at most 10,000 layers, got more",
        ),
    ],
)
def test_mistake_in_a_block_or_its_use_is_one_line(layers, blocks, message, error_of):
    assert error_of(place, layers, **blocks) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("layers: [flatten]\nblocks: {b: {layer: [flatten]}}\n", "'blocks.b.layer'; did you mean 'layers'?"),
        ("layers: [flatten]\nblocks: {b: {layers: []}}\n", "'blocks.b.layers': expected at least 1 item, got []"),
        ("layers: [flatten]\nblocks: [b]\n", "'blocks': expected a valid dictionary, got ['b']"),
        ("layers: [flatten]\nblocks: {3: {layers: [flatten]}}\n", "'blocks.3': expected a valid string, got 3"),
    ],
)
def test_mistake_in_the_form_of_a_file_is_one_line(content, message, tmp_path, error_of):
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    said = error_of(load_network, str(path), "aligned", VECTORS)
    assert message in said
    assert said.startswith(f"{path}: ")


EXAMPLES = re.findall(r"```yaml\n(layers:.*?)```", Path("docs/models.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.slow
def test_names_of_pytorchs_modules_are_taken():
    code = "from torch import nn; print(*dir(nn.Module()))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {name for name in found if NAME.fullmatch(name)} - TAKEN == set()


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_the_documents_is_a_network(example, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(example)
    table = schema_of([len(ENCODED)], feature_names=ENCODED, columns=OF_COLUMNS)
    schema = table if "columns" in example else VECTORS if "stem" in example else schema_of([8, 8, 32])
    if "\noutputs:" in example:
        schema = network_schema("mnist5k", load_dataset("mnist5k"), read_experiment("multitask", [])[1].preprocess)
    *_, last = load_network(str(path), "aligned", schema).layers
    assert last.kind == ("concatenate" if schema.targets else "dense")
    assert len(EXAMPLES) == 5
