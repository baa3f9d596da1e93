"""Where a training starts: freshly drawn arrays, and those that another model gives in their place."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

import numpy as np

from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.models.network import Network
from twintrain.system.stored import damaged, load_arrays
from twintrain.training.weight_files.layer_order import Found, Layout, in_order

Arrays = dict[str, np.ndarray]
FILE_NAME = "weights.npz"
# Arrays have a slash in their names, so that no array is called so.
MEANINGS, VOCABULARY, LAYOUT = "outputs", "vocabulary", "layout"


@dataclass(frozen=True)
class Trained:
    """The arrays of a trained network, whichever framework has trained it.

    Attributes:
        arrays: named and laid out as `Network.weights`, unless a layout is given.
        outputs: what its outputs stand for, as `meaning_of_outputs` says; empty where nobody knows.
        vocabulary: of a network of texts, the digest that `Schema` has.
        layout: of a file of another program, whose arrays are named as there, LAYER/ARRAY.
    """

    arrays: Arrays
    outputs: list[str]
    vocabulary: str | None = None
    layout: Layout | None = None

    @classmethod
    def of(cls, arrays: Arrays, schema: Schema) -> "Trained":
        """A network that was trained on data of a schema."""
        return cls(arrays, meaning_of_outputs(schema), schema.vocabulary)

    def save(self, path: Path) -> None:
        """Writes one file without pickles."""
        meanings = {MEANINGS: np.array(self.outputs, dtype=np.str_)}
        meanings |= {name: np.array(said) for name in (VOCABULARY, LAYOUT) if (said := getattr(self, name))}
        np.savez(path, **self.arrays, **meanings)

    @classmethod
    def load(cls, path: Path) -> "Trained":
        """Reads what `save` wrote.

        Raises:
            DamagedFileError: it is no such file.
        """
        arrays = load_arrays(path, MEANINGS, scalars=True)
        if arrays[MEANINGS].ndim != 1:
            raise damaged(path, f"{MEANINGS}: one name an output", f"the shape {arrays[MEANINGS].shape}")
        outputs = [str(name) for name in arrays.pop(MEANINGS)]
        vocabulary, layout = (str(arrays.pop(name)) if name in arrays else None for name in (VOCABULARY, LAYOUT))
        if layout not in (None, *get_args(Layout)):
            raise damaged(path, f"{LAYOUT}: {' or '.join(get_args(Layout))}", layout)
        return cls(arrays, outputs, vocabulary, cast("Layout | None", layout))

    def found_in(self, network: Network) -> Found:
        """The arrays by the names of a network's layers."""
        return in_order(network, self.arrays, self.layout) if self.layout else Found(self.arrays, {})


@dataclass(frozen=True)
class Start:
    """Where a training starts.

    Attributes:
        weights: all arrays of the network.
        loaded: names of the layers whose arrays are the given ones.
        drawn: names of the other layers that have arrays.
        frozen: names of those that keep their arrays.
        sources: what a file of another program calls the layers that are loaded.
    """

    weights: Arrays
    loaded: list[str]
    drawn: list[str]
    frozen: list[str]
    sources: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        loaded = [f"{name} from {self.sources[name]}" if name in self.sources else name for name in self.loaded]
        parts = {"loaded": loaded, "freshly drawn": self.drawn, "frozen": self.frozen}
        return "; ".join(f"{what}: {', '.join(layers)}" for what, layers in parts.items() if layers)

    def described(self) -> dict[str, str]:
        """Lists of layers for people."""
        lists = {"loaded_layers": self.loaded, "drawn_layers": self.drawn, "frozen_layers": self.frozen}
        return {name: ", ".join(layers) or "none" for name, layers in lists.items()}


def start_from(network: Network, drawn: Arrays, given: Trained | None) -> Start:
    """Takes the given arrays layer by layer where a layer has the same name and all its arrays the same shapes.

    A layer that gives the outputs is taken only if these stand for the same in both: the weights of the digits 0 to
    4 are no start for 5 to 9. So is a table of words only if its rows are of the same ones.

    Args:
        network: with its frozen layers.
        drawn: all arrays of the network.

    Raises:
        UserError: no layer fits, or one that is frozen does not.
    """
    layers = network.layers_with_arrays()
    frozen = [layer for layer in layers if layer in network.frozen]
    if given is None:
        return Start(drawn, [], layers, frozen)
    found = given.found_in(network)
    loaded = [layer for layer in layers if _fits(network, layer, given, found.arrays)]
    if not loaded:
        why = found.end or _difference(network, found.arrays)
        raise UserError(f"train.initial_model: none of its layers fits {network.model}: {why}")
    if astray := [layer for layer in frozen if layer not in loaded]:
        raise UserError(
            f"train.freeze: {astray[0]} would keep freshly drawn weights, since train.initial_model has none that fit"
            f"{found.end and f': {found.end}'}; expected frozen layers that it has"
        )
    taken = {name: array for name, array in found.arrays.items() if name.partition("/")[0] in loaded}
    rest = [layer for layer in layers if layer not in loaded]
    return Start({**drawn, **taken}, loaded, rest, frozen, found.sources)


def meaning_of_outputs(schema: Schema) -> list[str]:
    """What the outputs of a network for a data set stand for: its classes, else the numbers of this data set."""
    if schema.targets:
        return [f"{name}: {label}" for name, target in schema.targets.items() for label in target.labels]
    return schema.labels or [schema.dataset]


def _fits(network: Network, layer: str, given: Trained, arrays: Arrays) -> bool:
    if layer in network.layers_of_outputs() and given.outputs != meaning_of_outputs(network.schema):
        return False
    if layer in network.layers_of_words() and given.vocabulary != network.schema.vocabulary:
        return False
    return _shapes(network, layer) == _given_shapes(arrays, layer)


def _shapes(network: Network, layer: str) -> dict[str, tuple[int, ...]]:
    return {name: weight.shape for name, weight in network.weights().items() if name.partition("/")[0] == layer}


def _given_shapes(arrays: Arrays, layer: str) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items() if name.partition("/")[0] == layer}


def _difference(network: Network, arrays: Arrays) -> str:
    """The first arrays of both, which is where they differ."""
    name, weight = next(iter(network.weights().items()))
    if name in arrays:
        return f"its {name} is {arrays[name].shape}, the network's {weight.shape}"
    other = next(iter(arrays))
    return f"it begins with {other} {arrays[other].shape}, the network with {name} {weight.shape}"
