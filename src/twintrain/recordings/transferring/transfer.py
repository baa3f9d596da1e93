"""Loads the weights of a recording into a model of either framework."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twintrain.errors import UserError
from twintrain.recordings.archive import Recording, recording_of
from twintrain.recordings.comparing.matching import checked_pairs
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.frameworks import Framework, framework_of
from twintrain.recordings.given import arrays_of
from twintrain.recordings.transferring.activations import AGREE, settled
from twintrain.recordings.transferring.conversion import Arrays, Numbers
from twintrain.recordings.transferring.holders import Holder, holders
from twintrain.recordings.transferring.pairing import Pairs, groups, pair
from twintrain.recordings.transferring.places import colours
from twintrain.recordings.transferring.target import Target, rows_for

LISTED = 6


@dataclass(frozen=True)
class Transfer:
    """Which weights of a recording went where.

    Attributes:
        layers: names of the recording's layers and of the model's, in the order of the recording; a layer of one side
            may go into two of the other.
        source_alone: arrays of the recording that have no place in the model.
        target_alone: arrays of the model that nothing was written to.
        uncertain: names of the model's layers of which several have one shape, and of which neither names nor what the
            model gives tell that their order is right.
        error: largest difference between what the model now gives and what the recording has, divided by the largest
            magnitude of the latter; above 1e-3 the two compute something else.
    """

    layers: list[tuple[str, str]]
    source_alone: list[str]
    target_alone: list[str]
    uncertain: list[str]
    error: float

    @property
    def is_whole(self) -> bool:
        """Whether every array has found its place."""
        return not (self.source_alone or self.target_alone)

    def __str__(self) -> str:
        lines = [f"{ours} -> {theirs}" for ours, theirs in self.layers]
        for title, names in (
            ("the recording alone has", self.source_alone),
            ("the model alone has", self.target_alone),
            ("by their order alone:", self.uncertain),
        ):
            lines += [f"{title} {', '.join(names)}"] if names else []
        return "\n".join([*lines, f"outputs differ by {self.error:.1e}"])


def transfer(
    source: Recording | str | Path,
    model: Any,
    x: Any = None,
    *,
    pairs: Mapping[str, str] | None = None,
    allow_unmatched: bool = False,
) -> Transfer:
    """Loads the weights of a recording into a model of the other framework, or of the same; layouts are turned.

    Layers go by kind, shape and place in the graph, then by their names where these are the same on both sides, then by
    order; and where the model then gives something else than the recording has, by the order with which it gives that.

    Args:
        source: a recording, or the path of one.
        model: a `torch.nn.Module` or a `keras.Model` that has its weights (one of Keras that was called, or has an
            input layer).
        x: the rows of the recording as the model takes them; None: those of the recording, with channels turned.
        pairs: names of the model's layers by those of the recording's, where they are not to be found by themselves.
        allow_unmatched: whether arrays may be left over on either side.

    Raises:
        UserError: the model is of neither framework, has no weights or cannot be run on the rows, there is no layer of
            such a name, or arrays are left over. The model is then as it was.
    """
    recording = recording_of(source, "source")
    framework = framework_of(model)
    if not framework.recorder.list_weights(model):
        raise UserError("the model has no weights yet; call it on its rows first")
    found, arrays = transferred(recording, framework, model, x, pairs)
    if not (allow_unmatched or found.is_whole):
        raise UserError(f"{_unmatched(found)}; say with pairs= what belongs together, or set allow_unmatched=True")
    framework.recorder.write_weights(model, arrays)
    return found


def taken_over(source: Recording | str | Path, framework: Framework, model: Any, inputs: Any) -> Arrays:
    """The model's arrays with the weights of a recording of the same rows; the model is left as it is.

    Raises:
        UserError: there is no such recording, or arrays are left over.
    """
    recording = recording_of(source, "weights")
    found, arrays = transferred(recording, framework, model, inputs)
    if not found.is_whole:
        raise UserError(f"weights: {_unmatched(found)}; load them with twintrain.transfer(…, pairs=…) before")
    return arrays


def _unmatched(found: Transfer) -> str:
    sides = (("the recording", found.source_alone), ("the model", found.target_alone))
    words = [
        f"{title} has {', '.join(names[:LISTED])}{', …' if len(names) > LISTED else ''}"
        for title, names in sides
        if names
    ]
    return f"no counterpart: {'; '.join(words)}"


def transferred(
    source: Recording, framework: Framework, model: Any, x: Any = None, pairs: Mapping[str, str] | None = None
) -> tuple[Transfer, Arrays]:
    """What became of each array, and the model's arrays with the weights of the recording; the model is left as it is.

    Raises:
        UserError: as `transfer`, but for arrays that are left over.
    """
    ours = Side(source, source.passes[0], "the recording")
    target, theirs = _target(source, framework, model, x)
    weights = {weight.name: source.weight(ours.pass_, weight.name) for weight in source.weights}
    sides = holders(ours.calls, source.weights, weights), _numbers(target, theirs).holders
    given = checked_pairs(pairs)

    def written(tried: Pairs) -> tuple[Arrays, list[str]]:
        numbers = _numbers(target, theirs)
        left = [name for a, b in tried for name in numbers.write(sides[0][a], sides[1][b])]
        return numbers.arrays(), left

    placed = colours((ours, sides[0]), (theirs, sides[1]))
    first = pair(*sides, placed, given)
    exchangeable = groups(*sides, first, placed, given)
    chosen, error = settled(ours, lambda tried: target.side(written(tried)[0]), sides, first, exchangeable)
    arrays, left = written(chosen)
    return _told(sides, chosen, left, exchangeable if error > AGREE else [], error), arrays


def _target(source: Recording, framework: Framework, model: Any, x: Any) -> tuple[Target, Side]:
    """The model on the rows, as it is."""
    candidates = [arrays_of(x, "x")] if x is not None else [*rows_for(source, framework.name)]
    for place, rows in enumerate(candidates):
        target = Target(framework, model, rows, source.limit)
        try:
            return target, target.side(target.own)
        except UserError:
            if place == len(candidates) - 1:
                raise
    raise AssertionError("there are rows")


def _numbers(target: Target, side: Side) -> Numbers:
    return Numbers(side.calls, target.weights, target.own)


def _told(
    sides: tuple[list[Holder], list[Holder]], pairs: Pairs, left: list[str], uncertain: list[Pairs], error: float
) -> Transfer:
    alone = [
        [name for at, holder in enumerate(side) if at not in {pair[which] for pair in pairs} for name in holder.said]
        for which, side in enumerate(sides)
    ]
    names = [(sides[0][a].name, sides[1][b].name) for a, b in pairs]
    unsure = [sides[1][b].name for group in uncertain for _, b in group]
    return Transfer([*dict.fromkeys(names)], [*left, *alone[0]], alone[1], unsure, error)
