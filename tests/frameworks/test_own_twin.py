"""A network of the user's own is matched, verified, and refused with a line where it cannot be."""

import functools
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from odd_modules import ODD
from own_twins import CODES, IMAGES, MISTAKES, TWINS, VECTORS, mistaken
from selected_tests import are_selected
from worker_process import of_script

from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import Schema
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, load_network, place_layers
from twintrain.models.own_twin import (
    called,
    check_file,
    check_logits,
    given_to,
    load_builder,
    name_layers,
    own_weight,
    twin_shape,
    weight_of,
)
from twintrain.settings.params import Params
from twintrain.system import project
from twintrain.verification.causes import find_causes
from twintrain.verification.checks import Check
from twintrain.verification.layers import Diffs, diff_all, roundings
from twintrain.verification.records import Record, precisions
from twintrain.verification.workers import collect_checks, run_workers, write_experiment

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ["torch", "keras"]
PRECISIONS = precisions("float32")
EXAMPLES = {"my_twin": IMAGES, "not_twins": IMAGES}
SHAPES = {VECTORS: [8], IMAGES: [8, 8, 1], CODES: [3]}
PASSING = ["my_twin", "bidirectional", "tables", "mixed", "attending", "stacked", "transformer", "branches", "shared"]
ROWS = 48
TWO_FUNCTIONS = (
    "def build_torch(input_shape, outputs):\n    {}\n\n\ndef build_keras(input_shape, outputs):\n    return 1\n"
)


def schema_of(takes):
    return Schema(
        dataset="made up",
        task="multiclass",
        labels=["a", "b", "c"],
        input_shape=SHAPES[takes],
        input_dtype="int64" if takes == CODES else "float",
        categories=[5, 4, 3] if takes == CODES else None,
        feature_names=None,
        outputs=3,
    )


def part_of(takes, seed):
    rng = np.random.default_rng(seed)
    if takes == CODES:
        features = rng.integers(0, 3, (ROWS, 3))
    else:
        features = rng.normal(size=(ROWS, *SHAPES[takes])).astype(np.float32)
    return Part(features, rng.integers(0, 3, ROWS), np.arange(ROWS))


# Files


def written(tmp_path, text):
    path = tmp_path / "twin.py"
    path.write_text(text)
    return path


def test_a_file_that_is_no_python_is_refused_with_its_line(tmp_path, error_of):
    path = written(tmp_path, "def build_torch(input_shape, outputs):\n    return (\n")
    assert error_of(check_file, path) == f"{path} line 2 is no valid Python: '(' was never closed"


@pytest.mark.parametrize("missing", ["build_torch", "build_keras"])
def test_a_file_without_one_of_the_functions_is_refused(tmp_path, error_of, missing):
    path = written(tmp_path, TWO_FUNCTIONS.format("return 1").replace(missing, "build"))
    assert error_of(check_file, path) == f"{path}: expected a function {missing}(input_shape, outputs), got none"


@pytest.mark.parametrize("line", ["import torch", "from torch import nn", "import numpy, keras.layers"])
def test_a_file_that_would_bring_both_frameworks_into_one_process_is_refused(tmp_path, error_of, line):
    path = written(tmp_path, f"import math\n{line}\n" + TWO_FUNCTIONS.format("return 1"))
    said = error_of(check_file, path)
    assert said.startswith(f"{path} line 2 imports {'keras.layers' if 'keras' in line else 'torch'} for both twins")
    assert said.endswith("expected the import inside of the build function that needs it")


def test_a_missing_file_is_named(project, error_of):
    said = error_of(load_network, "nowhere.py", "aligned", schema_of(VECTORS))
    assert said == "there is no file nowhere.py; expected a twin of your own, or a name of conf/models"


def test_a_network_of_a_file_has_no_layers_and_knows_its_file(tmp_path):
    path = written(tmp_path, TWO_FUNCTIONS.format("return 1"))
    network = load_network(str(path), "aligned", schema_of(VECTORS))
    assert (network.model, network.source, network.layers) == ("twin", path, ())


