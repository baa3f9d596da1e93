"""What a recording says of training: the loss, the optimizer, and which arrays there are of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

Shape = tuple[int, ...]


class Rule(NamedTuple):
    """A loss or an optimizer.

    Attributes:
        kind: the framework's word: the name of the class or function.
        op: our word, the same for both frameworks; None where there is none.
        options: what decides what it computes, in our words; of what has no `op` its plain settings.
    """

    kind: str
    op: str | None
    options: dict[str, Any]


@dataclass(frozen=True)
class Fit:
    """Training on the recorded rows, all of them as one batch, in training mode and without dropout.

    Attributes:
        loss: what was made small.
        optimizer: None where loss and gradients are all there is.
        steps: after how many steps the weights were recorded, rising; empty without optimizer.
        predictions: how many outputs the model gave in training.
        targets: how many arrays `y` had.
        dropout: names of the layers that were kept from dropping numbers; of a loop, of those that dropped some.
        loop: whether it was a loop of the user's own, in which each step may have had other rows, and dropout was on.
        stopped: by what error such a loop ended; empty where it came to its end.
    """

    loss: Rule
    optimizer: Rule | None
    steps: list[int]
    predictions: int
    targets: int
    dropout: list[str] = field(default_factory=list)
    loop: bool = False
    stopped: str = ""

    def after(self, steps: list[int], stopped: str) -> "Fit":
        """The same with the steps that there are."""
        return replace(self, steps=steps, stopped=stopped)

    def header(self) -> dict[str, Any]:
        """What the file's JSON has of it."""
        rules = {"loss": self.loss._asdict(), "optimizer": self.optimizer and self.optimizer._asdict()}
        return {**vars(self), **rules}


def read_fit(header: Mapping[str, Any] | None) -> Fit | None:
    """What `Fit.header` gave.

    Raises:
        KeyError, TypeError, ValueError: it is damaged.
    """
    if header is None:
        return None
    fit = Fit(
        loss=_rule(header["loss"]),
        optimizer=None if header["optimizer"] is None else _rule(header["optimizer"]),
        steps=[int(step) for step in header["steps"]],
        predictions=int(header["predictions"]),
        targets=int(header["targets"]),
        dropout=[str(name) for name in header["dropout"]],
        loop=bool(header["loop"]),
        stopped=str(header["stopped"]),
    )
    if not are_steps(fit.steps):
        raise ValueError(f"its steps are {fit.steps}")
    return fit


def are_steps(steps: Sequence[int]) -> bool:
    """Whether they are numbers of steps: positive and rising."""
    return all(before < after for before, after in zip((0, *steps), steps, strict=False))


def needed_arrays(fit: Fit, weights: Mapping[str, Shape]) -> Iterator[tuple[str, Shape | None]]:
    """Names of the arrays that each pass has of a training, with their shapes where the header tells them.

    Gradients may be missing, see `possible_arrays`.
    """
    for kind, count in (("target", fit.targets), ("prediction", fit.predictions)):
        yield from ((f"{kind}/{number}", None) for number in range(count))
    yield "losses", None if fit.loop else (max(fit.steps, default=1),)
    yield "penalty", ()
    for step in fit.steps:
        yield from ((f"step/{step}/{name}", shape) for name, shape in weights.items())


def possible_arrays(weights: Mapping[str, Shape]) -> Iterator[tuple[str, Shape]]:
    """Names of the arrays that a pass may have beside those, with their shapes: weights may be without gradient."""
    for kind in ("gradient", "next_gradient"):
        yield from ((f"{kind}/{name}", shape) for name, shape in weights.items())


def _rule(values: Mapping[str, Any]) -> Rule:
    rule = Rule(**values)
    return rule._replace(kind=str(rule.kind), options=dict(rule.options))
