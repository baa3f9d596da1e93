"""A layer at each step of a sequence."""

from typing import ClassVar

from twintrain.errors import UserError
from twintrain.models.layers.attention import MultiHeadAttention
from twintrain.models.layers.core import Dropout
from twintrain.models.layers.join import Join
from twintrain.models.layers.layer import Entry, Layer, Padding, Shape, Wrapper
from twintrain.models.layers.normalization import BatchNorm

MAX_AXES = 4  # of a sample: those of a volume


class TimeDistributed(Wrapper):
    """A layer of one step, with the same arrays at each: (steps, …) → (steps, *what the layer makes of one)."""

    PADDING: ClassVar[Padding] = "passed on"

    layer: Entry

    def parts(self) -> dict[str, Entry]:
        return {"layer": self.layer}

    def wrapped_shape(self, shape: Shape, shapes: list[Shape]) -> Shape:
        (of_step,) = shapes
        if len(of_step) >= MAX_AXES:
            raise UserError(f"expected at most {MAX_AXES - 1} axes of what comes of a step, got {of_step}")
        return (shape[0], *of_step)


def check_step(kind: str, layer: Layer, shape: Shape) -> None:
    """Raises a UserError where samples of a shape have no steps, or a layer is none of one step.

    Batch norm and dropout look at all rows of a batch, of which steps are none.
    """
    if len(shape) < 2:
        raise UserError(f"expected a sample of 2 axes or more, got {shape}; the first one is that of the steps")
    if isinstance(layer, Join):
        raise UserError(f"{kind} joins several inputs, and a step is one")
    if isinstance(layer, BatchNorm | Dropout):
        raise UserError(f"{kind} looks at the rows of a batch; expected it behind the layers of one step")
    if isinstance(layer, MultiHeadAttention) and layer.dropout:
        raise UserError(f"dropout looks at the rows of a batch; expected {kind} without it")
