"""Padding that is a call of its own, taken as part of the convolution or pool that follows."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from twintrain.recordings.archive import Recording
from twintrain.recordings.contents import Call

CONVOLUTIONS = ("conv", "depthwise_conv")
POOLS = ("max_pool", "avg_pool")
Pads = list[list[int]]


def fused(recording: Recording) -> list[Call]:
    """The calls of a recording without paddings by zeros whose only use is a convolution or pool, which then pads."""
    uses = Counter(number for call in recording.calls for number in call.inputs)
    uses.update(recording.outputs)
    pads = {call.outputs[0]: call for call in recording.calls if _is_of_zeros(call) and uses[call.outputs[0]] == 1}
    calls, gone = [], set()
    for call in recording.calls:
        pad = pads.get(call.inputs[0]) if call.op in (*CONVOLUTIONS, *POOLS) and call.inputs else None
        together = pad and _together(pad, call, len(recording.tensors[pad.inputs[0]].shape))
        if together:
            gone.add(pad.outputs[0])
        calls.append(together or call)
    return [call for call in calls if not (call.outputs and call.outputs[0] in gone)]


def _is_of_zeros(call: Call) -> bool:
    options = call.options
    return bool(
        call.op == "pad"
        and call.inputs
        and call.outputs
        and options.get("mode", "constant") == "constant"
        and not options.get("value")
    )


def _together(pad: Call, call: Call, axes: int) -> Call | None:
    """The call with the padding before it; None where it pads other axes, or by a form that depends on lengths."""
    first = 2 if call.options.get("data_format") == "first" else 1
    spatial = range(first, first + axes - 2)
    before = {axis % axes: list(pair) for axis, pair in zip(pad.options["axes"], pad.options["padding"], strict=True)}
    own = _own(call.options.get("padding", "valid"), len(spatial))
    if own is None or any(any(pair) for axis, pair in before.items() if axis not in spatial):
        return None
    if call.op in POOLS and any(any(pair) for pair in own):
        return None
    pairs = [before.get(axis, [0, 0]) for axis in spatial]
    total = [[a + c, b + d] for (a, b), (c, d) in zip(pairs, own, strict=True)]
    options: dict[str, Any] = {**call.options, "padding": total}
    if call.op == "max_pool":
        options["padding_value"] = 0.0
    if call.op == "avg_pool":
        options["count_include_pad"] = True
    return call._replace(options=options, inputs=[pad.inputs[0], *call.inputs[1:]])


def _own(form: Any, axes: int) -> Sequence[Sequence[int]] | None:
    if form == "valid":
        return [[0, 0]] * axes
    return None if isinstance(form, str) else form
