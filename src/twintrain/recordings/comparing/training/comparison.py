"""Two trainings side by side: what is the same, where they part first, and why."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from twintrain.errors import UserError
from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.dropout import dropout_causes
from twintrain.recordings.comparing.matching import Matching
from twintrain.recordings.comparing.output_counts import counts_cause
from twintrain.recordings.comparing.rows import ALONE, DIFFERENT, FLOAT32, ROUNDING, SAME
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.comparing.training.batches import batch_cause
from twintrain.recordings.comparing.training.differences import cause_of, option_finding
from twintrain.recordings.comparing.training.gradient_causes import gradient_causes, not_trained
from twintrain.recordings.comparing.training.loss_causes import loss_cause
from twintrain.recordings.comparing.training.notes import notes, penalty_notes
from twintrain.recordings.comparing.training.pairs import Pairs
from twintrain.recordings.comparing.training.penalties import Penalties, penalties, unsaid_penalty
from twintrain.recordings.comparing.training.rows import (
    GRADIENT,
    LOSS,
    LOSSES,
    PENALTY,
    PREDICTION,
    STATISTIC,
    WEIGHT,
    TrainingRow,
    TrainingRowBuilder,
)
from twintrain.recordings.comparing.training.second_bias import second_bias_causes
from twintrain.recordings.comparing.training.statistics_causes import statistics_causes
from twintrain.recordings.comparing.training.targets import target_causes
from twintrain.recordings.comparing.training.trained import Trained
from twintrain.recordings.comparing.training.update_causes import Update, compare_updates, other_kinds

# What trainings part in, in the order in which it comes about.
STAGES = {
    PREDICTION: "the forward pass in training mode",
    LOSS: "the loss",
    PENALTY: "the regularization",
    GRADIENT: "the gradients",
    WEIGHT: "the update",
    STATISTIC: "the running statistics",
    LOSSES: "the course of the loss",
}
TARGETS, BATCHES, DROPOUT = "the targets", "the batches", "the dropout"


@dataclass(frozen=True)
class Training:
    """What two trainings on the same rows have in common.

    Attributes:
        verdict: "same", "rounding" or "different".
        rows: in the order in which they come about.
        parts_in: in what they part first, in words; None where they do not.
        causes: why, as far as it is known.
        notes: what else must be known, one sentence each.
    """

    verdict: str
    rows: list[TrainingRow]
    parts_in: str | None = None
    causes: list[Cause] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compare_training(reference: Side, other: Side, matching: Matching, forward: str) -> Training:
    """Compares the trainings of two sides that have one.

    Args:
        forward: the verdict on the forward passes: where they are different, so is most of what follows, and only what
            each side does with numbers of its own is searched for causes.

    Raises:
        UserError: they are of other targets or steps.
    """
    sides = Trained(reference, reference.recording.fit), Trained(other, other.recording.fit)  # type: ignore[arg-type]
    _check_steps(sides)
    batches = batch_cause(sides)
    # Targets are those of the first batch, whose inputs tell whether it is the same.
    targets = [] if batches and forward == DIFFERENT else target_causes(sides)
    causes = [batches, *targets] if batches else targets
    parts_in = TARGETS if targets else BATCHES if batches else None
    pairs = Pairs(reference, other, matching)
    found = None if forward == DIFFERENT or targets else penalties(sides, pairs)
    total_gap = _total_gap(sides)
    if found and total_gap is not None:
        found = {}, {}  # both have the penalty: what is left of it is the rounding of its strength
    update = _update(sides, pairs, found)
    has_rounded_penalty = total_gap is not None and total_gap > ALONE[reference.pass_]
    is_rounded = forward == ROUNDING or update.is_rounded or has_rounded_penalty
    builder = TrainingRowBuilder(sides, pairs, is_rounded, update.rule)
    rows = _rows(builder, found or ({}, {}), update)
    gradients = {row.verdict for row in rows if row.quantity == GRADIENT}
    is_in_loss = total_gap is not None and bool(gradients) and DIFFERENT not in gradients
    if is_in_loss:
        alike = ROUNDING if has_rounded_penalty else SAME
        rows = [replace(row, verdict=alike) if row.quantity in (LOSS, PENALTY) else row for row in rows]
        rows += builder.losses()
    other_count = _other_count(sides)
    if update.error is None and _parts_in_update(sides, rows):
        error = max(row.error for row in rows if row.quantity == WEIGHT)
        update = replace(update, cause=other_kinds(sides, error))
    causes += [*filter(None, [other_count]), *_causes(sides, pairs, rows, update, forward)]
    dropped = [*dropout_causes((reference, other), matching)]
    parting = PREDICTION if other_count else next((row.quantity for row in rows if row.verdict == DIFFERENT), None)
    parts_in = parts_in or (STAGES[parting] if parting else DROPOUT if dropped else None)
    verdicts = {row.verdict for row in rows} | ({DIFFERENT} if causes or dropped else set())
    verdict = next(each for each in (DIFFERENT, ROUNDING, SAME) if each in verdicts or each == SAME)
    is_loss_explained = LOSS not in {row.quantity for row in rows if row.verdict == DIFFERENT} or bool(causes)
    causes += dropped
    said = penalty_notes(sides, found, update, is_in_loss)
    return Training(verdict, rows, parts_in, causes, [*said, *notes(sides, update, is_loss_explained)])


def _check_steps(sides: tuple[Trained, Trained]) -> None:
    steps = [side.fit.steps for side in sides]
    if steps[0] != steps[1]:
        words = [", ".join(map(str, each)) or "no" for each in steps]
        raise UserError(
            f"the recordings are of {words[0]} and {words[1]} steps; expected the same steps= in both scripts"
        )


def _other_count(sides: tuple[Trained, Trained]) -> Cause | None:
    """A number of outputs that is another in training mode alone; any other is the forward pass's."""
    if len({len(side.side.recording.outputs) for side in sides}) > 1:
        return None
    counts = len(sides[0].predictions), len(sides[1].predictions)
    return counts_cause((sides[0].title, sides[1].title), counts, " in training mode")


