"""Arrays of another program's file by the names of our layers: the first layer is the first, and so on.

Files call layers as whoever has written the network did, so that their order tells which is which; shapes, and how many
arrays a layer has, tell where it ends to be so.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from twintrain.models.layers.layer import Shape
from twintrain.models.network import Network
from twintrain.models.own_twin import kind_of

Arrays = dict[str, np.ndarray]
# How arrays are laid out; of Keras 3, layers are in order within their class alone.
Layout = Literal["torch", "keras", "keras by class"]
# Kinds that are one layer in files too, with the same arrays in the same order, and what Keras 3 calls their class.
CONVOLUTIONS = ("conv1d", "conv2d", "conv3d", "conv1d_transpose", "conv2d_transpose", "depthwise_conv2d")
CLASSES = {
    **{kind: kind for kind in ("dense", *CONVOLUTIONS, "embedding")},
    "batch_norm": "batch_normalization",
    "layer_norm": "layer_normalization",
    "group_norm": "group_normalization",
    "rms_norm": "rms_normalization",
    **dict.fromkeys(("activation", "prelu"), "p_re_lu"),
}


@dataclass(frozen=True)
class Found:
    """Arrays by our names.

    Attributes:
        sources: what the file calls the layers of ours that it has.
        end: the first layer that does not fit, in words; empty where all do.
    """

    arrays: Arrays
    sources: dict[str, str]
    end: str = ""


def in_order(network: Network, given: Arrays, layout: Layout) -> Found:
    """Takes the layers of a file one after the other, up to the first that is not the network's."""
    kinds = {placed.name: placed.kind for placed in network.walk()}
    left: dict[str, list[np.ndarray]] = {}
    for name, array in given.items():
        left.setdefault(name.rpartition("/")[0], []).append(array)
    found = Found({}, {})
    for layer in network.layers_with_arrays():
        kind = kinds.get(layer) or kind_of(layer)
        own = {name: weight.shape for name, weight in network.weights().items() if name.partition("/")[0] == layer}
        said = f"{layer} ({', '.join(map(str, own.values()))})"
        if kind not in CLASSES:
            return Found(found.arrays, found.sources, f"{said} is a {kind}, whose arrays are taken by our names alone")
        theirs = next((name for name in left if layout != "keras by class" or _class(name) == CLASSES[kind]), None)
        if theirs is None:
            return Found(found.arrays, found.sources, f"the file has no layer left for {said}")
        arrays = left.pop(theirs)
        turned = _turned(network, layer, kind, arrays, layout) if len(arrays) == len(own) else []
        if [array.shape for array in turned] != [*own.values()]:
            shapes = ", ".join(str(array.shape) for array in arrays)
            return Found(found.arrays, found.sources, f"{theirs} ({shapes}) of the file does not fit {said}")
        found.arrays.update(zip(own, turned, strict=True))
        found.sources[layer] = theirs
    return found


def _class(layer: str) -> str:
    return re.sub(r"_\d+$", "", layer)


def _turned(network: Network, layer: str, kind: str, arrays: list[np.ndarray], layout: Layout) -> list[np.ndarray]:
    """The arrays of a layer in our layout; none where they cannot be laid out so."""
    first, *others = arrays
    if CLASSES[kind] == "p_re_lu":
        return [first.reshape(-1)]  # Keras has an axis of 1 for each place
    if layout != "torch":
        return arrays
    flattened = _flattened_image(network, layer)
    if flattened and (kind != "dense" or first.ndim != 2 or first.shape[1] != np.prod(flattened)):
        return []
    if kind == "depthwise_conv2d":
        channels = network.weights()[f"{layer}/kernel"].shape[2]
        return [] if len(first) % channels else [_depthwise(first, channels), *others]
    if kind == "dense" or kind in CONVOLUTIONS:
        first = first.transpose(*range(2, first.ndim), 1, 0) if first.ndim > 1 else first
    if flattened:
        height, width, channels = flattened
        first = first.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(len(first), -1)
    return [first, *others]


def _depthwise(kernel: np.ndarray, channels: int) -> np.ndarray:
    """(channels · multiplier, 1, height, width) → (height, width, channels, multiplier)."""
    return kernel.reshape(channels, -1, *kernel.shape[2:]).transpose(2, 3, 0, 1)


def _flattened_image(network: Network, layer: str) -> Shape | None:
    """The image whose numbers a layer takes in a row: PyTorch has them in the order channel, height, width."""
    placed = {each.name: each for each in network.layers}
    at = placed.get(layer)
    while at and len(at.inputs) == 1 and (at := placed.get(at.inputs[0])) and not at.weights():
        if len(at.input_shape) == 3 and len(at.output_shape) == 1:
            return None if at.kind.startswith("global") else at.input_shape
    return None
