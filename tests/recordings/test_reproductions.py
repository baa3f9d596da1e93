"""The scripts that show a layer that differs by itself: they are run, and print the error that the diff has found."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_recordings import Network, image_network, sequence_network

from twintrain import UserError, diff
from twintrain.__main__ import main
from twintrain.recordings.reproducing.scripts import write_reproduction

WORKER = Path(__file__).with_name("reproductions_worker.py")


def network(op, weights=(), shape=(5, 6, 4), **options):
    """A network of one layer; weights by role with their shape in Keras's layout and PyTorch's order of its axes."""

    def made(framework, mistakes=None):
        net = Network(framework, mistakes)
        x = net.image(*shape) if len(shape) > 1 else net.rows(*shape)
        held = {}
        for role, size, letters, torch_order in weights:
            order = torch_order if net.is_first else range(len(size))
            held[role] = net.drawn(*size).transpose(order), "".join(letters[at] for at in order)
        given = {**options, **(net.format if len(shape) > 1 else {})}
        return net.maker.recording(net.maker.call("layer", op, [x], given, held))

    return made


def joined(op, *shapes, turned=False, **options):
    """A network that joins images or rows, in Keras in the reverse order if wanted."""

    def made(framework, mistakes=None):
        net = Network(framework, mistakes)
        inputs = [net.image(*shape) if len(shape) > 2 else net.rows(*shape) for shape in shapes]
        axis = {"axis": 1 if net.is_first else -1} if op == "concatenate" else {}
        inputs = inputs[::-1] if turned and not net.is_first else inputs
        return net.maker.recording(net.maker.call("layer", op, inputs, {**axis, **options}))

    return made


def attention(framework, mistakes=None, times=(5, 5), features=6):
    """Attention of two heads, whose arrays each framework lays out in its own way."""
    net = Network(framework, mistakes)
    parts = ("query", "key", "value", "output")
    sizes = [(6, 6), (features, 6), (features, 6), (6, 6)]
    kernels = {part: net.drawn(*size) for part, size in zip(parts, sizes, strict=True)}
    biases = {part: net.drawn(6) for part in parts}
    x, y = net.rows(times[0], 6), net.rows(times[1], features)
    if not net.is_first:
        held = {f"{part}_kernel": (kernels[part].reshape(-1, 2, 3), "INK") for part in parts[:3]}
        held |= {f"{part}_bias": (biases[part].reshape(2, 3), "NK") for part in parts[:3]}
        held = {name: held[name] for part in parts[:3] for name in (f"{part}_kernel", f"{part}_bias")}
        held |= {"output_kernel": (kernels["output"].reshape(2, 3, 6), "NKO")}
    else:
        if features == 6:
            held = {"qkv_kernel": (np.concatenate([kernels[part].T for part in parts[:3]]), "OI")}
        else:
            held = {f"{part}_kernel": (kernels[part].T, "OI") for part in parts[:3]}
        held |= {"qkv_bias": (np.concatenate([biases[part] for part in parts[:3]]), "C")}
        held |= {"output_kernel": (kernels["output"].T, "OI")}
    options = {"heads": 2, "head_size": 3, "time_major": False}
    return net.maker.recording(
        net.maker.call("layer", "attention", [x, y, y], options, {**held, "output_bias": (biases["output"], "C")})
    )


def crossed(framework, mistakes=None):
    """The same of a sequence to a longer one of other features."""
    return attention(framework, mistakes, times=(4, 7), features=5)


def other_heads(held):
    """Three heads of two numbers, of arrays for two heads of three."""
    shapes = {"INK": (-1, 3, 2), "NK": (3, 2), "NKO": (3, 2, -1)}
    return {role: (array.reshape(shapes.get(axes, array.shape)), axes) for role, (array, axes) in held.items()}


def kernel(*size):
    return ("kernel", size, "DHWIO"[-len(size) :], (len(size) - 1, len(size) - 2, *range(len(size) - 2)))


BIAS = ("bias", (5,), "C", (0,))
CONV = {"strides": [1, 1], "dilation": [1, 1], "groups": 1, "padding": "valid"}
TRANSPOSED = ("kernel", (2, 2, 5, 4), "HWOI", (3, 2, 0, 1))
MISTAKES = {
    "batch_norm": (image_network, {"bn2": {"options": {"epsilon": 1e-2}}}),
    "padding": (image_network, {"conv2": {"options": {"padding": [[0, 1], [0, 1]]}}}),
    "kernel": (
        network("conv", [kernel(3, 3, 4, 5), BIAS], **CONV),
        {"layer": {"weights": lambda held: {**held, "kernel": (held["kernel"][0][::-1], held["kernel"][1])}}},
    ),
    "conv1d": (
        network("conv", [kernel(3, 4, 5)], (9, 4), strides=[1], padding="valid", dilation=[1]),
        {"layer": {"options": {"dilation": [2]}}},
    ),
    "transposed": (
        network("conv_transpose", [TRANSPOSED, BIAS], strides=[2, 2], padding="valid"),
        {"layer": {"options": {"padding": "same", "strides": [1, 1]}}},
    ),
    "avg_pool": (image_network, {"pool2": {"options": {"count_include_pad": True}}}),
    "leaky": (image_network, {"leaky1": {"options": {"negative_slope": 0.3}}}),
    "gelu": (image_network, {"gelu1": {"options": {"approximate": True}}}),
    "dense": (
        image_network,
        {"dense2": {"weights": lambda w: {**w, "kernel": (w["kernel"][0].T, w["kernel"][1])}}},
    ),
    "softmax": (network("softmax", shape=(3,), axis=-1), {"layer": {"op": "sigmoid"}}),
    "group_norm": (
        lambda framework, mistakes=None: network(
            "group_norm", groups=2, epsilon=1e-3, axis=1 if framework == "torch" else -1
        )(framework, mistakes),
        {"layer": {"options": {"groups": 4}}},
    ),
    "layer_norm": (sequence_network, {"norm": {"options": {"epsilon": 1e-2}}}),
    "lstm": (sequence_network, {"recurrent": {"options": {"gates": "fico"}}}),
    "gru": (
        lambda framework, mistakes=None: sequence_network(framework, mistakes, op="gru"),
        {"recurrent": {"options": {"reset_after": False}}},
    ),
    "heads": (attention, {"layer": {"options": {"heads": 3, "head_size": 2}, "weights": other_heads}}),
    "causal": (attention, {"layer": {"hidden": {"options": {"causal": True}}}}),
    "crossed": (
        crossed,
        {"layer": {"weights": lambda held: {**held, "key_kernel": (held["key_kernel"][0][::-1], "INK")}}},
    ),
    "add": (joined("add", (5, 6, 4), (5, 6, 4)), {"layer": {"op": "multiply"}}),
    "number": (joined("add", (4,), other=2.0), {"layer": {"options": {"other": 0.5}}}),
    "multiply": (joined("multiply", (5, 6, 4), (5, 6, 4), (5, 6, 4)), {"layer": {"op": "add"}}),
    "concatenate": (joined("concatenate", (5, 6, 4), (5, 6, 4), turned=True), {}),
    "reshape": (joined("reshape", (4, 6), shape=[6, 4]), {"layer": {"op": "permute", "options": {"axes": [0, 2, 1]}}}),
    "pad": (
        joined("pad", (4, 6), padding=[[1, 2]], axes=[1], mode="constant", value=1.5),
        {"layer": {"options": {"mode": "reflect"}}},
    ),
    "identity": (joined("identity", (4,)), {"layer": {"op": "relu"}}),
    "global_pool": (network("global_avg_pool"), {"layer": {"op": "global_max_pool"}}),
}
# Keras has one order of gates, and reset_after of two biases: the script of such a mistake cannot give its numbers.
NOT_BY_KERAS = {"lstm", "gru"}
SCRIPTS = [(name, place) for name in MISTAKES for place in (0, 1) if place == 0 or name not in NOT_BY_KERAS]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The files of each mistake."""
    found = {}
    for name, (make, mistake) in MISTAKES.items():
        recordings = make("torch"), make("keras", mistake)
        folder = tmp_path_factory.mktemp(name)
        found[name] = write_reproduction(diff(*recordings), *recordings, folder)
    return found


