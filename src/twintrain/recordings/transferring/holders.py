"""What holds weights in a model, laid out alike for both frameworks: layers, and arrays that are of no known layer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from twintrain.recordings.comparing.operations.recurrent import GATES
from twintrain.recordings.comparing.weights import comparable
from twintrain.recordings.contents import Call, Weight

Arrays = Mapping[str, np.ndarray]
# A convolution over one number is a dense layer, and one of one channel is depthwise; their shapes tell others apart.
LINEAR = "linear"
FAMILIES = dict.fromkeys(("dense", "conv", "depthwise_conv"), LINEAR)
KNOWN = {
    *("dense", "conv", "conv_transpose", "depthwise_conv", "batch_norm", "layer_norm", "rms_norm", "group_norm"),
    *("embedding", "prelu", "attention", *GATES),
}
SEPARABLE = ("depthwise_kernel", "pointwise_kernel")
ALONE = "array"
# Of these a layer may have one in one framework and none in the other.
OPTIONAL = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclass(frozen=True)
class Holder:
    """A layer of one kind of computation, or an array by itself.

    Attributes:
        name: of the layer.
        place: of its call among all calls; None of an array that no call uses.
        family: what computes alike: "linear", "lstm" and so on; "array" of what is not known.
        arrays: by role, in the layout that `comparable` gives; of an array by itself the role is empty.
        label: what an array by itself is to its layer.
    """

    name: str
    place: int | None
    family: str
    arrays: Arrays = field(repr=False)
    label: str = ""

    @property
    def signature(self) -> tuple[object, ...]:
        """Kind and shapes, which are the same for what one could be taken for the other."""
        needed = sorted(bare(array) for role, array in self.arrays.items() if not is_optional(role))
        return self.family, *(needed or sorted({bare(array) for array in self.arrays.values()}))

    @property
    def said(self) -> list[str]:
        """Its arrays, as a sentence calls them."""
        return [f"{self.name} {(role or self.label).replace('_', ' ')}".strip() for role in self.arrays]


def is_optional(role: str) -> bool:
    """Whether a layer computes the same without such an array, as long as that changes nothing."""
    return role in OPTIONAL or "bias" in role


def bare(array: np.ndarray) -> tuple[int, ...]:
    """Lengths of its axes that are longer than one."""
    return tuple(length for length in array.shape if length > 1)


def plain_name(name: str) -> str:
    """A name without what tells frameworks' ways of writing it apart."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def second_biases(calls: Sequence[Call]) -> set[str]:
    """Names of biases that are only ever added to another one."""
    return {
        name
        for call in calls
        if call.op in ("lstm", "rnn")
        for role, name in call.weights.items()
        if "recurrent_bias" in role and role.replace("recurrent_", "") in call.weights
    }


def holders(calls: Sequence[Call], weights: Sequence[Weight], arrays: Arrays) -> list[Holder]:
    """All holders in the order of the calls; an array that several calls use is of the first.

    Args:
        arrays: by the names of weights, laid out as these: numbers, or places of numbers; what is left out is not held.
    """
    axes = {weight.name: weight.axes for weight in weights}
    taken: set[str] = set()
    found = []
    for place, call in enumerate(calls):
        own = {role: name for role, name in call.weights.items() if name in arrays and name not in taken}
        taken.update(own.values())
        held = {role: (arrays[name], call.axes_of(role, axes[name])) for role, name in own.items()}
        found += [Holder(call.name, place, *part) for part in _parts(call, held)]
    unused = [weight.name for weight in weights if weight.name in arrays and weight.name not in taken]
    return found + [Holder(name, None, ALONE, {"": arrays[name]}) for name in unused]


def _parts(call: Call, held: Mapping[str, tuple[np.ndarray, str]]) -> Iterator[tuple[str, Arrays, str]]:
    """Family, arrays and label of each part that a call's arrays are of."""
    if not held:
        return
    found = comparable(call.op, call.options, held)
    if call.op in GATES:
        last = max(int(call.options.get("layers") or 1), 1) - 1
        for layer in range(last + 1):
            end = f"_{layer}" if layer else ""
            yield call.op, {role.removesuffix(end): a for role, a in found.items() if _is_of_layer(role, layer)}, ""
    elif call.op in KNOWN:
        yield FAMILIES.get(call.op, call.op), found, ""
    elif set(SEPARABLE) <= found.keys():
        depthwise, pointwise = (found.pop(role) for role in SEPARABLE)
        yield LINEAR, {"kernel": depthwise.reshape(*depthwise.shape[:-2], -1)}, ""
        yield LINEAR, {"kernel": pointwise, **found}, ""
    else:
        yield from ((ALONE, {"": array}, role) for role, array in found.items())


def _is_of_layer(role: str, layer: int) -> bool:
    end = re.search(r"_(\d+)$", role)
    return (int(end[1]) if end else 0) == layer
