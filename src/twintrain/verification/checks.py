"""Two records side by side: one check a quantity, each with its error, its tolerance and where the two part first."""

from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from twintrain.settings.sections.optimizers import BY_SIGN
from twintrain.settings.sections.precision import HALF
from twintrain.verification.records import (
    FROZEN,
    GRADIENTS,
    INITIAL,
    LOGGED,
    LOGITS,
    LOSS,
    PREDICTIONS,
    RELOADED,
    RELOADED_WEIGHTS,
    SAVED,
    SHAPES,
    STATISTICS,
    TRACE,
    TRAINING_LOSS,
    TRAINING_METRIC,
    UNTRAINED,
    Arrays,
    Record,
)
from twintrain.verification.tolerances import FLOAT64, SELF_ERRORS, TRAINED, changed_by, least_tolerance, self_errors

COMPARED = (LOGITS, LOSS, GRADIENTS, STATISTICS, *TRAINED, TRAINING_LOSS, TRAINING_METRIC, PREDICTIONS)
AFTER_STEPS = (*TRAINED, TRAINING_LOSS, TRAINING_METRIC, PREDICTIONS)
# What these were before any step: a check that allows as much as training has changed tells nothing.
BEFORE = {**dict.fromkeys(TRAINED, INITIAL), PREDICTIONS: UNTRAINED}
# Of the arrays that training moves, the share that parts in one step where it is the step's fault.
ALL_AT_ONCE = 0.8


@dataclass(frozen=True)
class Check:
    """One line of a verification.

    Attributes:
        framework: what was compared with the reference, or with itself after a reload.
        error: largest absolute difference, divided by the largest value where that is above 1.
        self_error: the same between a framework and itself with weights changed in the last digits, the larger of
            the two; None where it does not apply.
        where: first layer or array whose error is above the tolerance; where the error is largest if there is none.
        untrained: by how much a network without these steps would differ; None where it does not apply.
        is_rounded: whether more is allowed than the precision leaves, since a layer keeps its constants in float32.
    """

    name: str
    framework: str
    dtype: str
    error: float
    tolerance: float
    where: str
    self_error: float | None = None
    untrained: float | None = None
    is_rounded: bool = False

    @property
    def failed(self) -> bool:
        return not (np.isfinite(self.error) and self.error <= self.tolerance)

    @property
    def is_telling(self) -> bool:
        """Whether it could fail: it allows less than a network differs by that was not trained at all."""
        return self.untrained is None or self.tolerance < self.untrained

    @property
    def passed(self) -> bool:
        return self.is_telling and not self.failed

    @property
    def is_chaotic(self) -> bool:
        """Whether the framework parts from itself by so much that the check had to allow more than its own bound."""
        return self.dtype == "float64" and not self.is_rounded and self.tolerance > FLOAT64.get(self.name, np.inf)

    def to_json(self) -> dict[str, Any]:
        """The check in plain numbers; what is none, such as an error of nan, is null."""
        error, untrained = (_number(value) for value in (self.error, self.untrained))
        ratio = error / self.self_error if self.self_error and error is not None else None
        found = {"passed": self.passed, "failed": self.failed, "ratio": ratio, "chaotic": self.is_chaotic}
        return {**asdict(self), "error": error, "untrained": untrained, **found}

    def allowing(self, rounding: float) -> "Check":
        """The check of networks that differ by so much in constants: it allows what that may grow to.

        Args:
            rounding: relative error of what a layer gives, above what the precision leaves.
        """
        if self.self_error is None:
            return self
        change = changed_by(self.dtype)
        tolerance = SELF_ERRORS * max(self.self_error, change) * rounding / change
        return replace(self, tolerance=tolerance, is_rounded=True) if tolerance > self.tolerance else self


class Twin(NamedTuple):
    """What a framework computes, and what it computes with weights changed in the last digits."""

    record: Record
    perturbed: Record

    def self_error(self, name: str) -> float:
        """By how much the framework differs from itself; 0 if nothing is recorded, or if that is no number."""
        if name not in self.record.arrays:
            return 0.0
        return _finite(max(_errors(self.record.arrays[name], self.perturbed.arrays[name]).values()))

    def self_error_of_steps(self, name: str) -> float:
        """The same of what steps have changed weights by, but for the change of those that they began with."""
        began, ours = self.perturbed.arrays[INITIAL], self.record.arrays[INITIAL]
        moved = {array: after - began[array] + ours[array] for array, after in self.perturbed.arrays[name].items()}
        return _finite(max(_errors(self.record.arrays[name], moved).values()))