def _update(sides: tuple[Trained, Trained], pairs: Pairs, found: Penalties | None) -> Update:
    if not all(side.gradients for side in sides):
        return Update()
    if sides[0].fit.steps[:1] != [1] or (found is None and any(side.penalty for side in sides)):
        return Update()
    return compare_updates(sides, pairs, found or ({}, {}))


def _rows(builder: TrainingRowBuilder, found: Penalties, update: Update) -> list[TrainingRow]:
    sides = builder.sides
    rows = [*builder.predictions(), *builder.loss(), *builder.gradients(found)]
    if update.is_same:  # the one counts to the loss what the other's optimizer adds
        rows = [replace(row, verdict=SAME) if row.quantity == PENALTY else row for row in rows]
    for step in sides[0].fit.steps:
        rows += builder.weights(step)
    has_one_penalty = any(row.quantity == PENALTY and row.error > row.tolerance for row in rows)
    return rows if has_one_penalty else rows + builder.losses()


def _total_gap(sides: tuple[Trained, Trained]) -> float | None:
    """How far the losses with penalties are apart; None unless it tells that one's loss function has the other's in it.

    Keras keeps the strength of a penalty in float32.
    """
    if sum(bool(side.penalty) for side in sides) != 1 or not all(side.losses.size for side in sides):
        return None
    unit = max(abs(float(side.losses[0])) for side in sides) or 1.0
    gap, without = (abs(b - a) / unit for a, b in ([side.losses[0] for side in sides], [s.data_loss for s in sides]))
    return gap if gap <= max(ALONE[sides[0].pass_], FLOAT32) and gap < without else None


def _causes(
    sides: tuple[Trained, Trained], pairs: Pairs, rows: list[TrainingRow], update: Update, forward: str
) -> Iterator[Cause]:
    """Those of each stage whose numbers part, and of update and statistics wherever the rules do."""
    differing = {row.quantity for row in rows if row.verdict == DIFFERENT}
    statistics = list(statistics_causes(sides, pairs)) if sides[0].fit.steps[:1] == [1] else []
    if PREDICTION in differing:  # statistics that one side uses and the other gathers
        yield from statistics
    if LOSS in differing and (cause := loss_cause(sides) or unsaid_penalty(sides, pairs)):
        yield cause
    yield from not_trained(sides, pairs)
    if GRADIENT in differing and not {LOSS, PREDICTION} & differing and forward != DIFFERENT:
        yield from gradient_causes(sides, pairs)
    if PENALTY in differing and not sides[0].fit.steps:
        yield _penalty(sides)
    if update.cause:
        yield update.cause
    elif _parts_in_update(sides, rows):
        yield from second_bias_causes(sides, pairs)
    if PREDICTION not in differing:
        yield from statistics


def _parts_in_update(sides: tuple[Trained, Trained], rows: list[TrainingRow]) -> bool:
    """Whether weights part after the first step, and nothing before it."""
    differing = {row.quantity for row in rows if row.verdict == DIFFERENT}
    return WEIGHT in differing and not {LOSS, PREDICTION, GRADIENT} & differing and sides[0].fit.steps[:1] == [1]


def _penalty(sides: tuple[Trained, Trained]) -> Cause:
    values = [side.penalty or None for side in sides]
    titles = sides[0].title, sides[1].title
    before = abs(sides[1].penalty - sides[0].penalty) / max(side.penalty for side in sides)
    return cause_of("the losses differ", [option_finding(titles, "penalty", *values)], before, 0.0)
