"""What one forward pass does, call by call, whatever the framework: tensors are told apart by identity."""

import contextlib
import dataclasses
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from twintrain.recordings.contents import Call


class Description(NamedTuple):
    """What a layer or function computes, in our words.

    Attributes:
        op: None where we have no word for it.
        roles: the framework's own arrays by what they are to the call.
        axes: of these arrays, by the same words; see `Weight.axes`.
    """

    op: str | None
    options: dict[str, Any]
    roles: Mapping[str, Any] = {}
    axes: Mapping[str, str] = {}


class _Place(NamedTuple):
    """Where in the model the pass is, and which functions were called there so far."""

    path: str
    functions: Counter[str]
    first_call: int
    first_number: int


class Trace:
    """One forward pass.

    Attributes:
        arrays: the tensors' values by their numbers.
        calls: in the order of execution.
        inputs: numbers of what the model was given.
        outputs: numbers of what it gave.
        depth: how many layers that are one call each the pass is inside of; calls in there are no calls of their own.
    """

    def __init__(self, copied: Callable[[Any], np.ndarray]) -> None:
        """Takes how a tensor's values are copied into an array of its own."""
        self.arrays: list[np.ndarray] = []
        self.calls: list[Call] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.depth = 0
        self._copied = copied
        # An object that is gone may leave its identity to another one.
        self._alive: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._computed: set[int] = set()
        self._places = [_Place("", Counter(), 0, 0)]

    def start(self, tensors: list[Any]) -> None:
        """Numbers what the model is given."""
        self.inputs = [self.renewed(tensor) for tensor in tensors]
        self._computed.update(self.inputs)

    def number(self, tensor: Any) -> int:
        """The number of a tensor; a new one if it has none, as it is a constant or was made unseen."""
        if id(tensor) in self._numbers:
            return self._numbers[id(tensor)]
        number = self.renewed(tensor)
        array = self.arrays[number]
        # What has a row for each of the model's was computed of its inputs, by something that is not seen.
        if array.dtype.kind == "f" and array.ndim > 1 and len(array) == self._rows():
            self._computed.add(number)
        return number

    def renewed(self, tensor: Any) -> int:
        """A new number for a tensor, with its values as they are now: it may be one that was changed in its place."""
        number = len(self.arrays)
        self.arrays.append(self._copied(tensor))
        self._alive.append(tensor)
        self._numbers[id(tensor)] = number
        return number

    def keep_constant(self, tensor: Any) -> None:
        """Numbers a tensor that no input has gone into."""
        self.renewed(tensor)

    def is_computed(self, numbers: list[int]) -> bool:
        """Whether the model's inputs have gone into any of them."""
        return not self._computed.isdisjoint(numbers)

    def add(
        self,
        name: str,
        kind: str,
        described: Description,
        inputs: list[int],
        outputs: list[Any],
        weights: dict[str, str],
    ) -> None:
        """Adds a call that has just been made.

        Args:
            inputs: numbers, asked for before the call.
            outputs: the tensors that it gave.
        """
        numbers = [self.renewed(tensor) for tensor in outputs]
        self._computed.update(numbers)
        axes = {role: letters for role, letters in described.axes.items() if role in weights}
        self.calls.append(Call(name, kind, described.op, plain(described.options), inputs, numbers, weights, axes))

    def function_name(self, function: str) -> str:
        """The name of a call of a function in the place where the pass is."""
        place = self._places[-1]
        before = place.functions[function]
        place.functions[function] += 1
        return "/".join(filter(None, (place.path, function))) + (f"_{before}" if before else "")

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Goes into a call, and out again."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def enter(self, path: str) -> None:
        """Says that the pass goes into a layer of several calls."""
        self._places.append(_Place(path, Counter(), len(self.calls), len(self.arrays)))

    def leave(self) -> None:
        """Says that it has come out again."""
        self._places.pop()

    def is_seen(self, outputs: list[Any]) -> bool:
        """Whether all that was computed in the place where the pass is was seen, up to its outputs."""
        place = self._places[-1]
        calls = self.calls[place.first_call :]
        made = {number for call in calls for number in call.outputs}
        used = [number for call in calls for number in call.inputs]
        used += [self._numbers.get(id(tensor), -1) for tensor in outputs]
        known = [number in made or 0 <= number < place.first_number or number not in self._computed for number in used]
        return -1 not in used and all(known)

    def forget_place(self) -> None:
        """Takes back the calls of the place where the pass is."""
        del self.calls[self._places[-1].first_call :]

    def finish(self, outputs: list[Any]) -> "Trace":
        """Ends the pass; numbers that no call uses are given up, and so is what kept tensors alive."""
        self.outputs = [self.number(tensor) for tensor in outputs]
        used = {*self.inputs, *self.outputs}
        used.update(number for call in self.calls for number in (*call.inputs, *call.outputs))
        new = {number: place for place, number in enumerate(sorted(used))}
        self.arrays = [self.arrays[number] for number in new]
        self.inputs, self.outputs = ([new[number] for number in numbers] for numbers in (self.inputs, self.outputs))
        self.calls = [
            call._replace(inputs=[new[n] for n in call.inputs], outputs=[new[n] for n in call.outputs])
            for call in self.calls
        ]
        self._alive.clear()
        self._numbers.clear()
        return self

    def _rows(self) -> int:
        first = self.arrays[self.inputs[0]] if self.inputs else np.zeros(())
        return len(first) if first.ndim else -1


@contextlib.contextmanager
def set_in(owner: Any, values: Mapping[str, Any]) -> Iterator[None]:
    """Sets entries of an object's `__dict__` past whatever its class does when one is set, and takes them back."""
    entries = vars(owner)
    before = {name: entries[name] for name in values if name in entries}
    entries.update(values)
    try:
        yield
    finally:
        for name in values:
            entries.pop(name, None)
        entries.update(before)


@contextlib.contextmanager
def keeping_random() -> Iterator[None]:
    """Takes back what is drawn of Python's and NumPy's own random generators."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def flat(value: Any) -> list[Any]:
    """The leaves of lists, tuples, dicts and dataclasses in each other, in order."""
    if isinstance(value, Mapping):
        return [leaf for part in value.values() for leaf in flat(part)]
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in flat(part)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [leaf for part in dataclasses.fields(value) for leaf in flat(getattr(value, part.name))]
    return [value]


def by_key(value: Any) -> Any:
    """The same values with dicts in the order of their keys where these are words.

    Outputs and targets of two models belong together by their keys, in whatever order they were made.
    """
    if isinstance(value, Mapping):
        are_words = all(isinstance(name, str) for name in value)
        return {name: by_key(value[name]) for name in (sorted(value) if are_words else value)}
    if isinstance(value, list | tuple):
        return [by_key(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [by_key(getattr(value, part.name)) for part in dataclasses.fields(value)]
    return value


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """The same lists, tuples and dicts of what a function makes of their leaves."""
    if isinstance(value, Mapping):
        return {name: mapped(part, function) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([mapped(part, function) for part in value])
    return function(value)


def plain(value: Any) -> Any:
    """A value as JSON has it: what is not plain is left out of dicts and is None elsewhere."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items() if part is None or plain(part) is not None}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | bool | int | float) else None
