"""Weights of Keras: `.weights.h5`, `.keras`, and the `.h5` of earlier versions, read by h5py alone."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.errors import UserError, first_line
from twintrain.system.stored import NOT_READABLE as OF_FILES
from twintrain.training.transfer import Trained

EXPECTED = "expected what Keras saves: .weights.h5, .keras or .h5"
# A .keras file has such a file in it.
MEMBER = "model.weights.h5"
# What an earlier version writes lists its layers in their order, and the arrays of each. Keras 3 writes layers by their
# class and number, conv2d, conv2d_1, …, so that the order is known within a class alone.
LAYERS, ARRAYS = "layer_names", "weight_names"
NOT_READABLE = (*OF_FILES, AttributeError, RuntimeError)

Named = Iterator[tuple[str, np.ndarray]]


def read_keras_file(path: Path) -> Trained:
    """Reads a file of Keras's.

    Raises:
        FileNotFoundError: there is none.
        UserError: it is none of Keras's, or has layers inside of layers.
    """
    import h5py

    with path.open("rb") as file:
        try:
            content = io.BytesIO(_member(path)) if path.suffix == ".keras" else file
            with h5py.File(content, "r") as opened:
                root = opened.get("model_weights", opened)
                is_ordered = LAYERS in root.attrs
                arrays = dict(_ordered(root) if is_ordered else _by_class(root))
        except NOT_READABLE as error:
            raise UserError(f"{path}: {EXPECTED}, got what cannot be read: {first_line(error)}") from None
    if not arrays:
        raise UserError(f"{path}: {EXPECTED}, got a file without arrays of layers")
    return Trained(arrays, [], layout="keras" if is_ordered else "keras by class")


def _member(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(MEMBER)
        if info.compress_type != zipfile.ZIP_STORED:  # which a few bytes may stand for
            raise zipfile.BadZipFile(f"{MEMBER} is compressed, as Keras saves none")
        return archive.read(info)


def _ordered(root: Any) -> Named:
    for layer in map(_text, root.attrs[LAYERS]):
        for number, name in enumerate(map(_text, root[layer].attrs[ARRAYS])):
            yield f"{layer}/{number}", _array(root[layer], name)


def _by_class(root: Any) -> Named:
    layers = root["layers"]
    for layer in sorted(layers, key=_class_and_number):
        inner = [name for name in layers[layer] if name != "vars"]
        if any(_has_arrays(layers[layer][name]) for name in inner):
            raise UserError(
                f"layers/{layer} has arrays in {inner[0]}, inside of it; expected layers that hold their arrays "
                "themselves: save the weights of an inner model by itself"
            )
        variables = layers[layer].get("vars", {})
        for name in sorted(variables, key=int):
            yield f"{layer}/{name}", _array(variables, name)


def _class_and_number(layer: str) -> tuple[str, int]:
    kind, number = re.fullmatch(r"(.*?)(?:_(\d+))?", layer).groups()
    return kind, int(number or 0)


def _has_arrays(item: Any) -> bool:
    return hasattr(item, "shape") or any(_has_arrays(item[name]) for name in item)


def _array(group: Any, name: str) -> np.ndarray:
    """Reads an array whose bytes are in the file itself, all of them: it could be of another file, or of any size.

    Links to other files lead nowhere, since h5py is given an open file.
    """
    found = group[name]
    is_whole = found.id.get_storage_size() == found.nbytes
    if found.external or found.is_virtual or found.chunks or found.dtype.kind != "f" or not is_whole:
        raise ValueError(f"{name} is no array of floating numbers that the file itself holds")
    return found[()]


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode()
