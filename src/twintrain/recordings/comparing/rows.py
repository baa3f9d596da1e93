"""The rows of a diff: each matched layer with what came in, what came out, and its error alone."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twintrain.recordings.comparing.comparison import Difference, difference, scale
from twintrain.recordings.comparing.last_steps import layers_of
from twintrain.recordings.comparing.layer_pair import Alone, Layer, alone, gap, in_order_of
from twintrain.recordings.comparing.masks import UNMASKED
from twintrain.recordings.comparing.matching import Matching
from twintrain.recordings.comparing.option_differences import QUIET, differing_options
from twintrain.recordings.comparing.passages import Passage, Passages
from twintrain.recordings.comparing.sampling import digest_gap
from twintrain.recordings.comparing.side import Side, likely_layout
from twintrain.recordings.contents import Call
from twintrain.recordings.samples import places

INPUT, OUTPUT, BETWEEN = "input", "output", "between"
SAME, ROUNDING, DIFFERENT = "same", "rounding", "different"
# What each precision leaves of a layer that does the same: of its error alone, divided by its largest output.
ALONE = {"float64": 1e-12, "float32": 1e-5}
# What constants in float32 explain: a few units of their last digit.
FLOAT32 = 4 * float(np.finfo(np.float32).eps)
# Rounding differs from a small change of the weights; this many times what such a change does to a framework alone.
SELF_ERRORS = 10
# A layer that cannot be computed alone parts from the other where its error is this many times what came in.
JUMP = 100


@dataclass(frozen=True)
class Row:
    """A layer, the model's inputs or outputs, or what stands between two layers and has no counterpart.

    Errors are largest absolute differences, divided by the largest magnitude of the reference's array; inf where
    shapes do not fit, or where one side has NaN.

    Attributes:
        name: of the reference's layer.
        other_name: of the other's.
        op: what it computes; "input", "output" or "between" of what is no layer.
        came_in: error of what it was given.
        error: of what it gives.
        mean: mean error of what it gives.
        place: index of the worst element, in the reference's axes.
        cosine: of the angle between both outputs.
        alone: error of the other's layer fed with the reference's input; None where it cannot be computed.
        tolerance: what rounding explains of `error`, by the perturbed passes.
        self_error: by how much a framework parts from itself there; None where it was not recorded.
        verdict: on the layer alone, whatever came in: "same", "rounding" or "different".
        options: of both, where they differ.
        rounded: whether constants in float32 give these very numbers.
        own: the part of the error that is the layer's own, by which rows are ranked.
    """

    name: str
    other_name: str
    op: str
    came_in: float
    error: float
    mean: float = 0.0
    place: tuple[int, ...] = ()
    cosine: float | None = None
    alone: float | None = None
    tolerance: float = 0.0
    self_error: float | None = None
    verdict: str = SAME
    options: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    rounded: bool = False
    own: float = 0.0

    @property
    def ratio(self) -> float | None:
        """The error in units of what a framework parts from itself by."""
        return self.error / self.self_error if self.self_error else None


@dataclass(frozen=True)
class Compared:
    """A row with what a search for its cause needs."""

    row: Row
    calls: tuple[Call, Call] | None = None
    passage: Passage | None = None


class RowBuilder:
    """Makes the rows of two sides whose calls are matched."""

    def __init__(self, reference: Side, other: Side, matching: Matching) -> None:
        self.reference, self.other, self.matching = reference, other, matching
        self.precision = reference.pass_
        self.likely = likely_layout(reference, other)
        self.passages = Passages(reference, other, matching)
        self.errors: dict[int, float] = {}  # of the reference's tensors

    def rows(self) -> list[Compared]:
        """All rows in the order of the reference."""
        found = self._inputs()
        for pair in self.matching.pairs:
            calls = self.reference.calls[pair[0]], self.other.calls[pair[1]]
            theirs = self._in_order(*calls)
            for ours, there in _fed_alike(calls, theirs):
                found += self._between(ours, there)
            found.append(self._layer(calls, theirs))
        for ours, there in self._outputs():
            found += self._between(ours, there)
        return found

    def output_rows(self) -> list[Row]:
        """The outputs of the models, whatever has made them."""
        return [self._row((OUTPUT, OUTPUT), OUTPUT, pair, np.nan) for pair in self._outputs()]

    def _outputs(self) -> list[tuple[int, int]]:
        """Outputs of both models by their places; none where they are not as many, see `counts_cause`."""
        ours, theirs = self.reference.recording.outputs, self.other.recording.outputs
        return list(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) else []

    def _inputs(self) -> list[Compared]:
        found = []
        for pair in self.passages.inputs:
            row = self._row((INPUT, INPUT), INPUT, pair, 0.0)
            found.append(Compared(self._judged(row, Alone(row.error)), None, Passage.of_input(*pair)))
        return found

    def _in_order(self, ours: Call, theirs: Call) -> list[int]:
        """The other's inputs in the order of the reference's."""
        order = in_order_of(self.reference.tensors(ours.inputs), self.other.tensors(theirs.inputs), theirs.op)
        return [theirs.inputs[at] for at in order]

    def _between(self, ours: int, theirs: int) -> list[Compared]:
        """A row where tensors part that two layers are given, although what these are made of does not."""
        passage = self.passages.new(ours, theirs)
        if passage is None:
            return []
        came_in = max([self.errors.get(number, 0.0) for number in passage.reference_from], default=0.0)
        names = passage.names(self.reference, self.other)
        row = self._row(names, BETWEEN, (ours, theirs), came_in)
        row = self._judged(row, Alone(self.passages.alone(passage)))
        return [] if row.verdict == SAME else [Compared(row, None, passage)]

    def _layer(self, calls: tuple[Call, Call], theirs: list[int]) -> Compared:
        ours = calls[0].inputs
        came_in = max(
            [
                gap(self.reference.tensor(a), self.other.tensor(b), self.likely) if self._fit(a, b) else np.inf
                for a, b in _fed_alike(calls, theirs)
            ],
            default=0.0,
        )
        layers = layers_of(self.reference, self.other, calls)
        numbers = (calls[0].outputs or [None])[0], (calls[1].outputs or [None])[0]
        row = self._row((calls[0].name, calls[1].name), calls[0].op or calls[0].kind, numbers, came_in, layers)
        if len(ours) == len(theirs):  # the reference's inputs where the other has theirs
            fed = [layers[0].inputs[theirs.index(number)] for number in calls[1].inputs]
            layers = replace(layers[0], inputs=tuple(fed)), layers[1]
        row = replace(row, options=options_of(*layers))
        return Compared(self._judged(row, alone(*layers, self.precision, self.likely)), calls)

    def _row(
        self,
        names: tuple[str, str],
        op: str,
        numbers: tuple[int | None, int | None],
        came_in: float,
        layers: tuple[Layer, Layer] | None = None,
    ) -> Row:
        """The row of two tensors, or of what two layers give."""
        ours, theirs = numbers
        if ours is None or theirs is None:
            return Row(*names, op, came_in, 0.0)
        arrays = (self.reference.tensor(ours), self.other.tensor(theirs)) if layers is None else (
            layers[0].output, layers[1].output
        )  # fmt: skip
        found = self._whole(difference(*arrays, self.likely), arrays[0], (ours, theirs))
        self.errors[ours] = found.largest
        itself = max(self.reference.self_error(ours), self.other.self_error(theirs))
        tolerance = max(ALONE[self.precision], SELF_ERRORS * itself)
        return Row(
            *names, op, came_in, found.largest, found.mean, found.place, found.cosine, None, tolerance, itself or None
        )

    def _fit(self, ours: int, theirs: int) -> bool:
        """Whether two tensors are of as many numbers along their axes, as their samples may be where they are not."""
        shapes = self.reference.shape(ours), self.other.shape(theirs)
        lengths = [sorted(length for length in shape if length > 1) for shape in shapes]
        return lengths[0] == lengths[1] or all(self.reference.is_whole(shape) for shape in shapes)

    def _whole(self, found: Difference, sample: np.ndarray, numbers: tuple[int, int]) -> Difference:
        """A difference of samples as that of the whole arrays, as far as their digests tell it."""
        digests = self.reference.digest(numbers[0]), self.other.digest(numbers[1])
        if not self._fit(*numbers):
            return Difference(np.inf, np.inf, (), None, None)
        if None in digests or found.permutation is None:
            return found
        along = places(self.reference.shape(numbers[0]))
        place = tuple(int(each[at]) for each, at in zip(along, found.place, strict=False))
        share = scale(sample) / (digests[0].largest or 1.0)
        largest = max(found.largest * share, digest_gap(*digests))
        return replace(found, largest=largest, mean=found.mean * share, place=place)

    def _judged(self, row: Row, found: Alone) -> Row:
        """The row with its error alone and its verdict."""
        same = ALONE[self.precision]
        if found.error is None:
            own, same = (row.error if row.error > JUMP * row.came_in else 0.0), row.tolerance
        else:
            own = max(found.error, found.noise)
            same = max(same, SELF_ERRORS * found.noise if self.precision == "float32" else 0.0)
        verdict = SAME if own <= same else DIFFERENT
        if verdict == DIFFERENT and self.precision == "float64" and own <= FLOAT32 and not set(row.options) - QUIET:
            verdict = ROUNDING
        rounded = found.rounded and verdict == ROUNDING
        return replace(row, alone=found.error, verdict=verdict, rounded=rounded, own=own)


def _fed_alike(calls: tuple[Call, Call], theirs: list[int]) -> list[tuple[int, int]]:
    """Inputs of both calls by their places, but for masks of attention, which say the same in several forms."""
    are_attention = {call.op for call in calls} == {"attention"}
    return [*zip(calls[0].inputs, theirs, strict=False)][: UNMASKED if are_attention else None]


def options_of(reference: Layer, other: Layer) -> dict[str, tuple[Any, Any]]:
    """The options in which two layers differ, and the operation where that is another."""
    found = {} if reference.op == other.op else {"op": (reference.op, other.op)}
    kernel = reference.weights.get("kernel")
    size = reference.options.get("size", ())
    if kernel is not None and reference.op in ("conv", "depthwise_conv"):
        size = tuple(length for letter, length in zip(kernel[1], kernel[0].shape, strict=False) if letter in "DHW")
    size = (size,) if isinstance(size, int) else tuple(size)
    lengths: tuple[int, ...] = ()
    if size and reference.inputs:
        shape = reference.input_shape
        is_first = reference.options.get("data_format") == "first"
        lengths = tuple(shape[2:] if is_first else shape[1:-1])
    found.update(differing_options(reference.options, other.options, lengths, size))
    return found
