"""Recurrent layers of which one gives all steps and the other the last, where the model takes the last one itself."""

from dataclasses import replace

import numpy as np

from twintrain.recordings.comparing.comparison import SAME
from twintrain.recordings.comparing.layer_pair import Layer, gap, layer_of
from twintrain.recordings.comparing.operations.recurrent import CELLS, last_step
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.contents import Call

# Through how many calls a last step is looked for: to take both directions and to join them are three.
DEPTH = 4


def layers_of(reference: Side, other: Side, calls: tuple[Call, Call]) -> tuple[Layer, Layer]:
    """Both layers of a pair, each with the last step alone where the other gives no more and its model uses no more."""
    layers = layer_of(reference, calls[0]), layer_of(other, calls[1])
    gives_all = [bool(layer.options.get("return_sequences", True)) for layer in layers]
    if not all(layer.op in CELLS for layer in layers) or gives_all[0] == gives_all[1]:
        return layers
    at = gives_all.index(True)
    side, layer = (reference, other)[at], layers[at]
    if layer.output is None or layer.output.ndim != 3:
        return layers
    last = last_step(dict(layer.options), layer.output)
    if not _is_used(side, calls[at], last):
        return layers
    found = list(layers)
    found[at] = replace(layer, options={**layer.options, "return_sequences": False}, output=last)
    return found[0], found[1]


def _is_used(side: Side, call: Call, last: np.ndarray) -> bool:
    """Whether one of the calls that follow gives the last step."""
    numbers = set(call.outputs)
    for _ in range(DEPTH):
        following = [each for each in side.calls if numbers & set(each.inputs)]
        made = {number for each in following for number in each.outputs}
        if any(gap(last, side.tensor(number)) <= SAME for number in made):
            return True
        numbers = made
    return False
