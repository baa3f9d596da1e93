"""A twin of the user's own: a Python file with `build_torch(input_shape, outputs)` and `build_keras(…)`.

Its arrays are found in the built networks, in order: each gets the name and the layout that the same array of a layer
list has, so that initial weights, checks and checkpoints need to know nothing more.
"""

import ast
import math
import re
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.models.layers.layer import Shape, Weight

BUILDERS = ("build_torch", "build_keras")
FRAMEWORKS = {"torch", "keras", "tensorflow", "jax"}
# As `aligned` draws the arrays of a layer list; all others are zeros.
INITIALIZERS = {
    "kernel": "glorot_uniform",
    "recurrent_kernel": "orthogonal",
    "embeddings": "normal",
    "gamma": "ones",
    "moving_variance": "ones",
    "alpha": 0.25,
}
# An array of no known layer: a layer of its own, counted by themselves, so that they may stand anywhere.
OWN, OWN_ARRAY = "own", "array"
RECURRENT = ("simple_rnn", "lstm", "gru")
# Kinds of layers that may have arrays, and these arrays.
CONVOLUTIONS = ("conv1d", "conv2d", "conv3d", "conv1d_transpose", "conv2d_transpose", "conv3d_transpose")
ATTENTION = "attention"
HEADS = ("query", "key", "value", "output")
ARRAYS_OF = {
    **dict.fromkeys(("dense", *CONVOLUTIONS, "depthwise_conv2d"), ("kernel", "bias")),
    "batch_norm": ("gamma", "beta", "moving_mean", "moving_variance"),
    **dict.fromkeys(("layer_norm", "group_norm"), ("gamma", "beta")),
    "rms_norm": ("gamma",),
    ATTENTION: tuple(f"{part}_{array}" for part in HEADS for array in ("kernel", "bias")),
    "embedding": ("embeddings",),
    "prelu": ("alpha",),
    **dict.fromkeys(RECURRENT, ("kernel", "recurrent_kernel", "bias")),
}
GATES = {"lstm": 4, "gru": 3}
# How far a softmax in float32 may be from 1.
SUM_OF_PROBABILITIES = 1e-5
LONGEST_MESSAGE = 300


def check_file(path: Path) -> None:
    """Checks, without running it, that a file can be imported by both frameworks' processes.

    Raises:
        UserError: it is no Python, lacks one of the functions, or imports a framework for both.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{path} line {error.lineno} is no valid Python: {error.msg}") from None
    for builder in BUILDERS:
        if not any(isinstance(node, ast.FunctionDef) and node.name == builder for node in tree.body):
            raise UserError(f"{path}: expected a function {builder}(input_shape, outputs), got none")
    for node in tree.body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in FRAMEWORKS:
                raise UserError(
                    f"{path} line {node.lineno} imports {name} for both twins, and two frameworks in one process may "
                    "crash each other; expected the import inside of the build function that needs it"
                )


def load_builder(path: Path, builder: str) -> Callable[[Shape, int], Any]:
    """Runs the file and returns one of its functions.

    Raises:
        UserError: whatever goes wrong in the file, with the line.
    """
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    source = path.read_bytes()
    # Compiled here, since the import system would take an old one from its cache if the file was edited just now.
    called(path, lambda: exec(compile(source, str(path), "exec"), module.__dict__))
    return getattr(module, builder)


def called(path: Path, function: Callable[[], Any], given: str = "") -> Any:
    """Calls what runs the user's code.

    Args:
        given: what the code was given, which errors tell.

    Raises:
        UserError: whatever it raises, in one line that names the last line of the file that the error went through.
    """
    try:
        return function()
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        # Keras writes in bold, and goes on to list what it was given.
        said = " ".join(re.sub(r"\x1b\[\d*m", "", str(error)).split("Arguments received by")[0].split())
        said = said if len(said) <= LONGEST_MESSAGE else said[:LONGEST_MESSAGE] + " …"
        told = f"; {given}" if given else ""
        raise UserError(f"{path}{_line(error, path)}: {type(error).__name__}: {said}{told}") from None


def twin_shape(schema: Schema, builder: str) -> Shape:
    """What a function is told of one sample: PyTorch's images are (channels, height, width)."""
    shape = tuple(schema.input_shape)
    return (shape[-1], *shape[:-1]) if builder == "build_torch" and schema.is_image else shape


