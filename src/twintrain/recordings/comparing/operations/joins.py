"""Dense layers and embeddings, and what rearranges or joins arrays."""

from typing import Any

import numpy as np

from twintrain.recordings.comparing.operations.layouts import to_last

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]

PAD_MODES = {
    "constant": "constant",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "replicate": "edge",
    "circular": "wrap",
}


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
    """More before and after `axes`: a value, or what `mode` says of what is there."""
    mode = PAD_MODES.get(options.get("mode", "constant"))
    if mode is None:
        return None
    pads = [(0, 0)] * rows.ndim
    for axis, pad_ in zip(options["axes"], options["padding"], strict=True):
        pads[axis] = tuple(pad_)
    is_copied = mode in ("reflect", "symmetric", "wrap")
    if is_copied and any(max(pair) > size - (mode == "reflect") for pair, size in zip(pads, rows.shape, strict=True)):
        return None  # NumPy goes back and forth, and the frameworks do not
    return np.pad(rows, pads, mode, **({"constant_values": options.get("value", 0)} if mode == "constant" else {}))


def add(options: Options, weights: Arrays, *inputs: np.ndarray) -> np.ndarray:
    """The sum of all inputs, or of one and a number; `alpha` multiplies what is added."""
    others = [*inputs[1:], *([options["other"]] if "other" in options else [])]
    return inputs[0] + options.get("alpha", 1) * sum(others[1:], others[0])


def multiply(options: Options, weights: Arrays, *inputs: np.ndarray) -> np.ndarray:
    """The product of all inputs, or of one and a number."""
    product = inputs[0] * options.get("other", 1)
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
