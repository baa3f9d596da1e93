"""What stands between two matched layers and has no counterpart: the calls that one side alone has."""

from dataclasses import dataclass

import numpy as np

from twintrain.recordings.comparing.comparison import OPPOSITE, turned
from twintrain.recordings.comparing.layer_pair import gap, in_order_of, layer_of
from twintrain.recordings.comparing.matching import Matching
from twintrain.recordings.comparing.side import Side, likely_layout


@dataclass(frozen=True)
class Passage:
    """Two tensors that should be the same, and how each side has made its own of what is matched.

    Attributes:
        tensors: reference's and other's.
        reference_from: tensors of matched calls, or the model's inputs, of which the reference's is made.
        other_from: the same of the other.
        reference_calls: calls without counterpart in between, in the order of execution.
        other_calls: the same of the other.
    """

    tensors: tuple[int, int]
    reference_from: tuple[int, ...]
    other_from: tuple[int, ...]
    reference_calls: tuple[int, ...] = ()
    other_calls: tuple[int, ...] = ()

    @classmethod
    def of_input(cls, ours: int, theirs: int) -> "Passage":
        """An input of the models, which nothing has made."""
        return cls((ours, theirs), (), ())

    def names(self, reference: Side, other: Side) -> tuple[str, str]:
        """The names of the calls in between on both sides."""
        found = ([side.calls[at].name for at in places] for side, places in self._sides(reference, other))
        ours, theirs = (", ".join(names) or "–" for names in found)
        return ours, theirs

    def _sides(self, reference: Side, other: Side) -> list[tuple[Side, tuple[int, ...]]]:
        return [(reference, self.reference_calls), (other, self.other_calls)]


class Passages:
    """Finds and computes what is between the matched calls of two sides."""

    def __init__(self, reference: Side, other: Side, matching: Matching) -> None:
        self.reference, self.other = reference, other
        self._matched = tuple({pair[at] for pair in matching.pairs} for at in (0, 1))
        self.likely = likely_layout(reference, other)
        self._seen: set[tuple[int, int]] = set()
        # The models may name their inputs in another order: those are the same that agree best. One that takes more
        # of them than the other is told by `notes.other_inputs`.
        ours, theirs = reference.recording.inputs, other.recording.inputs
        order = in_order_of(reference.tensors(ours), other.tensors(theirs), "add")
        self.inputs = list(zip(ours, (theirs[at] for at in order), strict=False))
        self._counterparts = {theirs: ours for ours, theirs in self.inputs}
        for ours, theirs in matching.pairs:
            outputs = other.calls[theirs].outputs, reference.calls[ours].outputs
            self._counterparts.update(zip(*outputs, strict=False))

    def new(self, ours: int, theirs: int) -> Passage | None:
        """The passage to two tensors; None where it was asked for before, or where nothing is in between."""
        if (ours, theirs) in self._seen or self._counterparts.get(theirs) == ours:
            return None
        self._seen.add((ours, theirs))
        origins = [self._origins(side, number) for side, number in ((0, ours), (1, theirs))]
        return Passage((ours, theirs), origins[0][0], origins[1][0], origins[0][1], origins[1][1])

    def alone(self, passage: Passage) -> float | None:
        """The error of the other's calls in between, fed with what the reference has; None where it is not known."""
        values = {}
        for number in passage.other_from:
            counterpart = self._counterparts.get(number)
            if counterpart is None:
                return None
            found = turned(self.other.tensor(number), self.reference.tensor(counterpart), OPPOSITE[self.likely])
            if found is None:
                return None
            values[number] = found.array
        made = run(self.other, passage.other_calls, values, passage.tensors[1])
        return None if made is None else gap(self.reference.tensor(passage.tensors[0]), made)

    def _origins(self, at: int, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Tensors of matched calls of which one is made, and the calls without counterpart on the way."""
        side, calls, origins, open_ = (self.reference, self.other)[at], set(), set(), [number]
        while open_:
            tensor = open_.pop()
            producer = side.producers.get(tensor)
            if producer is None or producer in self._matched[at]:
                origins.add(tensor)
            elif producer not in calls:
                calls.add(producer)
                open_ += side.calls[producer].inputs
        return tuple(sorted(origins)), tuple(sorted(calls))


def run(side: Side, calls: tuple[int, ...], values: dict[int, np.ndarray], wanted: int) -> np.ndarray | None:
    """Computes calls in order on given tensors; None where one of them is not known."""
    values = dict(values)
    for at in calls:
        call = side.calls[at]
        if any(number not in values for number in call.inputs) or not call.outputs:
            return None
        made = layer_of(side, call, tuple(values[number] for number in call.inputs)).computed()
        if made is None:
            return None
        values[call.outputs[0]] = made
    return values.get(wanted)