def given_to(builder: str, schema: Schema) -> str:
    """What a function is given, in words."""
    channels = (", channels first", ", channels last")[builder == "build_keras"] if schema.is_image else ""
    return f"{builder} was given input_shape={twin_shape(schema, builder)}{channels}, outputs={schema.outputs}"


def check_logits(path: Path, builder: str, rows: int, outputs: int, logits: Any) -> None:
    """Raises a UserError where a network does not give (rows, outputs), or gives probabilities."""
    found = tuple(logits.shape) if hasattr(logits, "shape") else type(logits).__name__
    if found != (rows, outputs):
        lost = "; beside labels (rows, 1) a loss would compare each row with all others" if found == (rows,) else ""
        raise UserError(
            f"{path}: {builder} must give logits of the shape (rows, {outputs}); got {found} for {rows} rows{lost}"
        )
    values = np.asarray(logits, np.float64)
    if (values >= 0).all() and np.allclose(values.sum(axis=1), 1, rtol=0, atol=SUM_OF_PROBABILITIES):
        raise UserError(
            f"{path}: {builder} must give logits, and gives probabilities: each row sums to 1, as after a softmax; "
            "leave it out, the loss has it"
        )


def check_trained(path: Path, builder: str, count: int) -> None:
    """Raises a UserError where a network has no arrays to train."""
    if not count:
        raise UserError(f"{path}: {builder}'s network has nothing to train; expected a layer with weights")


def name_layers(kinds: list[str]) -> list[str]:
    """Names of layers that have arrays, in their order: `conv2d_0`, `dense_1` …"""
    return [f"{kind}_{index}" for index, kind in enumerate(kinds)]


def kind_of(layer_name: str) -> str:
    """The kind of a layer that `name_layers` named."""
    return layer_name.rpartition("_")[0]


def check_saving(path: Path, save: Callable[[Path], None], load: Callable[[Path], Any], name: str) -> None:
    """Saves a network and loads it again, which is done before it is trained: what cannot be is not told after hours.

    Args:
        path: the user's file, which errors name.
        save: to a file, load: from it.
        name: of that file.

    Raises:
        UserError: in one line, whatever goes wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / name
        called(path, lambda: save(saved))
        try:
            load(saved)
        except UserError as error:
            reason = str(error).removeprefix(f"{saved} ")
            raise UserError(f"{path}: what is saved of the network could not be used: it {reason}") from None


def weight_of(name: str, shape: Shape, trainable: bool, mode: str) -> Weight:
    """How an array is drawn: in `aligned` as those of a layer list, in `native` by the framework.

    Args:
        name: `conv2d_0/kernel`.
        shape: in our layout, kernels as (…, in, out).
    """
    layer_name, array = name.split("/")
    kind = kind_of(layer_name)
    gates = GATES.get(kind, 1)
    window = math.prod(shape[:-2])
    inputs = 1 if kind == "depthwise_conv2d" or len(shape) < 2 else shape[-2]
    return Weight(
        shape=shape,
        initializer=_initializer(kind, array, shape) if mode == "aligned" else None,
        fan_in=window * inputs,
        fan_out=window * shape[-1] // gates,
        gates=gates,
        gate_of_ones=1 if (kind, array) == ("lstm", "bias") else None,
        trainable=trainable,
    )


def own_weight(value: np.ndarray, trainable: bool, mode: str) -> Weight:
    """How an array of no known layer is drawn in `aligned`: a constant stays, all else is drawn by its axes.

    Args:
        value: what it is as the network is built; not empty.
    """
    shape = value.shape
    if (value == value.flat[0]).all():
        # In float32, in which PyTorch's networks are built: the constant is the same in both precisions.
        initializer: Any = float(np.float32(value.flat[0]))
    else:
        initializer = "glorot_uniform" if len(shape) > 1 else "normal"
    fans = {"fan_in": shape[-2], "fan_out": shape[-1]} if len(shape) > 1 else {}
    return Weight(shape=shape, initializer=initializer if mode == "aligned" else None, trainable=trainable, **fans)


def _initializer(kind: str, array: str, shape: Shape) -> Any:
    initializer = INITIALIZERS.get(array.rpartition("_")[2] if kind == ATTENTION else array, "zeros")
    return initializer if math.prod(shape) else "zeros"  # without numbers there is nothing to draw, and no fan


def _line(error: Exception, path: Path) -> str:
    """` line 7`, or nothing where the error did not go through the file."""
    lines, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" line {lines[-1]}" if lines else ""