def test_an_error_on_loading_names_the_last_line_of_the_file_and_is_one_line(tmp_path, error_of):
    path = written(tmp_path, "def helper():\n    raise KeyError('a\\nb')\n\n\nhelper()\n")
    assert error_of(load_builder, path, "build_torch") == f"{path} line 2: KeyError: 'a\\nb'"


def test_an_edited_file_is_read_anew(tmp_path):
    path = written(tmp_path, TWO_FUNCTIONS.format("return 1"))
    assert load_builder(path, "build_torch")((8,), 3) == 1
    written(tmp_path, TWO_FUNCTIONS.format("return 2"))
    assert load_builder(path, "build_torch")((8,), 3) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["twin.py"]


def test_pytorch_is_told_of_images_channels_first():
    schema = schema_of(IMAGES).model_copy(update={"input_shape": [6, 7, 2]})
    assert twin_shape(schema, "build_torch") == (2, 6, 7)
    assert twin_shape(schema, "build_keras") == (6, 7, 2)
    assert twin_shape(schema_of(VECTORS), "build_torch") == (8,)


@pytest.mark.parametrize(
    ("builder", "shape"), [("torch", "(2, 6, 7), channels first"), ("keras", "(6, 7, 2), channels last")]
)
def test_an_error_says_what_the_function_was_given(tmp_path, error_of, builder, shape):
    schema = schema_of(IMAGES).model_copy(update={"input_shape": [6, 7, 2]})
    path = written(tmp_path, "def build():\n    raise ValueError('no')\n")
    given = given_to(f"build_{builder}", schema)
    assert error_of(called, path, load_builder(path, "build"), given) == (
        f"{path} line 2: ValueError: no; build_{builder} was given input_shape={shape}, outputs=3"
    )
    assert given_to("build_torch", schema_of(VECTORS)) == "build_torch was given input_shape=(8,), outputs=3"


def test_logits_of_another_shape_are_refused(error_of):
    check_logits(Path("twin.py"), "build_torch", 2, 3, np.zeros((2, 3)))
    said = error_of(check_logits, Path("twin.py"), "build_torch", 2, 3, np.zeros((2, 8, 3)))
    assert said == "twin.py: build_torch must give logits of the shape (rows, 3); got (2, 8, 3) for 2 rows"


def test_probabilities_are_no_logits(error_of):
    check_logits(Path("twin.py"), "build_torch", 2, 3, np.full((2, 3), -1 / 3))
    for probabilities in (np.full((2, 3), 1 / 3, np.float32), np.ones((2, 1))):
        said = error_of(check_logits, Path("twin.py"), "build_keras", 2, probabilities.shape[1], probabilities)
        assert "build_keras must give logits, and gives probabilities" in said


# Arrays


def test_layers_are_named_by_kind_and_place():
    assert name_layers(["conv2d", "batch_norm", "dense"]) == ["conv2d_0", "batch_norm_1", "dense_2"]


@pytest.mark.parametrize(
    ("kind", "arguments", "takes"),
    [
        ("dense", {"units": 5}, [8]),
        ("conv1d", {"filters": 5, "kernel_size": 3}, [8, 2]),
        ("conv2d", {"filters": 5, "kernel_size": 3}, [8, 8, 2]),
        ("depthwise_conv2d", {"kernel_size": 3, "depth_multiplier": 2}, [8, 8, 2]),
        ("batch_norm", {}, [8]),
        ("layer_norm", {}, [8]),
        ("simple_rnn", {"units": 5}, [8, 2]),
        ("lstm", {"units": 5}, [8, 2]),
        ("gru", {"units": 5}, [8, 2]),
    ],
)
def test_arrays_are_drawn_as_those_of_a_layer_list(kind, arguments, takes):
    schema = schema_of(IMAGES).model_copy(update={"input_shape": takes})
    network = place_layers([{kind: arguments}, "flatten", {"dense": {"units": "outputs"}}], "m", "aligned", schema, ".")
    listed = {name: weight for name, weight in network.weights().items() if name.startswith(f"{kind}_0/")}
    found = {name: weight_of(name, weight.shape, weight.trainable, "aligned") for name, weight in listed.items()}
    own = draw_weights(Network("m", "aligned", schema, (), arrays=found), seed=3)
    drawn = draw_weights(network, seed=3)
    # The generator of an array depends on its place, and the layer is the first one.
    for name in found:
        np.testing.assert_array_equal(own[name], drawn[name])


