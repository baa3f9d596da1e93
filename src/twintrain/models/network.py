"""conf/models/NAME.yaml → a network: every layer named, placed and checked, before a framework builds it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from twintrain.data.schema import Schema
from twintrain.errors import UserError, shown, unknown
from twintrain.models.composites import COMPOSITES
from twintrain.models.entries import INPUT, Block, check_blocks
from twintrain.models.layers import LAYERS
from twintrain.models.layers.activation import Activation
from twintrain.models.layers.core import Embedding
from twintrain.models.layers.layer import Entry, Weight
from twintrain.models.layers.normalization import BatchNorm
from twintrain.models.outputs import Outputs
from twintrain.models.own_twin import check_file
from twintrain.models.placing import Place, PlacedLayer, Placer
from twintrain.settings.yaml_files import read_yaml, validated
from twintrain.system import project

HEAD = "softmax"
MAX_WEIGHTS = 2 * 10**9  # 8 GB in float32, and the optimizer has more of them


class ModelFile(BaseModel):
    """A file of conf/models/: a list of layers, each written `kind` or `kind: {arguments}`, and blocks of them.

    Attributes:
        outputs: of several targets, the name of the entry that gives the outputs of each.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    layers: list[Entry]
    blocks: dict[str, Block] = {}
    outputs: dict[str, str] = {}


@dataclass(frozen=True)
class Network:
    """What both frameworks build: the one definition of the twins.

    Attributes:
        layers: each after those that it takes; the last one gives the logits.
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

    @property
    def output(self) -> str:
        """Name of the layer that gives the logits."""
        return self.layers[-1].name if self.layers else INPUT

    def walk(self) -> Iterator[PlacedLayer]:
        """All layers, wrappers before what they are made of."""
        for placed in self.layers:
            yield from placed.walk()

    def weights(self) -> dict[str, Weight]:
        """All arrays, in the order of the layers; those of frozen layers have no gradient."""
        arrays = self.arrays or {name: weight for placed in self.walk() for name, weight in placed.weights().items()}
        kept = {name: weight for name, weight in arrays.items() if name.partition("/")[0] in self.frozen}
        return {**arrays, **{name: weight.model_copy(update={"trainable": False}) for name, weight in kept.items()}}

    def layers_with_arrays(self) -> list[str]:
        """Names of the layers that have arrays, in order."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self.weights()))

    def layers_of_outputs(self) -> set[str]:
        """Names of the layers with arrays that give the outputs: several where a join of them does."""
        if self.source:
            return {self.layers_with_arrays()[-1]}
        placed = {layer.name: layer for layer in self.layers}
        found, waiting = set(), [self.output]
        while waiting:
            if (name := waiting.pop()) not in placed:
                continue
            owners = {each.name for each in placed[name].walk() if each.weights()}
            found |= owners
            waiting += () if owners else placed[name].inputs
        return found

    def layers_of_words(self) -> set[str]:
        """Names of the layers whose arrays have a row a word of the vocabulary."""
        tables = {placed.name for placed in self.walk() if isinstance(placed.layer, Embedding)}
        return tables if self.schema.tokens else set()

    def placed_head(self) -> PlacedLayer | None:
        """The head at its place, after the logits."""
        logits = (self.schema.outputs,)
        return self.head and PlacedLayer(self.head, self.head, LAYERS[self.head](), logits, logits, (self.output,))

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
        raise unknown("model", path.stem, project.names_in(project.MODELS), str(project.MODELS))
    if path.suffix == ".py":
        check_file(path)
        return Network(path.stem, mode, schema, layers=(), source=path)
    file = validated(ModelFile, read_yaml(path), str(path))
    return place_layers(file.layers, path.stem, mode, schema, path, file.blocks, file.outputs)


def place_layers(
    entries: list[Entry],
    model: str,
    mode: str,
    schema: Schema,
    source: Path,
    blocks: dict[str, Block] | None = None,
    outputs: dict[str, str] | None = None,
) -> Network:
    """Places a list of layers: resolves names and `outputs`, infers shapes, checks that each layer fits its inputs."""
    entries, head = _without_head(entries, schema, source)
    check_blocks(blocks or {}, [*LAYERS, *COMPOSITES], str(source))
    named = Outputs(schema, outputs or {})
    named.check_names([entry["name"] for entry in entries if isinstance(entry, dict) and "name" in entry], str(source))
    placer = Placer(mode, schema, blocks or {}, named)
    placer.stack([*entries, *named.joined()], INPUT, Place(str(source)))
    layers = tuple(placer.layers)
    shape = layers[-1].output_shape if layers else tuple(schema.input_shape)
    if shape != (schema.outputs,):
        mend = "flatten" if math.prod(shape) == schema.outputs else "dense: {units: outputs}"
        raise UserError(f"{source}: expected {schema.outputs} logits at the end, got {shape}; end with {mend}")
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
    *others, last = entries or [""]
    if last != HEAD and not (isinstance(last, dict) and HEAD in last):
        return entries, None
    where = f"{source} layer {len(entries)} ({HEAD})"
    if last not in (HEAD, {HEAD: None}, {HEAD: {}}):
        raise UserError(f"{where}: expected it alone at the end, got {shown(last)}")
    if schema.targets:
        raise UserError(f"{where} does not fit {schema.dataset}: it is of one target, not of several; leave it out")
    if schema.outputs > 1 and not schema.labels:
        raise UserError(f"{where} does not fit {schema.dataset}: its outputs are no classes; leave it out")
    if schema.outputs == 1:
        raise UserError(
            f"{where} does not fit {schema.dataset}: the softmax of a single logit is always 1; "
            "leave it out, probabilities are then the sigmoid of the logit"
        )
    return others, HEAD
