"""Why two layers part: known mistakes are tried on what was recorded until one gives the other's numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twintrain.recordings.comparing.comparison import turned
from twintrain.recordings.comparing.last_steps import layers_of
from twintrain.recordings.comparing.layer_pair import TO_THE_END, Layer, as_computed, gap, in_axes_of, in_order_of
from twintrain.recordings.comparing.masks import UNMASKED, seen_by, with_mask, words
from twintrain.recordings.comparing.mistakes import GUESSED, RECORDED, Mistake
from twintrain.recordings.comparing.mistakes.options import another_operation, one_option
from twintrain.recordings.comparing.mistakes.relations import relations
from twintrain.recordings.comparing.mistakes.trial import Pair, Trial
from twintrain.recordings.comparing.rows import BETWEEN, FLOAT32, INPUT, Compared, Row
from twintrain.recordings.comparing.side import Side, likely_layout

# What is left where a mistake explains all: constants in float32 may still differ.
EXPLAINED = {"float64": 1e-6, "float32": 1e-4}
# A mistake explains nothing that leaves more than this share of the error.
SHARE = 1e-3
# One mistake of several is found where it makes the error this much smaller.
HELPS = 0.5
MOST_MISTAKES = 3
# Rows of large layers are as good as all of them, but where rows are taken together.
MOST_NUMBERS = 2_000_000
BY_BATCH = "batch_norm"


@dataclass(frozen=True)
class Cause:
    """A mistake that explains why two layers part.

    Attributes:
        sentence: layer and finding with both figures.
        finding: what differs, the same words for all layers with that mistake.
        mistake: a short name of it; several are joined by " and ".
        name: of the reference's layer.
        other_name: of the other's.
        error: of the other's layer alone; inf where shapes do not fit.
        explained_error: what is left of it once the mistake is made on both sides; NaN where that cannot be tried.
    """

    sentence: str
    finding: str
    mistake: str
    name: str
    other_name: str
    error: float
    explained_error: float


def find_cause(compared: Compared, reference: Side, other: Side) -> Cause | None:
    """Tries known mistakes on a row of a diff; None where none of them explains it."""
    if compared.calls:
        return _of_layer(compared, reference, other)
    if compared.passage:
        return _of_arrays(compared, reference, other)
    return None


def named(row: Row) -> str:
    """How a sentence calls the layer of a row."""
    return named_pair(row.name, row.other_name)


def named_pair(name: str, other_name: str) -> str:
    """How a sentence calls a layer: by both names where they differ."""
    names = list(dict.fromkeys(each for each in (name, other_name) if each != "–"))
    return " / ".join(names) or "between two layers"


def _of_layer(compared: Compared, reference: Side, other: Side) -> Cause | None:
    ours, theirs = layers_of(reference, other, compared.calls)
    if found := _other_masks(compared.row, (ours, theirs), (reference, other)):
        return found
    ours, *_ = as_computed(ours)
    # What a layer joins must not be in its order already where that is the mistake.
    order = in_order_of(list(ours.inputs), list(theirs.inputs), theirs.op)
    given = in_axes_of(ours.inputs, tuple(theirs.inputs[at] for at in order), likely_layout(reference, other))
    if given is None or theirs.output is None:
        return None
    ours, theirs = _shortened(replace(ours, inputs=given), theirs)
    pair = Pair(ours, theirs, (reference.title, other.title))
    before = _left(Trial("", ours, "", ""), theirs)
    if before <= TO_THE_END:
        return None  # there is no error that a mistake could explain
    # Two mistakes that were recorded are likelier than one guess that happens to look like both.
    for mistakes in (RECORDED, (*RECORDED, *GUESSED)):
        if found := _made_good(pair, before, mistakes, reference.pass_):
            return _cause(compared.row, before, *found)
    return _untried(compared.row, pair) if ours.is_sampled else None


def _other_masks(row: Row, layers: tuple[Layer, Layer], sides: tuple[Side, Side]) -> Cause | None:
    """Attention to which one side gives a mask, and the other another or none."""
    ours, theirs = layers
    counts = [len(layer.inputs) for layer in layers]
    if {layer.op for layer in layers} != {"attention"} or min(counts) < UNMASKED or max(counts) == UNMASKED:
        return None
    seen = [seen_by(layer, sides[0].pass_) for layer in layers]
    given = in_axes_of(ours.inputs[:UNMASKED], theirs.inputs[:UNMASKED], likely_layout(*sides))
    if seen[0] is None or seen[1] is None or given is None or np.array_equal(seen[0], seen[1]):
        return None
    left = gap(theirs.output, replace(with_mask(ours, seen[1]), inputs=given).computed())
    if left > min(EXPLAINED[sides[0].pass_], SHARE * row.error):
        return None
    at = 1 if seen[0].all() else 0
    saying = f"{sides[at].title} masks {words(seen[at])}, {sides[1 - at].title} {words(seen[1 - at])}"
    return _cause(row, row.error, left, [Trial("mask", ours, saying, "masked alike")])


def _untried(row: Row, pair: Pair) -> Cause | None:
    """What the recordings say of a layer that cannot be computed on what is known of its input."""
    found = [trial for mistake in (one_option, another_operation) for trial in mistake(pair)]
    if not found:
        return None
    finding, mistake = (" and ".join(each) for each in zip(*((t.saying, t.mistake) for t in found), strict=True))
    parted = f"they part by {row.own:.1e}" if np.isfinite(row.own) else "their shapes do not fit"
    sentence = f"{named(row)}: {finding}; {parted}, and too little of its input was recorded to try it"
    return Cause(sentence, finding, mistake, row.name, row.other_name, row.own, np.nan)


def _made_good(
    pair: Pair, before: float, mistakes: Sequence[Mistake], precision: str
) -> tuple[float, list[Trial]] | None:
    """The mistakes that together explain the other's numbers, with what is left of the error."""
    found: list[Trial] = []
    left = before
    for _ in range(MOST_MISTAKES):
        bound = min(EXPLAINED[precision], SHARE * left)
        best = _best(pair, mistakes, bound, left)
        if best is None:
            return None
        left, trial = best
        found.append(trial)
        if left <= bound:
            return left, found
        pair = replace(pair, ours=trial.layer)
    return None