@pytest.mark.parametrize(
    ("value", "initializer"),
    [
        (np.zeros((1, 1, 8)), 0.0),
        (np.ones(8), 1.0),
        (np.array(0.1), float(np.float32(0.1))),
        (np.full(8, np.float32(0.1)), float(np.float32(0.1))),
        (np.arange(8.0), "normal"),
        (np.arange(8.0).reshape(2, 4), "glorot_uniform"),
        (np.full(8, np.nan), "normal"),
    ],
)
def test_an_array_of_no_known_layer_begins_with_its_constant_or_is_drawn_by_its_axes(value, initializer):
    assert own_weight(value, True, "aligned").initializer == initializer
    assert own_weight(value, True, "native").initializer is None


def test_an_array_of_no_known_layer_is_drawn_by_its_last_two_axes():
    weight = own_weight(np.arange(60.0).reshape(5, 3, 4), True, "aligned")
    drawn = draw_weights(Network("m", "aligned", schema_of(VECTORS), (), arrays={"own_0/array": weight}), 0)
    assert drawn["own_0/array"].shape == (5, 3, 4)
    assert 0.9 < np.abs(drawn["own_0/array"]).max() / np.sqrt(6 / (3 + 4)) <= 1


def test_native_leaves_all_arrays_to_the_framework():
    weight = weight_of("dense_0/kernel", (8, 3), True, "native")
    assert weight.initializer is None
    assert draw_weights(Network("m", "native", schema_of(VECTORS), (), arrays={"dense_0/kernel": weight}), 0) == {}


# In both frameworks


