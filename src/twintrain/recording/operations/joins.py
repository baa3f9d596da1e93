"""Dense layers and embeddings, and what rearranges or joins arrays."""

from typing import Any

import numpy as np

from twintrain.recording.operations.layouts import from_last, to_last
from twintrain.recording.operations.windows import padding

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]


def dense(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray:
    """A product along the last axis; kernel (input, output)."""
    output = rows @ weights["kernel"]
    return output + weights["bias"] if "bias" in weights else output


def embedding(options: Options, weights: Arrays, tokens: np.ndarray) -> np.ndarray:
    """A row of the table (words, units) for each number of a word."""
    return weights["embeddings"][tokens.astype(int)]


def flatten(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray:
    """All numbers of a row in the order in which they lie, from `start_axis` to `end_axis` if given.

    With `transposed` the channels of images that are channels first are taken last, as Keras's Flatten does.
    """
    if options.get("transposed"):
        rows = to_last(rows, options)
    start, end = options.get("start_axis", 1) % rows.ndim, options.get("end_axis", -1) % rows.ndim
    return rows.reshape(*rows.shape[:start], -1, *rows.shape[end + 1 :])


def reshape(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray | None:
    """Other axes of a row: `shape` without the rows."""
    shape = options.get("shape", options.get("target_shape"))
    return None if shape is None else rows.reshape(len(rows), *shape)


def permute(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray | None:
    """The axes in another order: `axes` counts the rows as 0."""
    axes = options.get("axes")
    return None if axes is None else np.transpose(rows, axes)


def pad(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray | None:
    """Zeros around the spatial axes."""
    if options.get("mode", "constant") not in ("constant", "zeros"):
        return None
    images = to_last(rows, options)
    axes = images.ndim - 2
    pads = padding(options["padding"], (1,) * axes, (1,) * axes, (1,) * axes, images.shape[1:-1])
    padded = np.pad(images, [(0, 0), *pads, (0, 0)], constant_values=options.get("value", 0))
    return from_last(padded, options)


def add(options: Options, weights: Arrays, *inputs: np.ndarray) -> np.ndarray:
    """The sum of all inputs."""
    return sum(inputs[1:], inputs[0])


def multiply(options: Options, weights: Arrays, *inputs: np.ndarray) -> np.ndarray:
    """The product of all inputs."""
    product = inputs[0]
    for each in inputs[1:]:
        product = product * each
    return product


def concatenate(options: Options, weights: Arrays, *inputs: np.ndarray) -> np.ndarray:
    """All inputs after each other along `axis`."""
    return np.concatenate(inputs, options.get("axis", -1))


def identity(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray:
    """What came in."""
    return rows


def dropout(options: Options, weights: Arrays, rows: np.ndarray) -> np.ndarray | None:
    """In inference alone: in training its draws are not known."""
    return None if options.get("training") and options.get("rate", 0) else rows


OPERATIONS = {
    "dense": dense,
    "embedding": embedding,
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "pad": pad,
    "add": add,
    "multiply": multiply,
    "concatenate": concatenate,
    "identity": identity,
    "dropout": dropout,
}
