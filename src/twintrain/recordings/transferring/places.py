"""Where holders of weights are in the graph of a model, whatever order its branches are run in."""

from collections.abc import Sequence

from twintrain.recordings.comparing.side import Side
from twintrain.recordings.contents import Call
from twintrain.recordings.transferring.holders import Holder

# What comes before or after a holder: its number (below zero of the model's inputs and outputs), and the place of its
# numbers along the axis of a concatenation that lies between.
Edge = tuple[int, int]
Edges = list[set[Edge]]


def colours(
    source: tuple[Side, Sequence[Holder]], target: tuple[Side, Sequence[Holder]]
) -> tuple[list[int], list[int]]:
    """A number for each holder of both models, the same for those that lie alike: refinement of colours.

    Holders begin with the colour of their kind and shape, and get another one by the colours of what comes before and
    after them, until that tells no more of them apart (Weisfeiler and Leman 1968).
    """
    graphs = [edges(*each) for each in (source, target)]
    known: dict[object, int] = {}
    found = [[known.setdefault(holder.signature, len(known)) for holder in holders] for _, holders in (source, target)]
    count = 0
    while len({*found[0], *found[1]}) > count:
        count = len({*found[0], *found[1]})
        found = [
            [
                known.setdefault((own, _seen(before[at], each), _seen(after[at], each)), len(known))
                for at, own in enumerate(each)
            ]
            for each, (before, after) in zip(found, graphs, strict=True)
        ]
    return found[0], found[1]


def edges(side: Side, holders: Sequence[Holder]) -> tuple[Edges, Edges]:
    """What comes before and after each holder, through calls that hold nothing."""
    of_call: dict[int, list[int]] = {}
    for number, holder in enumerate(holders):
        if holder.place is not None:
            of_call.setdefault(holder.place, []).append(number)
    before: Edges = [set() for _ in holders]
    after: Edges = [set() for _ in holders]
    recording = side.recording
    origins: dict[int, set[Edge]] = {number: {(-1 - at, 0)} for at, number in enumerate(recording.inputs)}
    for place, call in enumerate(side.calls):
        arriving = _arriving(side, call, origins)
        for number in of_call.get(place, []):
            before[number] |= arriving
            for origin, offset in arriving:
                if origin >= 0:
                    after[origin].add((number, offset))
            arriving = {(number, 0)}
        origins.update(dict.fromkeys(call.outputs, arriving))
    for at, number in enumerate(recording.outputs):
        for origin, offset in origins.get(number, set()):
            if origin >= 0:
                after[origin].add((-1 - at, offset))
    return before, after


def _arriving(side: Side, call: Call, origins: dict[int, set[Edge]]) -> set[Edge]:
    """What comes into a call, with the place of its numbers among all that are joined."""
    found: set[Edge] = set()
    start = 0
    for number in call.inputs:
        found |= {(origin, offset + start) for origin, offset in origins.get(number, set())}
        if call.op == "concatenate":
            shape = side.recording.tensors[number].shape
            start += shape[int(call.options.get("axis", -1)) % len(shape)]
    return found


def _seen(neighbours: set[Edge], colour: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((colour[at] if at >= 0 else at, offset) for at, offset in neighbours))
