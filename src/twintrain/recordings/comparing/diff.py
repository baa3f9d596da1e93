"""Two recordings side by side: are they of one network, and if not, where do they part and why?"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.archive import Recording, recording_of
from twintrain.recordings.comparing.causes import Cause, find_cause, named
from twintrain.recordings.comparing.dropout import rate_differences
from twintrain.recordings.comparing.logged import log
from twintrain.recordings.comparing.matching import Matching, match
from twintrain.recordings.comparing.notes import other_inputs, quiet_options, rounding_notes
from twintrain.recordings.comparing.output_counts import counts_cause
from twintrain.recordings.comparing.page.page import page
from twintrain.recordings.comparing.rows import (
    BETWEEN,
    DIFFERENT,
    FLOAT32,
    INPUT,
    ROUNDING,
    SAME,
    Compared,
    Row,
    RowBuilder,
)
from twintrain.recordings.comparing.side import Side, titles
from twintrain.recordings.comparing.table import table
from twintrain.recordings.comparing.training.comparison import BATCHES, Training, compare_training
from twintrain.recordings.comparing.training.trained import is_trained
from twintrain.recordings.comparing.weights import WeightRow, compare_weights
from twintrain.recordings.contents import PRECISIONS

# Layers whose causes are looked for.
MOST_CAUSES = 100
# Of layers that part by about as much, the first is named.
ABOUT = 100
REARRANGING = ("flatten", "reshape", "permute", "concatenate", BETWEEN)
FORWARD = "the forward pass"
VERDICTS = (SAME, ROUNDING, DIFFERENT)
# What rounding in float32 may have grown to on its way to the outputs.
GROWN = 1e-4


@dataclass(frozen=True)
class Diff:
    """What two recordings have in common.

    Attributes:
        verdict: "same", "rounding" (the same but for constants that one side keeps in float32) or "different".
        titles: how the reference and the other are called.
        precision: in which both were compared, float64 where both have it.
        layers: inputs, matched layers and what stands between them, in the order of the reference.
        outputs: the outputs of the models.
        weights: the weights of matched layers, by role.
        first: the row where they part: of those that differ by themselves, that with the largest error of its own, and
            of several that are about as large the first; None where none does.
        cause: why, as far as it is known: of `first`, of the weights, or else of training.
        causes: of all rows that differ by themselves, that of `first` first; then those of training.
        reference_alone: names of the reference's calls without counterpart.
        other_alone: names of the other's.
        notes: what else must be known, one sentence each.
        training: what was trained; None where one recording has forward passes alone.
        parts_in: what they part in first: "the forward pass", or a stage of training such as "the gradients"; None
            where they do not.
    """

    verdict: str
    titles: tuple[str, str]
    precision: str
    layers: list[Row]
    outputs: list[Row]
    weights: list[WeightRow]
    first: Row | None = None
    cause: Cause | None = None
    causes: list[Cause] = field(default_factory=list)
    reference_alone: list[str] = field(default_factory=list)
    other_alone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    training: Training | None = None
    parts_in: str | None = None

    @property
    def passed(self) -> bool:
        """Whether both are one network, but for rounding."""
        return self.verdict != DIFFERENT

    @property
    def differing_weights(self) -> list[WeightRow]:
        """Weights that are other numbers, or the same in another order, in the order of the layers."""
        return [row for row in self.weights if row.verdict != SAME]

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain values for JSON; errors that are no numbers are null."""
        return {**_plain(dataclasses.asdict(self)), "passed": self.passed}

    def to_html(self) -> str:
        """One page that needs nothing beside it: the conclusion, errors by layer, the worst places, weights, notes."""
        return page(self)

    def log(self, folder: str = "twintrain") -> None:
        """Writes page, JSON and tags into the active run of MLflow.

        Args:
            folder: of the run's files, that gets `parity.html` and `parity.json`.

        Raises:
            UserError: MLflow is not installed, or no run is active.
        """
        log(self, folder)

    def assert_equal(self) -> None:
        """Raises AssertionError with the table where the recordings are not of one network."""
        if not self.passed:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        return table(self)


def diff(
    reference: Recording | str | Path, other: Recording | str | Path, pairs: Mapping[str, str] | None = None
) -> Diff:
    """Compares two recordings layer by layer, and their trainings where both have one.

    Args:
        reference: a recording, or the path of one.
        other: that which is compared with it.
        pairs: names of the other's layers by those of the reference's, where they are not to be matched by themselves.

    Raises:
        UserError: they are no recordings, of other rows, targets or steps, or in no precision in common, or there is
            no layer of such a name.
    """
    ours, theirs = recording_of(reference, "reference"), recording_of(other, "other")
    precision = _precision(ours, theirs)
    names = titles(ours, theirs)
    sides = Side(ours, precision, names[0], theirs.limit), Side(theirs, precision, names[1], ours.limit)
    matching = match(*sides, pairs)
    builder = RowBuilder(*sides, matching)
    compared, outputs = builder.rows(), builder.output_rows()
    weights = _weights(*sides, matching)
    return _with_training(_concluded(sides, matching, compared, outputs, weights), sides, matching)


def _precision(reference: Recording, other: Recording) -> str:
    if reference.rows != other.rows:
        raise UserError(
            f"the recordings are of {reference.rows} and {other.rows} rows; expected the same rows: record both models "
            "on the same input"
        )
    for precision in reversed(PRECISIONS):  # the finest
        if precision in reference.passes and precision in other.passes:
            return precision
    raise UserError(
        f"the recordings have no precision in common: {', '.join(reference.passes)} and {', '.join(other.passes)}; "
        "record both anew in one"
    )


