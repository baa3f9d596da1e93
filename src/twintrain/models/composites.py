"""Short forms of a part of a network: stacks of layers on one input, and a layer that joins their ends."""

from abc import abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from twintrain.models.layers.layer import Entry


class Composite(BaseModel):
    """A short form; JOIN is the kind of the layer that joins the ends of its stacks."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    JOIN: ClassVar[str]

    @abstractmethod
    def stacks(self) -> dict[str, list[Entry]]:
        """Layers as they are written in a model file, by the name of the stack; none hands the input on."""


class Inception(Composite):
    """Parallel branches on the same input, side by side on the last axis (Szegedy et al. 2015); [] hands it on."""

    JOIN = "concatenate"

    branches: list[list[Entry]] = Field(min_length=1)

    def stacks(self) -> dict[str, list[Entry]]:
        return {str(index): branch for index, branch in enumerate(self.branches)}


class Residual(Composite):
    """layers(x) + shortcut(x) (He et al. 2016); `shortcut: null` is x itself."""

    JOIN = "add"

    layers: list[Entry] = Field(min_length=1)
    shortcut: list[Entry] | None = None

    def stacks(self) -> dict[str, list[Entry]]:
        return {"layers": self.layers, "shortcut": self.shortcut or []}


COMPOSITES: dict[str, type[Composite]] = {"inception": Inception, "residual": Residual}