def _finite(error: float) -> float:
    """An error that a tolerance may be made of: what is no number would allow anything."""
    return error if np.isfinite(error) else 0.0


def compare_twins(reference: Twin, other: Twin, framework: str, dtype: str) -> list[Check]:
    """Compares a framework with the reference, but for its layers."""
    checks = [_check_shapes(reference.record, other.record, framework, dtype)]
    if not checks[0].passed:
        return checks
    reference, other = _with_certain_metrics(reference, other, dtype)
    for name in COMPARED:
        having = [twin for twin in (reference, other) if name in twin.record.arrays]
        if len(having) == 2:
            checks.append(_check(name, framework, dtype, reference, other))
        elif having:
            checks.append(Check(name, framework, dtype, np.inf, 0.0, "recorded of one framework alone"))
    return checks


def _with_certain_metrics(reference: Twin, other: Twin, dtype: str) -> tuple[Twin, Twin]:
    """Both with the training metric of those steps in which rounding cannot change it, if there are any.

    A row that is nearly tied may be right in one alone. Certain are steps in float64 whose loss does not change with
    the last digits of the weights.
    """
    twins = (reference, other)
    if not all({TRAINING_LOSS, TRAINING_METRIC} <= record.arrays.keys() for twin in twins for record in twin):
        return twins
    losses = [[next(iter(record.arrays[TRAINING_LOSS].values())) for record in twin] for twin in twins]
    is_certain = [np.abs(own - perturbed) <= FLOAT64[TRAINING_METRIC] for own, perturbed in losses]
    is_kept = np.logical_and.reduce(is_certain) & (dtype == "float64")

    def cut(record: Record) -> Record:
        kept = {name: found[is_kept] for name, found in record.arrays[TRAINING_METRIC].items()}
        rest = {what: found for what, found in record.arrays.items() if what != TRAINING_METRIC}
        return replace(record, arrays={**rest, **({TRAINING_METRIC: kept} if is_kept.any() else {})})

    return Twin(*map(cut, reference)), Twin(*map(cut, other))


def certain_checks(checks: list[Check], rule: str) -> list[Check]:
    """Those that rounding cannot decide: with a rule of BY_SIGN, in float64 alone what comes after its steps.

    The gradients are compared in both precisions, and in float64 all that steps make of them.
    """
    return [
        check for check in checks if not (rule in BY_SIGN and check.dtype != "float64" and check.name in AFTER_STEPS)
    ]


def check_frozen(record: Record, framework: str, dtype: str) -> list[Check]:
    """Compares frozen weights after training with what they started with: not a bit may differ."""
    if FROZEN not in record.arrays:
        return []
    trained = {name: record.arrays[TRAINED[-1]][name] for name in record.arrays[FROZEN]}
    return [_judged(FROZEN, framework, dtype, _errors(record.arrays[FROZEN], trained), 0.0)]


def check_reload(record: Record, framework: str, dtype: str, self_error: float = 0.0) -> list[Check]:
    """Compares a trained network with itself after a save and load.

    In half precision a saved network may round at other places, since what is compiled of it is fused in another way.

    Args:
        self_error: by how much the framework's predictions differ from themselves, which they may in half precision.
    """
    rounding = max(least_tolerance(RELOADED, dtype), self_error if dtype in HALF else 0.0)
    wanted = {RELOADED_WEIGHTS: (TRAINED[-1], 0.0), RELOADED: (SAVED, rounding), LOGGED: (SAVED, rounding)}
    return [
        _judged(name, framework, dtype, _errors(record.arrays[source], record.arrays[name]), tolerance)
        for name, (source, tolerance) in wanted.items()
        if name in record.arrays
    ]


