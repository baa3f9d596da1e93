"""conf/models/NAME.yaml → a network: every layer named, placed and checked, before a framework builds it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from twintrain import project
from twintrain.data.schema import Schema
from twintrain.errors import UserError, unknown
from twintrain.models.layers import LAYERS, BatchNorm, Dense, Embedding, Layer, Shape, Weight
from twintrain.yaml_files import read_yaml, validated


class ModelFile(BaseModel):
    """A file of conf/models/: a list of layers, each written `kind` or `kind: {arguments}`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    layers: list[str | dict[str, Any]]


@dataclass(frozen=True)
class PlacedLayer:
    """A layer at its place: its name in the network and the shapes of one sample before and after it."""

    name: str
    kind: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape

    def weights(self) -> dict[str, Weight]:
        """The layer's arrays by their names in the network: `conv2d_0/kernel`."""
        return {f"{self.name}/{name}": weight for name, weight in self.layer.weights(self.input_shape).items()}


@dataclass(frozen=True)
class Network:
    """What both frameworks build: the one definition of the twins."""

    model: str
    mode: str
    schema: Schema
    layers: tuple[PlacedLayer, ...]

    def weights(self) -> dict[str, Weight]:
        """All arrays, in the order of the layers."""
        return {name: weight for placed in self.layers for name, weight in placed.weights().items()}

    def check_batch_size(self, batch_size: int | None) -> None:
        """Raises a UserError where batch statistics would be of a single value."""
        for placed in self.layers:
            if batch_size == 1 and isinstance(placed.layer, BatchNorm) and math.prod(placed.input_shape[:-1]) == 1:
                raise UserError(
                    f"{self.model} has batch_norm on vectors ({placed.name}), where one row has no variance; "
                    "expected train.batch_size of at least 2, got 1"
                )


def load_network(model: str, mode: str, schema: Schema) -> Network:
    """Reads conf/models/NAME.yaml and places its layers for a data set.

    Raises:
        UserError: there is no such model, or a layer is unknown, miswritten or does not fit its input.
    """
    if model not in project.names_in(project.MODELS):
        raise unknown("model", model, project.names_in(project.MODELS))
    path = project.MODELS / f"{model}.yaml"
    return place_layers(validated(ModelFile, read_yaml(path), str(path)).layers, model, mode, schema, path)


def place_layers(entries: list[str | dict[str, Any]], model: str, mode: str, schema: Schema, source: Path) -> Network:
    """Places a list of layers: resolves `outputs`, infers shapes and checks that each layer fits its input."""
    shape: Shape = tuple(schema.input_shape)
    placed = []
    for index, entry in enumerate(entries):
        kind, layer = _parse(entry, f"{source} layer {index + 1}")
        layer = _resolved(layer, schema, index)
        if mode == "aligned":
            layer = layer.aligned()
        try:
            if schema.categories and index == 0 and not isinstance(layer, Embedding):
                raise UserError(
                    "category codes need an embedding as the first layer, or preprocess.categorical: onehot"
                )
            output_shape = layer.output_shape(shape)
        except UserError as error:
            raise UserError(f"{source} layer {index + 1} ({kind}) does not fit {schema.dataset}: {error}") from None
        placed.append(PlacedLayer(f"{kind}_{index}", kind, layer, shape, output_shape))
        shape = output_shape
    if shape != (schema.outputs,):
        raise UserError(
            f"{source}: expected {schema.outputs} logits at the end, got {shape}; end with dense: {{units: outputs}}"
        )
    return Network(model, mode, schema, tuple(placed))


def _parse(entry: str | dict[str, Any], source: str) -> tuple[str, Layer]:
    if isinstance(entry, dict) and len(entry) != 1:
        raise UserError(f"{source}: expected one 'kind: {{arguments}}', got {', '.join(map(str, entry))}")
    kind, arguments = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    if kind not in LAYERS:
        raise unknown(f"layer in {source}:", kind, LAYERS)
    return kind, validated(LAYERS[kind], arguments or {}, f"{source} ({kind})")


def _resolved(layer: Layer, schema: Schema, index: int) -> Layer:
    """Fills in what the data set decides."""
    if isinstance(layer, Dense) and layer.units == "outputs":
        return layer.model_copy(update={"units": schema.outputs})
    if isinstance(layer, Embedding) and index == 0:
        return layer.model_copy(update={"input_dims": tuple(schema.categories or ())})
    return layer