def _best(pair: Pair, mistakes: Sequence[Mistake], bound: float, before: float) -> tuple[float, Trial] | None:
    """The first mistake that leaves no more than a bound, else the one that helps most and can be added to."""
    best = None
    for trial in (trial for mistake in mistakes for trial in mistake(pair)):
        left = _left(trial, pair.theirs)
        if left <= bound:
            return left, trial
        can_go_on = trial.after is None and (left < HELPS * before)
        if can_go_on and (best is None or left < best[0]):
            best = left, trial
    return best


def _left(trial: Trial, theirs: Layer) -> float:
    """How far the reference's layer with the mistake is from what the other gives."""
    with np.errstate(all="ignore"):
        left = gap(theirs.output, trial.output())
        # The other may keep the very constant that differs in float32.
        if TO_THE_END < left <= FLOAT32 and trial.layer.has_constants():
            rounded = replace(trial, layer=trial.layer.with_float32_constants())
            left = min(left, gap(theirs.output, rounded.output()))
    return left


def _shortened(ours: Layer, theirs: Layer) -> tuple[Layer, Layer]:
    """Both layers on fewer rows where they are large."""
    numbers = sum(each.size for each in ours.inputs)
    if BY_BATCH in (ours.op, theirs.op) or numbers <= MOST_NUMBERS:
        return ours, theirs
    rows = max(1, len(ours.inputs[0]) * MOST_NUMBERS // numbers)
    layers = [replace(each, inputs=tuple(array[:rows] for array in each.inputs)) for each in (ours, theirs)]
    return layers[0], replace(layers[1], output=theirs.output[:rows] if theirs.output is not None else None)


def _of_arrays(compared: Compared, reference: Side, other: Side) -> Cause | None:
    """Of inputs of the models, or what is between layers."""
    row, passage = compared.row, compared.passage
    read = [side.whole if row.op == INPUT else side.tensor for side in (reference, other)]
    ours, theirs = (each(number) for each, number in zip(read, passage.tensors, strict=True))
    bound = min(EXPLAINED[reference.pass_], SHARE * row.error)
    for explained in (_of_order, _of_calls) if row.op == BETWEEN else ():
        if found := explained(compared, reference, other, bound):
            return found
    fitting = turned(ours, theirs)
    if fitting is None or not np.isfinite(theirs).all():
        return None
    what = "the input" if row.op == INPUT else "what comes in"
    for ahead, (a, b), title in (
        (True, (ours, fitting.array), other.title),
        (False, (fitting.array, ours), reference.title),
    ):
        for mistake, saying, remedy, change in relations(a, b):
            with np.errstate(all="ignore"):
                left = gap(b, change(a))
            if left <= bound:
                trial = Trial(mistake, Layer(None, {}, {}, ()), f"{what}: {title} {saying}", remedy)
                return _cause(row, row.error, left, [trial])
        if ahead and row.op == INPUT:
            break  # an input is the reference's or it is not
    return None


def _of_order(compared: Compared, reference: Side, other: Side, bound: float) -> Cause | None:
    """Inputs or outputs of the models, of which the other has another one in that place."""
    ours, theirs = compared.passage.tensors
    sides = reference.recording, other.recording
    for what, numbers in (("input", [each.inputs for each in sides]), ("output", [each.outputs for each in sides])):
        if ours not in numbers[0] or theirs not in numbers[1]:
            continue
        for number in (each for each in numbers[1] if each != theirs):
            left = gap(reference.tensor(ours), other.tensor(number), likely_layout(reference, other))
            if left <= bound:
                taken, wanted = (numbers[1].index(each) + 1 for each in (theirs, number))
                saying = f"{other.title} has {what} {taken} in the place of {what} {wanted}"
                trial = Trial(f"{what}s in another order", Layer(None, {}, {}, ()), saying, "in one order")
                return _cause(compared.row, compared.row.error, left, [trial])
    return None


def _of_calls(compared: Compared, reference: Side, other: Side, bound: float) -> Cause | None:
    """Calls that one side alone has, if both agree without them."""
    passage, row = compared.passage, compared.row
    ours, theirs = reference.tensor(passage.tensors[0]), other.tensor(passage.tensors[1])
    for side, calls, origins, target in (
        (reference, passage.reference_calls, passage.reference_from, theirs),
        (other, passage.other_calls, passage.other_from, ours),
    ):
        left = gap(target, side.tensor(origins[0])) if calls and len(origins) == 1 else np.inf
        if left <= bound:
            words = ", ".join(f"{side.calls[at].name} ({side.calls[at].op or side.calls[at].kind})" for at in calls)
            lacks = other.title if side is reference else reference.title
            saying = f"{side.title} has {words}, and {lacks} nothing in its place"
            return _cause(row, row.error, left, [Trial("layer missing", Layer(None, {}, {}, ()), saying, "without it")])
    return None


def _cause(row: Row, before: float, left: float, trials: list[Trial]) -> Cause:
    sayings, remedies = (
        " and ".join(dict.fromkeys(each)) for each in zip(*((t.saying, t.remedy) for t in trials), strict=True)
    )
    parted = f"they part by {before:.1e}" if np.isfinite(before) else "their shapes do not fit"
    sentence = f"{named(row)}: {sayings}; {parted}, {remedies} they agree to {left:.0e}"
    mistake = " and ".join(trial.mistake for trial in trials)
    return Cause(sentence, sayings, mistake, row.name, row.other_name, before, left)