def _weights(reference: Side, other: Side, matching: Matching) -> list[WeightRow]:
    found: dict[tuple[str, str, str], WeightRow] = {}
    for ours, theirs in matching.pairs:
        a, b = reference.calls[ours], other.calls[theirs]
        sides = (a.options, reference.weights(a)), (b.options, other.weights(b))
        for row in compare_weights((a.name, b.name), a.op if a.op == b.op else None, *sides):
            found[row.name, row.other_name, row.role] = row
    return list(found.values())


def _concluded(
    sides: tuple[Side, Side],
    matching: Matching,
    compared: list[Compared],
    outputs: list[Row],
    weights: list[WeightRow],
) -> Diff:
    """The verdict, with the search for causes where there is something to explain."""
    parting = [each for each in compared if each.row.verdict == DIFFERENT]
    notes = [*other_inputs(sides), *quiet_options(compared)]
    other_count = counts_cause((sides[0].title, sides[1].title), _output_counts(sides))
    has_other_weights = any(row.verdict == DIFFERENT for row in weights)
    arrive = all(row.error <= max(row.tolerance, FLOAT32) for row in outputs)
    may_be_on_the_way = arrive and not (other_count or has_other_weights)
    if parting and may_be_on_the_way and all(_rearranges(each.row, weights) for each in parting):
        names = ", ".join(named(each.row) for each in parting[:3])
        notes.insert(0, f"the outputs agree, with numbers in another order on the way: {names}")
        parting = []
    if not (parting or arrive):
        parting = _largest_jump(compared, outputs)
    is_different = bool(parting) or has_other_weights or other_count is not None
    rounds = any(each.row.verdict == ROUNDING for each in compared)
    verdict = DIFFERENT if is_different else ROUNDING if rounds else SAME
    notes += rounding_notes([each.row for each in compared], weights)
    ranked = _ranked(parting)
    causes = [cause for each in ranked[:MOST_CAUSES] if (cause := find_cause(each, *sides))]
    first = ranked[0].row if ranked else None
    is_of_first = bool(causes and first) and (causes[0].name, causes[0].other_name) == (first.name, first.other_name)
    alone = matching.reference_alone, matching.other_alone
    return Diff(
        verdict,
        (sides[0].title, sides[1].title),
        sides[0].pass_,
        [each.row for each in compared],
        outputs,
        weights,
        first,
        other_count or (causes[0] if is_of_first else None),
        [*filter(None, [other_count]), *causes],
        *([side.calls[at].name for at in places] for side, places in zip(sides, alone, strict=True)),
        notes,
    )


def _output_counts(sides: tuple[Side, Side]) -> tuple[int, int]:
    return len(sides[0].recording.outputs), len(sides[1].recording.outputs)


def _with_training(found: Diff, sides: tuple[Side, Side], matching: Matching) -> Diff:
    """What was found of the forward passes, and of the trainings where both sides have one."""
    is_different = found.verdict == DIFFERENT
    found = replace(found, parts_in=FORWARD if is_different else None)
    trained = [is_trained(side.recording, side.pass_) for side in sides]
    if not all(trained):
        rates = [] if any(side.recording.training for side in sides) else rate_differences(sides, matching)
        notes = [f"{words} in {name} once they train" for name, words in rates]
        if any(trained):
            notes.append(f"{sides[trained.index(True)].title} alone was recorded in training, which is not compared")
        return replace(found, notes=[*found.notes, *notes])
    training = compare_training(*sides, matching, found.verdict)
    has_other_inputs = any(row.op == INPUT and row.verdict == DIFFERENT for row in found.layers)
    # Other rows are what all else follows from, if they are so from the first batch on.
    is_given = training.parts_in == BATCHES and (has_other_inputs or not is_different)
    return replace(
        found,
        verdict=max(found.verdict, training.verdict, key=VERDICTS.index),
        cause=found.cause if is_different and not is_given else next(iter(training.causes), None),
        causes=[*training.causes, *found.causes] if is_given else [*found.causes, *training.causes],
        notes=[*found.notes, *training.notes],
        training=training,
        parts_in=training.parts_in if is_given else found.parts_in or training.parts_in,
    )


def _rearranges(row: Row, weights: list[WeightRow]) -> bool:
    """Whether a row may have its numbers in another order: it rearranges them, or its weights are rearranged."""
    own = {each.verdict for each in weights if (each.name, each.other_name) == (row.name, row.other_name)}
    return row.op in REARRANGING or "permuted" in own


def _ranked(parting: list[Compared]) -> list[Compared]:
    """The first of those that differ most, then the others in order."""
    if not parting:
        return []
    largest = max(min(each.row.own, 1.0) for each in parting)
    first = next(each for each in parting if min(each.row.own, 1.0) * ABOUT >= largest)
    return [first, *(each for each in parting if each is not first)]


def _largest_jump(compared: list[Compared], outputs: list[Row]) -> list[Compared]:
    """The row with the largest error out for what came in, where no row differs by itself and the outputs do."""
    if any(each.row.verdict == ROUNDING for each in compared) and max(row.error for row in outputs) <= GROWN:
        return []
    rows = [each for each in compared if each.row.error > each.row.tolerance]
    return [max(rows, key=lambda each: each.row.error / max(each.row.came_in, each.row.tolerance))] if rows else []


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
