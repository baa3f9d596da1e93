"""What a recording is made of: passes, and in each tensors, calls and weights."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from twintrain.errors import UserError, shown

PRECISIONS = ("float32", "float64")


def passes_of(precisions: Sequence[str]) -> list[str]:
    """The passes that are made in some precisions: in each one, and one with weights that are a little off."""
    return [pass_ for precision in precisions for pass_ in (precision, f"{precision} perturbed")]


PASSES = passes_of(PRECISIONS)


def is_perturbed(pass_: str) -> bool:
    """Whether a pass has weights that are a little off."""
    return " " in pass_


def precision_of(pass_: str) -> str:
    """The precision of a pass: "float32" or "float64"."""
    return pass_.partition(" ")[0]


def checked_precisions(given: Any) -> list[str]:
    """Precisions in the order of `PRECISIONS`.

    Raises:
        UserError: they are none.
    """
    chosen = [precision for precision in PRECISIONS if isinstance(given, Collection) and precision in given]
    if isinstance(given, str) or not chosen or len(chosen) != len(given):
        raise UserError(f"precisions: expected one or both of {', '.join(PRECISIONS)} in a tuple, got {shown(given)}")
    return chosen


class Tensor(NamedTuple):
    """What goes from call to call.

    Attributes:
        shape: rows first, of what has rows.
    """

    shape: tuple[int, ...]


class Call(NamedTuple):
    """One run of a layer or function.

    Attributes:
        name: where it is in the model; a layer that is called twice gives two calls of one name.
        kind: the framework's word: the class of the layer, or the name of the function.
        op: our word, the same for both frameworks; None where there is none.
        options: what decides what it computes, in our words; of what has no `op` its plain settings.
        inputs: numbers of tensors, in the order of the arguments.
        outputs: numbers of tensors; of no other call.
        weights: names of weights by what they are to the call.
        axes: of these, by the same words, where the call says them, see `Weight.axes`: an array that is an embedding's
            table and a dense layer's kernel has other axes for each.
    """

    name: str
    kind: str
    op: str | None
    options: dict[str, Any]
    inputs: list[int]
    outputs: list[int]
    weights: dict[str, str]
    axes: Mapping[str, str] = {}

    def axes_of(self, role: str, own: str) -> str:
        """The axes of a weight as the call takes it, which are the array's own where the call does not say them."""
        return self.axes.get(role) or own


class Weight(NamedTuple):
    """An array of the model.

    Attributes:
        axes: a letter an axis: O output, I input, D H W spatial, M multiplier, C channels, N heads, K numbers of a
            head, B which bias; empty where that is not known.
    """

    name: str
    shape: tuple[int, ...]
    axes: str
    trainable: bool
