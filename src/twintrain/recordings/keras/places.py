"""Where the layers of a Keras model are in it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras


class Place(NamedTuple):
    """A layer in a model.

    Attributes:
        path: names of the layers around it, but for the model itself, and its own.
        inputs: of a functional or sequential model, what stands for its inputs.
        operations: of such a model, functions that it calls between its layers.
    """

    path: str
    layer: keras.Layer
    inputs: list[Any]
    operations: list[keras.Operation]


def walk(model: keras.Layer) -> Iterator[Place]:
    """The model, all layers in it, and those in layers, each once, in order."""
    yield from _walk(model, "", set(), set())


def _walk(layer: keras.Layer, path: str, seen: set[int], paths: set[str]) -> Iterator[Place]:
    seen.add(id(layer))
    paths.add(path)
    graph = getattr(layer, "_functional", layer)
    inputs = [*getattr(graph, "_inputs", [])] if isinstance(graph, keras.Model) else []
    operations = [part for part in getattr(graph, "operations", []) if not isinstance(part, keras.Layer)]
    yield Place(path, layer, inputs, operations)
    for child in layer._flatten_layers(include_self=False, recursive=False):
        # A sequential model holds the functional one that it runs as; its layers are those of both.
        if id(child) not in seen and child is not graph:
            yield from _walk(child, unused("/".join(filter(None, (path, child.name))), paths), seen, paths)


def unused(name: str, used: set[str]) -> str:
    """The name, or it with a number where it is used already."""
    number, found = 0, name
    while found in used:
        number += 1
        found = f"{name}_{number}"
    return found
