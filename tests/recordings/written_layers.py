"""What recorded layers give once they are written as code and run: for a process that has the framework."""

import importlib

import numpy as np

from twintrain.recordings.archive import load
from twintrain.recordings.comparing.layer_pair import layer_of
from twintrain.recordings.comparing.side import Side

PASS = "float64"


def errors_by_op(framework, path):
    """By what the calls of a recording compute, by how much the code errs; None where none can be written."""
    code = importlib.import_module(f"twintrain.recordings.{framework}.written")
    side = Side(load(path), PASS, "")
    return {call.op: error(code, layer_of(side, call)) for call in side.calls}


def error(code, layer):
    shapes = {role: array.shape for role, (array, _) in layer.weights.items()}
    lines = code.written(layer.op, layer.options, shapes, layer.inputs[0].ndim)
    if lines is None:
        return None
    names = {
        "x": layer.inputs[0],
        "others": [*layer.inputs[1:]],
        "weights": {role: array for role, (array, _) in layer.weights.items()},
    }
    exec("\n".join([code.IMPORTS, code.BEFORE, *lines, code.AFTER]), names)
    if names["output"].shape != layer.output.shape:
        return np.inf
    return float(np.abs(names["output"] - layer.output).max())
