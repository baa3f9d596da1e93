"""A layer at its place: its name, what it takes, and the shapes of one sample before and after it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from twintrain.models.entries import INPUT
from twintrain.models.layers.layer import Layer, Shape, Weight


@dataclass(frozen=True)
class Taken:
    """What a layer is given: by what its inputs are called, the layers that give them, their shapes and their masks.

    Attributes:
        codes: of inputs that are codes, how many of each column; empty for numbers.
        times: how often, of one sample.
    """

    nodes: dict[str, str]
    shapes: dict[str, Shape]
    masks: dict[str, str | None]
    codes: dict[str, tuple[int, ...]]
    times: int = 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the layers."""
        return tuple(self.nodes.values())

    @property
    def shape(self) -> Shape:
        """Of the first input."""
        return next(iter(self.shapes.values()))

    @property
    def first_codes(self) -> tuple[int, ...]:
        """Of the first input, how many codes each column has."""
        return next(iter(self.codes.values()))

    def each_step(self) -> "Taken":
        """The same at each step of a sequence of whatever has axes itself."""
        shapes = {name: shape[1:] for name, shape in self.shapes.items()}
        return replace(self, shapes=shapes, masks=dict.fromkeys(self.masks), times=self.times * self.shape[0])


@dataclass(frozen=True)
class PlacedLayer:
    """A layer at its place.

    Attributes:
        name: all in a network differ.
        input_shape: of one sample before it; where it joins several, of the first.
        inputs: names of the layers that it takes, `input` for the network's input.
        parts: what a wrapper is made of.
        mask: what the mask is made of by which the layer leaves padding out (`layers/padding.py`); None: it takes none.
        output_mask: the same of what it gives; None: none of its steps is padding.
        times: how often it is applied to one sample: a part of time_distributed at each step.
        number: its place among the entries as they are read, which the masks of a dropout depend on.
        scopes: names of the blocks, the short forms and the wrapper that it is in, the outermost first.
    """

    name: str
    kind: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    inputs: tuple[str, ...] = (INPUT,)
    parts: tuple["PlacedLayer", ...] = ()
    mask: str | None = None
    output_mask: str | None = None
    times: int = 1
    number: int = 0
    scopes: tuple[str, ...] = ()

    @property
    def is_of_images(self) -> bool:
        """Whether the layer takes images or volumes, (…, height, width, channels), which PyTorch has channels first."""
        return len(self.input_shape) >= 3

    def weights(self) -> dict[str, Weight]:
        """The layer's own arrays by their names in the network: `conv2d_0/kernel`."""
        return {f"{self.name}/{name}": weight for name, weight in self.layer.weights(self.input_shape).items()}

    def walk(self) -> Iterator["PlacedLayer"]:
        """The layer and all that it is made of, depth-first."""
        yield self
        for part in self.parts:
            yield from part.walk()
