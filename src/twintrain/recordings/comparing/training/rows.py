"""The rows of a diff that are of training: predictions, loss, gradients, and weights after steps."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twintrain.recordings.comparing.comparison import difference, scale
from twintrain.recordings.comparing.rows import ALONE, DIFFERENT, ROUNDING, SAME, SELF_ERRORS
from twintrain.recordings.comparing.side import LAST_DIGITS, likely_layout
from twintrain.recordings.comparing.training.pairs import Pairs, Place
from twintrain.recordings.comparing.training.trained import Trained
from twintrain.recordings.comparing.training.update_rules import UpdateRule

PREDICTION, LOSS, PENALTY, LOSSES = "prediction", "loss", "penalty", "losses"
GRADIENT, WEIGHT, STATISTIC = "gradient", "weight", "running statistic"
# An array whose gradients are less than this share of the largest is measured by that share: its own may be rounding
# alone, as that of a bias before batch norm is.
LEAST = {"float64": 1e-3, "float32": 1e-1}
# What rounding in float32 on the way may have grown to.
GROWN = 1e-4
# A framework that parts from itself by this share of a change, once its weights are perturbed, does not tell what
# training should come to.
CHAOS = 0.03
# By how much more a step's rounding is let grow where it was not measured.
UNMEASURED = 10
# Gradients are taken to be right to this many units in the last place of the largest of all.
GRADIENT_DIGITS = 32


@dataclass(frozen=True)
class TrainingRow:
    """A quantity of training on both sides.

    Attributes:
        quantity: "prediction" (in training mode), "loss" and "gradient" (before the first step, without penalties),
            "penalty", "losses" (before each step), "weight" or "running statistic".
        step: after how many steps.
        name: of the reference's layer; empty where it is of no layer.
        other_name: of the other's.
        role: what the array is to the layer.
        error: largest absolute difference, divided by the reference's largest magnitude; of what steps change, by the
            largest change, or by a share of that of all arrays if that is larger. inf where there are no numbers.
        tolerance: what rounding explains of it, by the perturbed passes.
        self_error: by how much a framework parts from itself there; None where it was not recorded.
        verdict: "same", "rounding" or "different".
    """

    quantity: str
    step: int
    name: str
    other_name: str
    role: str
    error: float
    tolerance: float
    self_error: float | None = None
    verdict: str = SAME

    @property
    def ratio(self) -> float | None:
        """The error in units of what a framework parts from itself by."""
        return self.error / self.self_error if self.self_error else None

    @property
    def excess(self) -> float:
        """The error in units of what rounding explains; 0 where that is anything."""
        return self.error / self.tolerance if np.isfinite(self.tolerance) else 0.0


class TrainingRowBuilder:
    """Makes the rows of two trainings whose weights are matched."""

    def __init__(self, sides: tuple[Trained, Trained], pairs: Pairs, is_rounded: bool, rule: UpdateRule | None) -> None:
        """Takes the sides, their weights, and what they do.

        Args:
            is_rounded: whether something on the way is rounded to float32 on one side alone.
            rule: of the reference, by which gradients that are rounding alone count for what they do.
        """
        self.sides, self.pairs, self.is_rounded, self.rule = sides, pairs, is_rounded, rule
        self.precision = sides[0].side.pass_
        self.is_random = any(side.is_random for side in sides)
        self._shares = [self._share(side) for side in sides]

    def predictions(self) -> list[TrainingRow]:
        """What the models give in training mode; nothing where that is not as many arrays, see `counts_cause`."""
        if len(self.sides[0].predictions) != len(self.sides[1].predictions):
            return []
        likely = likely_layout(self.sides[0].side, self.sides[1].side)
        rows = []
        for number, arrays in enumerate(zip(*(side.predictions for side in self.sides), strict=True)):
            found = difference(*arrays, likely).largest
            itself = self._itself(lambda side, at=number: side.predictions[at], [scale(arrays[0])] * 2)
            role = str(number) if len(self.sides[0].predictions) > 1 else ""
            rows.append(self._row(PREDICTION, 0, Place("", "", role), found, itself))
        return rows

    def loss(self) -> list[TrainingRow]:
        """Of the first step, without penalties, and these."""
        if not all(side.losses.size for side in self.sides):
            return []
        rows = [self._number(LOSS, lambda side: side.data_loss)]
        if any(side.penalty for side in self.sides):
            rows.append(self._number(PENALTY, lambda side: side.penalty))
        return rows

    def losses(self) -> list[TrainingRow]:
        """Of the course of the loss, as far as both have one, the step furthest above what rounding explains."""
        courses = [side.losses for side in self.sides]
        rows = []
        for step in range(1, min(map(len, courses))):
            unit = scale(courses[0])
            itself = self._itself(lambda side, at=step: side.losses[at], [unit] * 2)
            error = float(abs(courses[1][step] - courses[0][step])) / unit
            rows.append(self._row(LOSSES, step, Place("", "", ""), error, itself))
        return [max(rows, key=lambda row: row.excess)] if rows else []

    def gradients(self, penalties: tuple[dict[str, float], dict[str, float]]) -> list[TrainingRow]:
        """Of each weight, without penalties.

        Args:
            penalties: what times a weight is part of its gradient, by the names of each side's weights.
        """
        given = [_without(side, each) for side, each in zip(self.sides, penalties, strict=True)]
        units = _units(self._magnitudes(*given, True), self.precision)
        itself = [
            self._self_errors(side, lambda each, own=own: _without(each, own), at, True)
            for at, (side, own) in enumerate(zip(self.sides, penalties, strict=True))
        ]
        rows = []
        for place, ours, theirs in self.pairs.arrays(*given, are_gradients=True):
            errors = [each[place] / units[place] for each in itself if each and place in each]
            rows.append(self._row(GRADIENT, 0, place, _gap(ours, theirs) / units[place], errors))
        alone = self.pairs.one_sided(self.sides)
        return rows + [self._row(GRADIENT, 0, place, np.inf, []) for place, _ in alone]

    def weights(self, step: int) -> list[TrainingRow]:
        """Of each weight and running statistic after a recorded step."""
        before, after = ([side.weights(at) for side in self.sides] for at in (0, step))
        moved = _differences(after[0], before[0])
        units = _units(self._magnitudes(moved, _differences(after[1], before[1]), False), self.precision)
        itself = [
            self._self_errors(side, lambda each: each.weights(step), at, False) for at, side in enumerate(self.sides)
        ]
        rows = []
        for place, ours, theirs in self.pairs.arrays(*after):
            errors = [each[place] / units[place] for each in itself if each and place in each]
            quantity = STATISTIC if place.is_statistic else WEIGHT
            allowed = step * self._noise.get(place, 0.0) / units[place] + _digits(ours, self.precision) / units[place]
            rows.append(self._row(quantity, step, place, _gap(ours, theirs) / units[place], errors, allowed))
        return rows

    def _row(
        self, quantity: str, step: int, place: Place, error: float, itself: list[float], allowed: float = 0.0
    ) -> TrainingRow:
        """A row with its verdict.

        Args:
            itself: by how much each framework parts from itself once its weights are perturbed.
            allowed: what else is rounding.
        """
        error = error if np.isfinite(error) else np.inf
        scaled = [each * share for each, share in zip(itself, self._shares, strict=False) if np.isfinite(each)]
        own = max(scaled, default=0.0)
        tolerance = max(ALONE[self.precision], SELF_ERRORS * own, allowed)
        if not itself:
            tolerance *= max(1, UNMEASURED * step)
        if self.is_random or (step and any(not np.isfinite(each) or each > CHAOS for each in itself)):
            tolerance = np.inf
        verdict = SAME if error <= tolerance else ROUNDING if self.is_rounded and error <= GROWN else DIFFERENT
        return TrainingRow(quantity, step, *place, error, tolerance, own or None, verdict)

    def _number(self, quantity: str, value: Callable[[Trained], float]) -> TrainingRow:
        """A row of what is one number before the first step."""
        values = [value(side) for side in self.sides]
        unit = max(map(abs, values)) or 1.0
        itself = self._itself(lambda side: np.float64(value(side)), [unit] * 2)
        return self._row(quantity, 0, Place("", "", ""), abs(values[1] - values[0]) / unit, itself)

    def _itself(self, value: Callable[[Trained], np.ndarray], units: list[float]) -> list[float]:
        return [
            _gap(value(side), value(side.perturbed)) / unit
            for side, unit in zip(self.sides, units, strict=True)
            if side.perturbed
        ]

    def _self_errors(
        self, side: Trained, values: Callable[[Trained], dict[str, np.ndarray]], at: int, are_gradients: bool
    ) -> dict[Place, float]:
        """By how much arrays of one side change when its weights are perturbed, by place."""
        if side.perturbed is None:
            return {}
        changed = {name: np.abs(each) for name, each in _differences(values(side.perturbed), values(side)).items()}
        arrays = (changed, values(self.sides[1 - at]))[:: 1 if at == 0 else -1]
        return {found[0]: float(found[1 + at].max(initial=0.0)) for found in self.pairs.arrays(*arrays, are_gradients)}

    def _magnitudes(
        self, ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], are_gradients: bool
    ) -> dict[Place, float]:
        return {
            place: float(max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0)))
            for place, a, b in self.pairs.arrays(ours, theirs, are_gradients)
        }

    @functools.cached_property
    def _noise(self) -> dict[Place, float]:
        """What rounding of the gradients makes of one step of the reference, by place."""
        side, rule = self.sides[0], self.rule
        if rule is None or not side.gradients:
            return {}
        largest = max(float(np.abs(each).max(initial=0.0)) for each in side.gradients.values())
        off = GRADIENT_DIGITS * float(np.finfo(self.precision).eps) * largest
        weights = {name: each for name, each in side.weights().items() if name in side.gradients}
        steps = [
            rule.after(weights, [{name: each + sign * off for name, each in side.gradients.items()}])[0]
            for sign in (0, 1, -1)
        ]
        changed = {name: np.maximum(*(np.abs(each[name] - steps[0][name]) for each in steps[1:])) for name in weights}
        return {
            place: float(array.max(initial=0.0))
            for place, array, _ in self.pairs.arrays(changed, self.sides[1].weights())
        }

    def _share(self, side: Trained) -> float:
        """What the last digits are of the change of the perturbed weights."""
        changed_by = side.side.recording.perturbation
        return LAST_DIGITS * float(np.finfo(self.precision).eps) / changed_by if changed_by else 1.0


def _without(side: Trained, penalty: dict[str, float]) -> dict[str, np.ndarray]:
    """Gradients of the loss without penalties."""
    weights = side.weights()
    return {name: each - penalty.get(name, 0.0) * weights[name] for name, each in side.gradients.items()}


def _differences(after: dict[str, np.ndarray], before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: after[name] - before[name] for name in after if name in before}


def _units(magnitudes: dict[Place, float], precision: str) -> dict[Place, float]:
    """What errors are divided by; statistics are of another kind than weights."""
    largest = {
        kind: max((each for place, each in magnitudes.items() if place.is_statistic == kind), default=0.0)
        for kind in (False, True)
    }
    return {
        place: (max(each, LEAST[precision] * largest[place.is_statistic]) or 1.0) for place, each in magnitudes.items()
    }


def _digits(array: np.ndarray, precision: str) -> float:
    """Rounding of the weights themselves, of which a step may change little."""
    return LAST_DIGITS * float(np.finfo(precision).eps) * float(np.abs(array).max(initial=0.0))


def _gap(ours: np.ndarray, theirs: np.ndarray) -> float:
    if not np.size(ours):
        return 0.0
    return float(np.abs(ours - theirs).max())
