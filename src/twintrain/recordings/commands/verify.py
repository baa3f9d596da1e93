"""Records what build_torch and build_keras of a file give, each in a process of its own, and compares both.

The Keras model is given the weights of PyTorch's. The file has the rows in `x`, as PyTorch's model takes them; or they
are drawn, and both functions are given input_shape (PyTorch's with channels first) and outputs.
"""

import argparse
from pathlib import Path

from twintrain.errors import UserError, cut
from twintrain.recordings.commands.pairs import add_pairs, read_pairs
from twintrain.recordings.commands.shown import add_forms, show

HELP = "record and compare what two functions of a file build"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the subcommand takes."""
    parser.add_argument("file", type=Path, help="a Python file with the functions build_torch and build_keras")
    parser.add_argument(
        "--input-shape",
        metavar="28,28,1",
        help="of one sample, channels last; without it, the functions take no arguments and the file has x",
    )
    parser.add_argument("--outputs", type=int, help="the second argument of the functions, beside --input-shape")
    add_pairs(parser)
    add_forms(parser)


def run(given: argparse.Namespace) -> int:
    """Records and compares, prints what was found, and returns the exit status."""
    from twintrain.recordings.building.builders import verify_file

    shape = None if given.input_shape is None else _shape(given.input_shape)
    if shape is None and given.outputs is not None:
        raise UserError("--outputs goes with --input-shape, as 28,28,1")
    return show(verify_file(given.file, shape, given.outputs, read_pairs(given)), given)


def _shape(text: str) -> list[int]:
    try:
        shape = [int(length) for length in text.split(",")]
    except ValueError:
        shape = []
    if not shape or min(shape) < 1:
        raise UserError(f"--input-shape: expected lengths of axes as 28,28,1, got '{cut(text)}'")
    return shape
