"""What a mistake is tried on, and what it makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twintrain.recordings.comparing.layer_pair import Layer

After = Callable[[np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class Pair:
    """The reference's layer on the other's input, which a mistake is to turn into the other's layer.

    Attributes:
        ours: the reference's layer; its inputs are the other's, in the reference's layout.
        theirs: the other's layer, with its output.
        titles: how sentences call both.
    """

    ours: Layer
    theirs: Layer
    titles: tuple[str, str]

    @property
    def our_title(self) -> str:
        return self.titles[0]

    @property
    def their_title(self) -> str:
        return self.titles[1]


@dataclass(frozen=True)
class Trial:
    """One mistake, made.

    Attributes:
        mistake: a short name of it.
        layer: the reference's layer with the mistake.
        saying: the finding as a clause: "Keras has epsilon 0.001, PyTorch 1e-05".
        remedy: when they agree: "with the same epsilon".
        after: what else is done to the output.
    """

    mistake: str
    layer: Layer
    saying: str
    remedy: str
    after: After | None = None

    def output(self) -> np.ndarray | None:
        """What the layer with the mistake gives."""
        found = self.layer.computed()
        return found if found is None or self.after is None else self.after(found)


def with_options(layer: Layer, **options: Any) -> Layer:
    """The layer with other options."""
    return replace(layer, options={**layer.options, **options})


def with_weights(layer: Layer, weights: Mapping[str, tuple[np.ndarray, str] | None]) -> Layer:
    """The layer with other weights; those that are None are left out."""
    found = {**layer.weights, **weights}
    return replace(layer, weights={role: each for role, each in found.items() if each is not None})


def written(value: Any) -> str:
    """A value of an option as sentences have it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        parts = [written(each) for each in value]
        return parts[0] if parts and len(set(parts)) == 1 else f"({', '.join(parts)})"
    return str(value)
