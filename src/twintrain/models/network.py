"""conf/models/NAME.yaml → a network: every layer named, placed and checked, before a framework builds it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from twintrain.data.schema import Schema
from twintrain.errors import UserError, unknown
from twintrain.models.layers import LAYERS
from twintrain.models.layers.activation import Activation, Softmax
from twintrain.models.layers.core import Dense, Embedding
from twintrain.models.layers.layer import Entry, Layer, Shape, Weight
from twintrain.models.layers.nested import Nested
from twintrain.models.layers.normalization import BatchNorm
from twintrain.models.own_twin import check_file
from twintrain.settings.yaml_files import read_yaml, validated
from twintrain.system import project

MAX_WEIGHTS = 2 * 10**9  # 8 GB in float32, and the optimizer has more of them


class ModelFile(BaseModel):
    """A file of conf/models/: a list of layers, each written `kind` or `kind: {arguments}`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    layers: list[Entry]


@dataclass(frozen=True)
class PlacedLayer:
    """A layer at its place: its name in the network and the shapes of one sample before and after it.

    Attributes:
        children: the stacks of layers that a nested layer is made of; all names in a network differ.
    """

    name: str
    kind: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    children: tuple[tuple["PlacedLayer", ...], ...] = ()

    @property
    def is_of_images(self) -> bool:
        """Whether the layer takes images, (height, width, channels)."""
        return len(self.input_shape) == 3

    def weights(self) -> dict[str, Weight]:
        """The layer's own arrays by their names in the network: `conv2d_0/kernel`."""
        return {f"{self.name}/{name}": weight for name, weight in self.layer.weights(self.input_shape).items()}

    def walk(self) -> Iterator["PlacedLayer"]:
        """The layer and all that it is made of, depth-first."""
        yield self
        for stack in self.children:
            for child in stack:
                yield from child.walk()


