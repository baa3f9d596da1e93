"""Masks of steps: which steps of a sequence are padding, from tokens of 0 to the layers that leave it out.

A mask is called by what it is made of: the layer that gives the tokens, or `input`, or a class_token, which has put a
step before those of another mask. Both frameworks build it as a node of the graph.
"""

from twintrain.errors import UserError
from twintrain.models.layers.attention import ClassToken
from twintrain.models.layers.core import Embedding
from twintrain.models.layers.layer import Layer, Shape
from twintrain.models.placed_layer import Taken


def mask_name(made_of: str) -> str:
    """What the node of a mask is called; no layer has a capital in its name."""
    return f"Mask_{made_of}"


def taken_mask(layer: Layer, kind: str, taken: Taken) -> str | None:
    """The mask by which a layer leaves padding out; None where nothing is padded, or each step stays by itself.

    Of an attention's query and memory it is that of the memory, whose steps are summed up.

    Raises:
        UserError: the layer would compute with padding, or joins what is padded at other steps.
    """
    masks = taken.masks
    if not any(masks.values()):
        return None
    # Of steps that have several axes themselves, padding is left out by nothing.
    if layer.PADDING == "left out" and len(taken.shape) == 2:
        return [*masks.values()][-1]
    if layer.PADDING != "passed on":
        raise UserError(
            f"steps of its input are padding, which {kind} would compute with; "
            "expected a recurrent layer, attention or a global pool before it, or no mask_zero"
        )
    if len(set(masks.values())) > 1:
        raise UserError(f"{' and '.join(masks)} are padded at other steps; expected sequences of the same tokens")
    return None


def given_mask(layer: Layer, name: str, taken: Taken, output_shape: Shape) -> str | None:
    """The mask of what a layer gives."""
    first, *_ = taken.masks.values()
    if isinstance(layer, Embedding) and layer.mask_zero:
        return taken.inputs[0]
    if isinstance(layer, ClassToken) and first:
        return name
    return first if len(output_shape) > 1 else None