def _check_shapes(reference: Record, other: Record, framework: str, dtype: str) -> Check:
    """Names and shapes of all arrays; the error is the number of those that differ."""
    names = [*reference.shapes, *(name for name in other.shapes if name not in reference.shapes)]
    differing = [name for name in names if reference.shapes.get(name) != other.shapes.get(name)]
    where = differing[0] if differing else ""
    if where:
        where += f": {_shape(reference, where)} in the reference, {_shape(other, where)} in {framework}"
    elif not (reference.arrays and other.arrays):
        # A worker records nothing else of a network whose arrays are not those of the layer list.
        return Check(SHAPES, framework, dtype, np.inf, 0.0, "not those of the layer list in either")
    return Check(SHAPES, framework, dtype, float(len(differing)), 0.0, where)


def _shape(record: Record, name: str) -> str:
    return str(record.shapes[name]) if name in record.shapes else "absent"


def _check(name: str, framework: str, dtype: str, reference: Twin, other: Twin) -> Check:
    first, second = reference.record.arrays[name], other.record.arrays[name]
    # The change of the weights is larger than what steps of half precision part by.
    own = Twin.self_error_of_steps if dtype in HALF and name in TRAINED else Twin.self_error
    # Of two ways to add up the same numbers, one may round far more than the other.
    self_error = max(own(twin, name) for twin in (reference, other))
    tolerance = max(least_tolerance(name, dtype), self_errors(dtype) * self_error)
    found = _judged(name, framework, dtype, _errors(first, second), tolerance, self_error)
    before = reference.record.arrays.get(BEFORE.get(name, ""))
    if before is not None:
        found = replace(found, untrained=max(_errors(first, before).values()))
    if found.failed and name in TRAINED:
        found = replace(found, where=_where_parted(reference, other, dtype) or found.where)
    return found


def _where_parted(reference: Twin, other: Twin, dtype: str) -> str:
    """The first step that makes more than rounding of the difference, and in how many arrays; empty: in one or none.

    An error in one array comes from that array's gradient; one in all of them at once, from what makes steps of
    gradients.
    """
    traces = [twin.record.arrays.get(TRACE) for twin in (reference, other)]
    if not all(traces):
        return ""
    least = least_tolerance(TRAINED[0], dtype)
    first, second = traces
    own = reference.perturbed.arrays.get(TRACE, first)
    moved = [name for name in first if np.ptp(first[name]) > least]  # the rest is rounding, as of a needless bias
    times = self_errors(dtype)
    steps = {
        name: _first_above(first[name], second.get(name), own.get(name, first[name]), least, times) for name in moved
    }
    parted = [step for step in steps.values() if step]
    if not parted:
        return ""
    step = min(parted)
    count = parted.count(step)
    if count < 2 or count < ALL_AT_ONCE * len(moved):
        return ""
    return f"step {step} parts {count} of {len(moved)} arrays at once: not a layer, but what makes steps of gradients"


def _first_above(first: np.ndarray, second: np.ndarray | None, own: np.ndarray, least: float, times: float) -> int:
    """The first step (from 1) where two traces differ by more than so many times a framework's own; 0: none."""
    if second is None or first.shape != second.shape:
        return 0
    scale = np.maximum(1.0, np.abs(first))
    above = np.abs(first - second) / scale > np.maximum(least, times * np.abs(first - own) / scale)
    return int(above.argmax()) if above.any() else 0


def _judged(
    name: str, framework: str, dtype: str, errors: dict[str, float], tolerance: float, self_error: float | None = None
) -> Check:
    above = [place for place, error in errors.items() if not error <= tolerance]
    # A wrong gradient spoils those of all layers before it: the cause is the one nearest to the loss.
    first = -1 if name == GRADIENTS else 0
    where = above[first] if above else max(errors, key=lambda place: errors[place])
    error = max(errors.values(), key=lambda value: np.inf if np.isnan(value) else value)
    return Check(name, framework, dtype, error, tolerance, where, self_error)


def _errors(first: Arrays, second: Arrays) -> dict[str, float]:
    # What only one of them has, such as the gradient of an array that the other does not train, is no small difference.
    names = [*first, *(name for name in second if name not in first)]
    return {name: _error(first[name], second[name]) if name in first and name in second else np.inf for name in names}


def _error(first: np.ndarray, second: np.ndarray) -> float:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        return float("inf")
    if not first.size:
        return 0.0
    with np.errstate(invalid="ignore"):  # inf − inf is nan, which never passes
        return float(np.abs(first - second).max() / max(1.0, np.abs(first).max()))


def _number(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
