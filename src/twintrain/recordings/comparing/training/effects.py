"""What an optimizer in effect did in its first steps: as its recording says, or else what gives its numbers."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twintrain.recordings.comparing.rows import FLOAT32
from twintrain.recordings.comparing.side import LAST_DIGITS
from twintrain.recordings.comparing.training.trained import Trained
from twintrain.recordings.comparing.training.update_rules import RULES, Arrays, UpdateRule, limited

# How near a predicted change must be to the recorded one, beside what rounding of the weights makes of it.
REPRODUCED = {"float64": 1e-9, "float32": 1e-4}
# Arrays that change by less than this share of the largest change are measured by that.
LEAST = 1e-3
# Gradients of a smaller share of the largest may be rounding.
SOME = {"float64": 1e-9, "float32": 1e-5}
LIMITS = (0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
EPSILONS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
EPSILON_FORMS = {
    "adam": ("corrected root", "root"),
    "rmsprop": ("root", "square"),
    "adagrad": ("root", "square"),
    "adamax": ("magnitude", "maximum"),
}
# What an optimizer has whose recording does not say.
USUAL = {
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "rho": 0.9,
    "momentum": 0.0,
}
USUAL_OF = {
    "lion": {"beta_2": 0.99},
    "rprop": {"eta_minus": 0.5, "eta_plus": 1.2, "smallest_step": 1e-6, "largest_step": 50.0},
    "asgd": {"power": 0.75, "rate_decay": 0.0},
}


@dataclass(frozen=True)
class Steps:
    """The first step of one side, or the first two where those were recorded.

    Attributes:
        weights: those that have gradients, before the first step, by name.
        gradients: before each step, of the loss with penalties.
        after: the weights after each step.
        squares: of samples of gradients, see `limited`, for each step.
        precision: "float64" or "float32".
        bound: how near predicted changes must be to be the recorded ones.
    """

    weights: Arrays
    gradients: Sequence[Arrays]
    after: Sequence[Arrays]
    squares: Sequence[Mapping[str, float]]
    precision: str
    bound: float

    @classmethod
    def of(cls, side: Trained) -> "Steps":
        """Those of a side."""
        has_two = side.next_gradients and side.next_gradients.keys() == side.gradients.keys()
        gradients = [side.gradients, side.next_gradients][: 2 if has_two else 1]
        weights, *after = (
            {name: each for name, each in side.weights(step).items() if name in side.gradients}
            for step in range(len(gradients) + 1)
        )
        digits = LAST_DIGITS * float(np.finfo(side.pass_).eps)
        units = _units(weights, after[0])
        rounding = max((digits * _largest(each) / units[name] for name, each in weights.items()), default=0.0)
        squares = [side.squares(kind) for kind in ("gradient", "next_gradient")[: len(gradients)]]
        return cls(weights, gradients, after, squares, side.pass_, max(REPRODUCED[side.pass_], rounding))

    @property
    def frozen(self) -> frozenset[str]:
        """Weights that have gradients, and are not changed."""
        return frozenset(name for name in self.counted if np.array_equal(self.weights[name], self.after[0][name]))

    @functools.cached_property
    def counted(self) -> frozenset[str]:
        """Weights whose gradients are not rounding alone, as those of a bias before batch norm are."""
        sizes = {name: _largest(each) for name, each in self.gradients[0].items()}
        least = SOME[self.precision] * max(sizes.values(), default=0.0)
        return frozenset(name for name in self.weights if sizes[name] > least)

    def left(self, rule: UpdateRule) -> float:
        """How far the changes by a rule are from the recorded ones, by the largest change of each array."""
        with np.errstate(all="ignore"):
            course = rule.after(self.weights, self.gradients, self.squares)
        if not course:
            return np.inf
        found = 0.0
        for expected, after in zip(course, self.after, strict=True):
            units = _units(self.weights, after)
            found = max([found, *(_largest(after[name] - expected[name]) / units[name] for name in self.counted)])
        return found if np.isfinite(found) else np.inf

    def without(self, penalty: Mapping[str, float]) -> "Steps":
        """The same with gradients of the loss without penalties."""
        held = [self.weights, *self.after]
        gradients = [
            {name: each - penalty.get(name, 0.0) * weights[name] for name, each in given.items()}
            for weights, given in zip(held, self.gradients, strict=False)
        ]
        return replace(self, gradients=gradients)


def in_effect(side: Trained, steps: Steps) -> UpdateRule | None:
    """The rule that gives the recorded steps; None where none that is known does."""
    recorded = side.update_rule()
    if recorded:
        recorded = replace(recorded, frozen=steps.frozen)
        if steps.left(recorded) <= max(steps.bound, FLOAT32):
            return recorded
    return next((rule for rule in _guesses(recorded, steps) if steps.left(rule) <= steps.bound), None)


def _guesses(recorded: UpdateRule | None, steps: Steps) -> Iterator[UpdateRule]:
    if recorded:
        yield from _decays(recorded, steps)
        yield from _limits(recorded, steps)
        yield from _options(recorded)
        yield from _rates(recorded, steps)
    rate = recorded.options.get("learning_rate", 1.0) if recorded else 1.0
    for op in RULES:
        for form in ({"epsilon_is_added_to": form} for form in EPSILON_FORMS.get(op, ("",))):
            rule = UpdateRule(op, {**USUAL, **USUAL_OF.get(op, {}), "learning_rate": rate, **form}, frozen=steps.frozen)
            yield rule
            yield from _rates(rule, steps)
            yield from _limits(rule, steps) if op == "sgd" else ()


def _decays(rule: UpdateRule, steps: Steps) -> Iterator[UpdateRule]:
    """Decay of kernels alone, apart from the gradient or part of it."""
    yield replace(rule, decay=rule.decoupled, decoupled=rule.decay)
    kernels = {name for name, each in steps.weights.items() if each.ndim > 1}
    for spared in (rule, replace(rule, decay=rule.decoupled, decoupled=rule.decay)):
        decay, decoupled = (
            {name: each for name, each in given.items() if name in kernels}
            for given in (spared.decay, spared.decoupled)
        )
        yield replace(spared, decay=decay, decoupled=decoupled)
    yield replace(rule, decay={}, decoupled={})


def _limits(rule: UpdateRule, steps: Steps) -> Iterator[UpdateRule]:
    """Gradients that a loop limits before it hands them over."""
    found: dict[str, list[float]] = {name: list(LIMITS) for name in ("global_clip_norm", "clip_norm", "clip_value")}
    if rule.op == "sgd":
        rate = rule.options["learning_rate"] or 1.0
        used = [(steps.weights[name] - each) / rate for name, each in steps.after[0].items()]
        norms = [float(np.sqrt(np.sum(each**2))) for each in used]
        found["global_clip_norm"].append(float(np.sqrt(np.sum(np.square(norms)))))
        found["clip_norm"].append(max(norms, default=1.0))
        found["clip_value"].append(max((_largest(each) for each in used), default=1.0))
    for name, limits in found.items():
        for limit in limits:
            others = dict.fromkeys(found)
            if _changes(steps, {name: limit}):
                yield rule.with_options(**{**others, name: limit})
    yield rule.with_options(**dict.fromkeys(found))


def _changes(steps: Steps, limit: dict[str, float]) -> bool:
    given = steps.gradients[0]
    return any(not np.array_equal(each, given[name]) for name, each in limited(given, limit, steps.squares[0]).items())


def _options(rule: UpdateRule) -> Iterator[UpdateRule]:
    for form in EPSILON_FORMS.get(rule.op, ()):
        for epsilon in (rule.options.get("epsilon"), *EPSILONS):
            yield rule.with_options(epsilon_is_added_to=form, epsilon=epsilon)
    yield rule.with_options(nesterov=not rule.options.get("nesterov", False))


def _rates(rule: UpdateRule, steps: Steps) -> Iterator[UpdateRule]:
    """The rule with the learning rate that makes its changes those recorded: one for all steps, then one for each."""
    rates: list[float] = []
    for step in range(len(steps.gradients) if rule.op in RULES else 0):
        flat = [
            np.concatenate([np.zeros(1), *(each[name].ravel() for name in steps.weights)])
            for each in (
                steps.after[step],
                *(
                    rule.with_options(learning_rates=[*rates, rate]).after(
                        steps.weights, steps.gradients, steps.squares
                    )[step]
                    for rate in (0.0, 1.0)
                ),
            )
        ]
        # Every rule is linear in the learning rate of its last step.
        wanted, slope = flat[0] - flat[1], flat[2] - flat[1]
        power = float(slope @ slope)
        if not power or not np.isfinite(power) or (rate := float(slope @ wanted) / power) <= 0:
            return
        rates.append(rate)
        yield rule.with_options(learning_rate=rates[0], learning_rates=rates[1:] and [*rates])


def _units(weights: Arrays, after: Arrays) -> dict[str, float]:
    moved = {name: _largest(after[name] - each) for name, each in weights.items()}
    largest = max(moved.values(), default=0.0)
    return {name: max(each, LEAST * largest) or 1.0 for name, each in moved.items()}


def _largest(array: np.ndarray) -> float:
    return float(np.abs(array).max(initial=0.0))
