"""Layers of vectors, changes of shape, dropout, and tables of categories."""

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from twintrain.errors import UserError, unknown
from twintrain.models.layers.layer import (
    BiasInitializer,
    Initializer,
    Layer,
    Padding,
    Positive,
    Shape,
    Weight,
    count_or,
    expect_rank,
    kernel_and_bias,
)


class Dense(Layer):
    """Fully connected over the last axis: (…, features) → (…, units), vectors and sequences.

    `units: outputs` stands for what the task needs.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}
    PADDING: ClassVar[Padding] = "passed on"

    units: int | Literal["outputs"]
    use_bias: bool = True
    kernel_initializer: Initializer | None = None
    bias_initializer: BiasInitializer | None = None

    @field_validator("units", mode="before")
    @classmethod
    def _at_least_one(cls, units: Any) -> Any:
        return count_or("outputs", units)

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (1, 2), "flatten it first")
        return (*shape[:-1], self.units)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        kernel = (shape[-1], self.units)
        return kernel_and_bias(kernel, self.kernel_initializer, self.bias_initializer, self.use_bias)


class Flatten(Layer):
    """(…, channels) → (numbers,), channels last."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


class Reshape(Layer):
    """The same numbers in another shape, channels last before and after: → target_shape."""

    target_shape: list[Annotated[int, Positive]] = Field(min_length=1, max_length=4)

    def output_shape(self, shape: Shape) -> Shape:
        if math.prod(self.target_shape) != math.prod(shape):
            raise UserError(
                f"target_shape {self.target_shape} holds {math.prod(self.target_shape)} numbers, "
                f"a sample of {shape} holds {math.prod(shape)}"
            )
        return tuple(self.target_shape)


class Dropout(Layer):
    """Zeroes a share of the inputs in training and scales the others by 1 / (1 − rate).

    `masks: shared` are those of `models/dropout_masks.py`, the same in both frameworks; `own` are the framework's.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"masks": "shared"}
    PADDING: ClassVar[Padding] = "passed on"

    rate: float = Field(ge=0, lt=1)
    masks: Literal["shared", "own"] | None = None


class SpatialDropout(Dropout):
    """Dropout of whole channels of sequences and images."""

    def output_shape(self, shape: Shape) -> Shape:
        expect_rank(shape, (2, 3), "it takes sequences and images; on vectors, dropout does the same")
        return shape


class Columns(Layer):
    """Some columns of a table, in the order in which they are named: (columns,) → (those,).

    A column that is encoded as several brings all of them; codes stay codes.
    """

    names: list[str] = Field(min_length=1)
    # Filled in from the data set: where they are, and of codes their numbers of categories.
    places: tuple[int, ...] = Field((), repr=False)
    input_dims: tuple[int, ...] = Field((), repr=False)

    def of_table(self, known: dict[str, list[int]], input_dims: tuple[int, ...]) -> "Columns":
        """The layer for a table.

        Args:
            known: the places of its columns by their names.
            input_dims: of codes, the number of categories of each.

        Raises:
            UserError: it has no column of a name, or one is named twice.
        """
        for name in self.names:
            if name not in known:
                raise unknown("column:", name, known)
        places = [place for name in self.names for place in known[name]]
        if len(set(places)) < len(places):
            raise UserError(f"expected each column once, got {', '.join(self.names)}")
        dims = tuple(input_dims[place] for place in places) if input_dims else ()
        return self.model_copy(update={"places": tuple(places), "input_dims": dims})

    def output_shape(self, shape: Shape) -> Shape:
        if not self.places:
            raise UserError("columns are those of a table, which is the network's input; expected from: input")
        return (len(self.places),)

    @property
    def runs(self) -> list[tuple[int, int]]:
        """Places that follow each other, each run from its first to behind its last."""
        runs: list[tuple[int, int]] = []
        for place in self.places:
            start = runs.pop()[0] if runs and runs[-1][1] == place else place
            runs.append((start, place + 1))
        return runs


class Embedding(Layer):
    """Vectors for category codes, by a table that is learned.

    `input: columns`: one table a column, side by side: (columns,) → (sum of the widths,). `input: tokens`: one table
    of as many rows as the column with most categories has, for all positions: (steps,) → (steps, output_dim).
    `output_dim: auto` gives n categories min(50, (n + 1) // 2) numbers. `mask_zero`: tokens of 0 are padding, which the
    layers behind it leave out (`models/layers/padding.py`).
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"embeddings_initializer": "normal"}

    input: Literal["columns", "tokens"] = "columns"
    output_dim: int | Literal["auto"] = "auto"
    mask_zero: bool = False
    embeddings_initializer: Initializer | None = None
    # Filled in from the data set: number of categories of each column.
    input_dims: tuple[int, ...] = Field((), repr=False)

    @field_validator("output_dim", mode="before")
    @classmethod
    def _at_least_one(cls, output_dim: Any) -> Any:
        return count_or("auto", output_dim)

    @property
    def tables(self) -> dict[str, Shape]:
        """Shape of each table, (categories, numbers), by the name of its array."""
        if self.input == "tokens":
            return {"embeddings": self._size(max(self.input_dims))}
        return {f"column_{index}": self._size(categories) for index, categories in enumerate(self.input_dims)}

    def _size(self, categories: int) -> Shape:
        return (categories, min(50, (categories + 1) // 2) if self.output_dim == "auto" else self.output_dim)

    def output_shape(self, shape: Shape) -> Shape:
        if not self.input_dims:
            raise UserError(
                "expected category codes as input; it goes first, on a table with preprocess.categorical: codes"
            )
        if self.mask_zero and self.input != "tokens":
            raise UserError("mask_zero is for input: tokens, since columns are no steps of a sequence")
        width = sum(numbers for _, numbers in self.tables.values())
        return (*shape, width) if self.input == "tokens" else (width,)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        initializer = self.embeddings_initializer
        return {
            name: Weight(shape=size, initializer=initializer, fan_in=size[0], fan_out=size[1])
            for name, size in self.tables.items()
        }