@dataclass(frozen=True)
class Network:
    """What both frameworks build: the one definition of the twins.

    Attributes:
        layers: from the features to the logits.
        head: kind of the layer that a saved network has after the logits; None: it gives logits.
        source: the file of a twin of the user's own, which has no layer list.
        arrays: those of such a twin, known once a framework has built it (`models/own_twin.py`).
        frozen: names of layers that keep their arrays.
    """

    model: str
    mode: str
    schema: Schema
    layers: tuple[PlacedLayer, ...]
    head: str | None = None
    source: Path | None = None
    arrays: dict[str, Weight] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()

    def walk(self) -> Iterator[PlacedLayer]:
        """All layers, each before what it is made of."""
        for placed in self.layers:
            yield from placed.walk()

    def weights(self) -> dict[str, Weight]:
        """All arrays, in the order of the layers; those of frozen layers have no gradient."""
        arrays = self.arrays or {name: weight for placed in self.walk() for name, weight in placed.weights().items()}
        kept = {name: weight for name, weight in arrays.items() if name.partition("/")[0] in self.frozen}
        return {**arrays, **{name: weight.model_copy(update={"trainable": False}) for name, weight in kept.items()}}

    def layers_with_arrays(self) -> list[str]:
        """Names of the layers that have arrays, in order; the last one gives the outputs."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self.weights()))

    def placed_head(self) -> PlacedLayer | None:
        """The head at its place, after the logits."""
        logits = (self.schema.outputs,)
        return self.head and PlacedLayer(self.head, self.head, LAYERS[self.head](), logits, logits)

    def check_batch_size(self, batch_size: int | None) -> None:
        """Raises a UserError where batch statistics would be of a single value."""
        for placed in self.walk():
            if batch_size == 1 and isinstance(placed.layer, BatchNorm) and math.prod(placed.input_shape[:-1]) == 1:
                raise UserError(
                    f"{self.model} has batch_norm on vectors ({placed.name}), where one row has no variance; "
                    "expected train.batch_size of at least 2, got 1"
                )


def load_network(model: str, mode: str, schema: Schema) -> Network:
    """Reads a model file and places its layers for a data set.

    Args:
        model: its path, or a name in conf/models; a Python file is a twin of the user's own.

    Raises:
        UserError: there is no such model, a layer is unknown, miswritten or does not fit its input, or a Python file
            is no twin.
    """
    path = Path(project.model_path(model))
    if not path.is_file():
        if path.suffix == ".py":
            raise UserError(f"there is no file {path}; expected a twin of your own, or a name of {project.MODELS}")
        raise unknown("model", path.stem, project.names_in(project.MODELS))
    if path.suffix == ".py":
        check_file(path)
        return Network(path.stem, mode, schema, layers=(), source=path)
    return place_layers(validated(ModelFile, read_yaml(path), str(path)).layers, path.stem, mode, schema, path)


def place_layers(entries: list[Entry], model: str, mode: str, schema: Schema, source: Path) -> Network:
    """Places a list of layers: resolves `outputs`, infers shapes and checks that each layer fits its input."""
    entries, head = _without_head(entries, schema, source)
    layers = _Placer(mode, schema).stack(entries, tuple(schema.input_shape), "", str(source))
    shape = layers[-1].output_shape if layers else tuple(schema.input_shape)
    if shape != (schema.outputs,):
        raise UserError(
            f"{source}: expected {schema.outputs} logits at the end, got {shape}; end with dense: {{units: outputs}}"
        )
    last = layers[-1].layer if layers else None
    if isinstance(last, Activation) and last.function == "softmax":
        raise UserError(
            f"{source}: expected logits at the end, got their softmax, which the loss would take a second time; "
            "for probabilities in the saved model end with softmax instead of the activation"
        )
    network = Network(model, mode, schema, layers, head)
    weights = sum(math.prod(weight.shape) for weight in network.weights().values())
    if weights > MAX_WEIGHTS:
        raise UserError(f"{source}: expected at most {MAX_WEIGHTS:,} weights, got {weights:,}")
    return network


def _without_head(entries: list[Entry], schema: Schema, source: Path) -> tuple[list[Entry], str | None]:
    """Takes the softmax off the end of a list of layers."""
    if not entries:
        return entries, None
    where = f"{source} layer {len(entries)}"
    kind, layer = _parse(entries[-1], where)
    if not isinstance(layer, Softmax):
        return entries, None
    if schema.outputs == 1:
        raise UserError(
            f"{where} (softmax) does not fit {schema.dataset}: the softmax of a single logit is always 1; "
            "leave it out, probabilities are then the sigmoid of the logit"
        )
    return entries[:-1], kind


@dataclass(frozen=True)
class _Placer:
    """Places stacks of layers for a data set, each one and what it is made of."""

    mode: str
    schema: Schema

    def stack(self, entries: list[Entry], shape: Shape, prefix: str, source: str) -> tuple[PlacedLayer, ...]:
        placed: list[PlacedLayer] = []
        for index, entry in enumerate(entries):
            is_first = index == 0 and not prefix
            placed.append(self._layer(entry, shape, is_first, f"{prefix}%s_{index}", f"{source} layer {index + 1}"))
            shape = placed[-1].output_shape
        return tuple(placed)

    def _layer(self, entry: Entry, shape: Shape, is_first: bool, name: str, where: str) -> PlacedLayer:
        kind, layer = _parse(entry, where)
        layer = self._resolved(layer, is_first)
        stacks = layer.stacks() if isinstance(layer, Nested) else {}
        children = {
            key: self.stack(entries, shape, f"{name % kind}_{key}_", f"{where} ({kind}), {key},")
            for key, entries in stacks.items()
        }
        try:
            self._check(layer, is_first)
            if isinstance(layer, Nested):
                ends = {key: stack[-1].output_shape if stack else shape for key, stack in children.items()}
                output_shape = layer.joined_shape(ends)
            else:
                output_shape = layer.output_shape(shape)
        except UserError as error:
            raise UserError(f"{where} ({kind}) does not fit {self.schema.dataset}: {error}") from None
        return PlacedLayer(name % kind, kind, layer, shape, output_shape, tuple(children.values()))

    def _resolved(self, layer: Layer, is_first: bool) -> Layer:
        """Fills in what the data set and the mode decide."""
        if isinstance(layer, Dense) and layer.units == "outputs":
            layer = layer.model_copy(update={"units": self.schema.outputs})
        if isinstance(layer, Embedding) and is_first:
            layer = layer.model_copy(update={"input_dims": tuple(self.schema.categories or ())})
        return layer.aligned() if self.mode == "aligned" else layer

    def _check(self, layer: Layer, is_first: bool) -> None:
        if self.schema.categories and is_first and not isinstance(layer, Embedding):
            raise UserError("category codes need an embedding as the first layer, or preprocess.categorical: onehot")
        if isinstance(layer, Softmax):
            raise UserError(
                "softmax is for reading the logits and goes last; elsewhere: activation: {function: softmax}"
            )


def _parse(entry: Entry, source: str) -> tuple[str, Layer]:
    if isinstance(entry, dict) and len(entry) != 1:
        raise UserError(f"{source}: expected one 'kind: {{arguments}}', got {', '.join(map(str, entry))}")
    kind, arguments = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    if kind not in LAYERS:
        raise unknown(f"layer in {source}:", kind, LAYERS)
    return kind, validated(LAYERS[kind], arguments or {}, f"{source} ({kind})")
