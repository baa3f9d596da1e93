"""What else must be known of two trainings, one sentence each."""

from collections.abc import Iterator

from twintrain.recordings.comparing.mistakes.trial import written
from twintrain.recordings.comparing.training.differences import is_same, listed
from twintrain.recordings.comparing.training.penalties import Penalties
from twintrain.recordings.comparing.training.trained import Trained
from twintrain.recordings.comparing.training.update_causes import Update
from twintrain.recordings.fit import Rule

MOST_OPTIONS = 5
# A schedule that the user's loop steps, and no optimizer by itself.
OUTSIDE = "LRScheduler"


def notes(sides: tuple[Trained, Trained], update: Update, is_loss_explained: bool) -> Iterator[str]:
    """The notes.

    Args:
        is_loss_explained: whether the losses are the same, or it is known why not.
    """
    if unseen := [side.title for side in sides if not side.gradients]:
        yield f"no gradients were recorded of {listed(unseen)}, and none are compared: r.gradients(…) is told them"
    if not is_loss_explained:
        yield from _said(sides, "losses", [side.fit.loss for side in sides])
    if update.error is None and update.cause is None and sides[0].fit.steps:
        yield from _said(sides, "optimizers", [side.fit.optimizer for side in sides])
    if update.quiet:
        yield f"the optimizers differ in {listed(update.quiet)}, which changes nothing in these steps"
    for side in sides:
        optimizer = side.fit.optimizer
        if not side.fit.loop and optimizer and (optimizer.options.get("schedule") or {}).get("kind") == OUTSIDE:
            yield f"{side.title}'s learning rate scheduler was not followed: its rate is that of the start in all steps"
    if any(side.is_random for side in sides):
        yield "with dropout, no number of a loop is that of another: only what each does with its own is compared"
    if dropout := [*dict.fromkeys(name for side in sides if not side.fit.loop for name in side.fit.dropout)]:
        yield f"trained without dropout: {listed(dropout)}"


def penalty_notes(
    sides: tuple[Trained, Trained], found: Penalties | None, update: Update, is_in_loss: bool
) -> Iterator[str]:
    """How a penalty that one side alone has is no difference.

    Args:
        found: what times a weight is part of its gradient on one side alone, see `penalties`.
        is_in_loss: whether the other's loss function has it in it.
    """
    with_penalty = [at for at, side in enumerate(sides) if side.penalty]
    if len(with_penalty) != 1:
        return
    title, other = (sides[at].title for at in (with_penalty[0], 1 - with_penalty[0]))
    if is_in_loss:
        yield f"{other} counts the penalty in its loss function, {title} in its regularizers: it is the same"
    elif update.is_same and found and any(found):
        yield f"{title} counts the decay of weights to its loss, the other to its gradients: it is the same"
    elif update.is_same:
        yield f"{title} counts a penalty to its loss that is part of no gradient"


def _said(sides: tuple[Trained, Trained], what: str, rules: list[Rule | None]) -> Iterator[str]:
    """In what two rules differ as they were recorded, where what they compute is not known."""
    if rules[0] is None or rules[1] is None:
        return
    kinds = [rule.op or rule.kind for rule in rules if rule]
    if kinds[0] != kinds[1]:
        yield f"the {what} could not be tried: {sides[0].title} has {kinds[0]}, {sides[1].title} {kinds[1]}"
        return
    options = [rule.options for rule in rules if rule]
    names = [name for name in dict.fromkeys((*options[0], *options[1])) if name in options[0] and name in options[1]]
    found = [
        f"{name} {written(options[0][name])} and {written(options[1][name])}"
        for name in names
        if not is_same(options[0][name], options[1][name])
    ]
    if found:
        yield f"the {what} ({kinds[0]}) could not be tried; they were recorded with {listed(found, MOST_OPTIONS)}"