def recorded(folder: Path, files: dict[str, tuple[Path, str]]) -> Path:
    """Has both frameworks record the twins of these files."""
    for name, (path, takes) in files.items():
        (folder / name).mkdir()
        train = {"batch_size": 16, "threads": 1, "optimizer": {"name": "sgd", "learning_rate": 0.05}}
        params = Params(dataset="made up", model=str(path), frameworks=FRAMEWORKS, train=train)
        parts = {part: part_of(takes, seed) for seed, part in enumerate(PARTS)}
        write_experiment(folder / name, params, schema_of(takes), parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        patch.chdir(folder)
        run_workers(folder, FRAMEWORKS, of_script("own_twin_worker.py"))
    return folder


def file_of(folder: Path, name: str) -> tuple[Path, str]:
    """A twin as a file, and what it takes."""
    text, takes = TWINS[name]
    path = folder / f"{name}.py"
    path.write_text(text)
    return path, takes


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both frameworks record of one pair of networks and say of all mistakes, and for slow tests of all others."""
    folder = tmp_path_factory.mktemp("own")
    for framework, mistakes in MISTAKES.items():
        for name in mistakes:
            (folder / f"{framework}_{name}.py").write_text(mistaken(framework, name))
    if not are_selected(request, slow=True):
        return recorded(folder, {"layer_norm": file_of(folder, "layer_norm")})
    examples = {name: (ROOT / f"examples/{name}.py", takes) for name, takes in EXAMPLES.items()}
    return recorded(folder, {**{name: file_of(folder, name) for name in TWINS}, **examples})


@functools.cache
def checks_of(folder: Path, twin: str) -> list[Check]:
    return collect_checks(folder / twin, FRAMEWORKS, PRECISIONS, diffs_of(folder, twin), are_own=True)


@functools.cache
def diffs_of(folder: Path, twin: str) -> Diffs:
    return diff_all(folder / twin, FRAMEWORKS, PRECISIONS)


def causes_of(folder: Path, twin: str) -> dict[str, list[str]]:
    return find_causes(folder / twin, FRAMEWORKS, checks_of(folder, twin), diffs_of(folder, twin))


@pytest.mark.slow
@pytest.mark.parametrize("twin", PASSING)
def test_twins_pass_every_check_in_both_precisions(folder: Path, twin: str):
    checks = checks_of(folder, twin)
    assert [check for check in checks if not check.passed] == []
    assert {(check.name, check.dtype) for check in checks} >= {
        (name, dtype)
        for name in ("parameters and shapes", "layer outputs", "gradients", "weights after 200 steps")
        for dtype in ("float64", "float32")
    }
    assert {check.name for check in checks if check.framework == "torch"} == {
        "weights after reload",
        "predictions after reload",
        "predictions by MLflow",
    }


def assert_named(folder: Path, twin: str, check: str, where: str) -> None:
    for dtype in ("float64", "float32"):
        first = next(found for found in checks_of(folder, twin) if not found.passed and found.dtype == dtype)
        assert (first.name, first.framework) == (check, "keras")
        assert re.fullmatch(where, first.where)


def test_an_unequal_epsilon_is_caught_and_named(folder: Path):
    assert_named(folder, "layer_norm", "layer outputs", r"twin\.1 / layer_normalization\w*")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("twin", "check", "where"),
    [
        ("not_twins", "layer outputs", r"twin\.0 / conv2d\w*"),
        ("no_bias", "parameters and shapes", r"dense_1/bias: absent in the reference, \(3,\) in keras"),
        ("frozen", "gradients", "dense_0/bias"),
        ("rms_epsilon", "layer outputs", r".*rms_normalization\w*.*"),
        ("layout", "layer outputs", r".*einsum_dense\w*.*"),
        ("projection", "parameters and shapes", r"own_0/array: \(12, 2\) in the reference, absent in keras"),
    ],
)
def test_a_mistake_is_caught_and_named(folder: Path, twin: str, check: str, where: str):
    assert_named(folder, twin, check, where)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("twin", "said"),
    [
        ("not_twins", ["Keras has padding same, PyTorch 1", "with the same padding they agree to"]),
        ("frozen", ["PyTorch does not train twin.0 / dense", " bias, Keras does"]),
        ("momentum", ["Keras has momentum 0.99, PyTorch 0.9", "with the same momentum they agree to"]),
        ("rms_epsilon", ["Keras has epsilon 0.001, PyTorch 1e-06"]),
        ("dropping", ["dropout: Keras drops 0.5, PyTorch 0.3 in twin.1 / dropout"]),
        ("layout", ["twin/einsum / einsum_dense", "(between) parts by", "of its own"]),
    ],
)
def test_the_cause_of_a_mistake_is_told(folder: Path, twin: str, said: list[str]):
    [cause] = causes_of(folder, twin)["keras"]
    assert [words for words in said if words not in cause] == []


@pytest.mark.slow
def test_where_no_cause_can_be_looked_for_that_is_told(folder: Path):
    (folder / "empty").mkdir()
    for record in (folder / "frozen").glob("*-float64.npz"):
        shutil.copy(record, folder / "empty")
    checks, diffs = checks_of(folder, "frozen"), diffs_of(folder, "frozen")
    [cause] = find_causes(folder / "empty", FRAMEWORKS, checks, diffs)["keras"]
    assert cause.startswith("not found, since the networks could not be recorded: PyTorch: ")
    assert "\n" not in cause


@pytest.mark.slow
def test_constants_that_keras_keeps_in_float32_are_no_mistake_and_are_told(folder: Path):
    checks, diffs = checks_of(folder, "leaky"), diffs_of(folder, "leaky")
    assert [check for check in checks if not check.passed] == []
    assert {check.dtype for check in checks if check.is_rounded} == {"float64"}
    ours = collect_checks(folder / "leaky", FRAMEWORKS, PRECISIONS, diffs, are_own=False)
    assert next(check.name for check in ours if check.failed) == "layer outputs"
    assert [check for check in checks if check.is_rounded and check.tolerance > 1e-4] == []
    told = roundings(diffs)
    assert [words.split(":")[0] for words in told] == [
        f"twin.{place} (leaky_relu) keeps its constants in float32" for place in (1, 4)
    ]


@pytest.mark.slow
def test_a_mistake_is_not_hidden_by_constants_in_float32(folder: Path):
    found = next(check for check in checks_of(folder, "other_slope") if check.failed)
    assert (found.name, found.where.split(" / ")[0]) == ("layer outputs", "twin.4")
    [cause] = causes_of(folder, "other_slope")["keras"]
    assert "Keras has a negative slope of 0.1, PyTorch 0.3" in cause


@pytest.mark.slow
@pytest.mark.parametrize("twin", ["my_twin", "no_bias"])
def test_no_cause_is_looked_for_where_nothing_fails_or_shapes_differ(folder: Path, tmp_path: Path, twin: str):
    assert find_causes(tmp_path, FRAMEWORKS, checks_of(folder, twin), diffs_of(folder, twin)) == {}


@pytest.mark.slow
def test_arrays_have_the_names_and_layouts_of_a_layer_list(folder: Path):
    assert Record.load(folder / "bidirectional/torch-float64.npz").shapes == {
        "lstm_0/kernel": (2, 12),
        "lstm_0/recurrent_kernel": (3, 12),
        "lstm_0/bias": (12,),
        "lstm_1/kernel": (2, 12),
        "lstm_1/recurrent_kernel": (3, 12),
        "lstm_1/bias": (12,),
        "gru_2/kernel": (6, 12),
        "gru_2/recurrent_kernel": (4, 12),
        "gru_2/bias": (2, 12),
        "simple_rnn_3/kernel": (4, 3),
        "simple_rnn_3/recurrent_kernel": (3, 3),
        "simple_rnn_3/bias": (3,),
        "dense_4/kernel": (3, 3),
        "dense_4/bias": (3,),
    }


@pytest.mark.parametrize(("framework", "name"), [(f, name) for f in FRAMEWORKS for name in MISTAKES[f]])
def test_what_cannot_be_built_is_one_line(folder: Path, framework: str, name: str):
    said = project.read_json(folder / f"{framework}.json")["messages"][name]
    assert said.startswith(str(folder / f"{framework}_{name}.py"))
    assert MISTAKES[framework][name][1] in said
    assert "\n" not in said


@pytest.mark.parametrize(("framework", "name"), [(f, name) for f in FRAMEWORKS for name in ODD[f]])
def test_arrays_of_no_known_layer_are_matched_in_order_and_begin_as_they_were(folder: Path, framework: str, name: str):
    found = project.read_json(folder / f"{framework}.json")["odd"][name]
    expected = ODD[framework][name][1]
    assert {array: tuple(described) for array, described in found["arrays"].items()} == expected
    assert list(found["arrays"]) == list(expected)
    assert found["kept"] == list(expected)
    trained = sorted(array for array, (_, _, is_trained) in expected.items() if is_trained)
    assert found["trained"] == trained
    if any(array.startswith("own_") for array in expected):
        left = [array for array in trained if not array.startswith("own_")]
        assert found["trained where own are frozen"] == left


def test_native_leaves_initial_weights_to_each_framework(folder: Path):
    found = {framework: project.read_json(folder / f"{framework}.json")["native"] for framework in FRAMEWORKS}
    for native in found.values():
        assert set(native["initializers"]) == {None}
    assert found["torch"]["deviation"] != found["keras"]["deviation"]