@pytest.fixture(scope="module")
def printed(written):
    """What each script prints, by its path, from a process a framework that knows nothing of ours."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                str(WORKER),
                *(str(written[name][place]) for name, of_place in SCRIPTS if of_place == place),
            ],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for place in (0, 1)
    ]
    return {path: said for process in processes for path, said in json.loads(process.communicate()[0]).items()}


def errors(lines):
    """By how much a script differs from its own model, and from the other; inf of another shape."""
    found = []
    for line in lines:
        number = re.search(r"the same but for (\S+)", line)
        found.append(float(number[1]) if number else np.inf)
    return found


@pytest.mark.parametrize(("name", "place"), SCRIPTS)
def test_script_gives_what_its_model_gave_and_not_what_the_other_did(written, printed, name, place):
    own, other = errors(printed[str(written[name][place])])
    assert own < 1e-6  # Keras keeps some constants in float32
    assert other > 1e-4


@pytest.mark.parametrize("name", MISTAKES)
def test_input_is_as_small_as_shows_the_difference(written, name):
    with np.load(written[name][2]) as arrays:
        small = arrays["reference_input"]
    assert len(small) == 1
    make, _ = MISTAKES[name]
    assert small.size <= make("torch").tensor("float64", 0)[:1].size


def test_several_inputs_are_cut_together(written):
    with np.load(written["add"][2]) as arrays:
        assert [arrays[name].size for name in arrays if "_input" in name] == [1, 1, 1, 1]
        assert [name for name in arrays if name.startswith("other_input")] == ["other_input", "other_input_1"]
    with np.load(written["crossed"][2]) as arrays:
        shapes = [arrays[f"reference_input{end}"].shape for end in ("", "_1", "_2")]
    # One time that looks at two others is the least that shows another key.
    assert shapes == [(1, 1, 6), (1, 2, 5), (1, 2, 5)]


def test_files_have_no_more_than_a_layer_and_its_arrays(written):
    files = written["leaky"]
    assert [path.name for path in files] == ["reference_torch.py", "other_keras.py", "arrays.npz"]
    assert sorted(path.name for path in files[0].parent.iterdir()) == sorted(path.name for path in files)
    with np.load(files[2]) as arrays:
        assert arrays["reference_input"].size == arrays["other_input"].size == 1


def test_command_writes_them_and_says_where(tmp_path, capsys):
    paths = [str(tmp_path / f"{name}.npz") for name in ("torch", "keras")]
    image_network("torch").save(paths[0])
    image_network("keras", {"bn2": {"options": {"epsilon": 1e-2}}}).save(paths[1])
    assert main(["diff", *paths, "--repro", str(tmp_path / "repro/deep")]) == 1
    said = capsys.readouterr()
    assert "they part first in bn2" in said.out
    assert said.err.count("wrote ") == 3
    assert main(["diff", paths[0], paths[0], "--repro", str(tmp_path / "none")]) == 0
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_written_is_one_line_and_changes_nothing_of_the_diff(tmp_path, capsys):
    paths = [str(tmp_path / f"{name}.npz") for name in ("torch", "keras")]
    image_network("torch").save(paths[0])
    image_network("keras", {"input": lambda x: x * 2}).save(paths[1])
    assert main(["diff", *paths, "--repro", str(tmp_path / "repro")]) == 1
    assert "--repro: input (input) is no layer of both models" in capsys.readouterr().err
    image_network("keras", {"input": lambda x: x * 2, "bn2": {"options": {"epsilon": 1e-2}}}).save(paths[1])
    assert main(["diff", *paths, "--repro", str(tmp_path / "repro")]) == 1
    assert "The layer 'bn2'" in (tmp_path / "repro/other_keras.py").read_text()
    capsys.readouterr()
    assert main(["diff", *paths, "--repro", paths[0]]) == 1
    assert f"--repro: {paths[0]} cannot be written to" in capsys.readouterr().err


def test_twins_have_nothing_to_reproduce(tmp_path):
    recordings = image_network("torch"), image_network("keras")
    with pytest.raises(UserError, match="no layer differs by itself"):
        write_reproduction(diff(*recordings), *recordings, tmp_path)
