"""Layers that are made of stacks of others."""

from abc import abstractmethod
from typing import Any, Literal

from pydantic import Field

from twintrain.errors import UserError
from twintrain.models.layers.layer import Entry, Layer, Shape


class Nested(Layer):
    """A layer that is made of stacks of others, all on the same input."""

    @abstractmethod
    def stacks(self) -> dict[str, list[Entry]]:
        """Layers as they are written in a model file, by the name of the stack."""

    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        """Shape of one sample after the layer, from those at the ends of the stacks.

        Raises:
            UserError: the ends do not fit each other.
        """
        first, *others = shapes.values()
        if any(shape[:-1] != first[:-1] for shape in others):
            ends = ", ".join(f"{name} ends in {shape}" for name, shape in shapes.items())
            raise UserError(
                "branches stand side by side on the last axis, all others must be equal, but "
                f"{ends}; give them the same strides, and padding: same"
            )
        return (*first[:-1], sum(shape[-1] for shape in shapes.values()))


class Bidirectional(Nested):
    """A recurrent layer and another one that reads backwards, side by side (Schuster and Paliwal 1997)."""

    layer: dict[Literal["simple_rnn", "lstm", "gru"], dict[str, Any]] = Field(min_length=1, max_length=1)

    def stacks(self) -> dict[str, list[Entry]]:
        return {"forward": [self.layer], "backward": [self.layer]}


class Inception(Nested):
    """Parallel branches on the same input, side by side on the last axis (Szegedy et al. 2015); [] hands it on."""

    branches: list[list[Entry]] = Field(min_length=1)

    def stacks(self) -> dict[str, list[Entry]]:
        return {str(index): branch for index, branch in enumerate(self.branches)}


class Residual(Nested):
    """layers(x) + shortcut(x) (He et al. 2016); `shortcut: null` is x itself."""

    layers: list[Entry] = Field(min_length=1)
    shortcut: list[Entry] | None = None

    def stacks(self) -> dict[str, list[Entry]]:
        return {"layers": self.layers, "shortcut": self.shortcut or []}

    def joined_shape(self, shapes: dict[str, Shape]) -> Shape:
        body, shortcut = shapes.values()
        if body != shortcut:
            size = body[-1]
            mends = {1: f"dense: {{units: {size}}}", 2: f"conv1d: {{filters: {size}, kernel_size: 1}}"}
            mend = mends.get(len(body), f"conv2d: {{filters: {size}, kernel_size: 1}} with the strides of layers")
            raise UserError(
                f"layers end in {body}, the shortcut in {shortcut}; expected equal shapes: "
                f"give the shortcut a layer such as {mend}"
            )
        return body
