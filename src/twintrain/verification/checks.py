"""Two records side by side: one check a quantity, each with its error, its tolerance and where the two part first."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from twintrain.verification.records import (
    FROZEN,
    GRADIENTS,
    LOGGED,
    LOGITS,
    LOSS,
    OUTPUTS,
    PREDICTIONS,
    RELOADED,
    RELOADED_WEIGHTS,
    SAVED,
    STATISTICS,
    STEPS,
    Arrays,
    Record,
    weights_after,
)

TRAINED = tuple(weights_after(steps) for steps in STEPS)
COMPARED = (OUTPUTS, LOGITS, LOSS, GRADIENTS, STATISTICS, *TRAINED, PREDICTIONS)
# What float64 allows where rounding does not grow: some hundred times what it leaves behind, far below any mistake.
FLOAT64 = {
    **dict.fromkeys((OUTPUTS, LOGITS, LOSS, STATISTICS), 1e-12),
    **dict.fromkeys((GRADIENTS, *TRAINED, PREDICTIONS), 1e-10),
}
# Rounding differs from a small change of the weights; this many times what such a change does to a framework alone.
SELF_ERRORS = 10
# Rounding errors of a network whose weights' changes happen to cancel, in units of the precision.
LEAST_ULPS = 32


@dataclass(frozen=True)
class Check:
    """One line of a verification.

    Attributes:
        framework: what was compared with the reference, or with itself after a reload.
        error: largest absolute difference, divided by the largest value where that is above 1.
        self_error: the same between a framework and itself with weights changed in the last digits, the larger of
            the two; None where it does not apply.
        where: first layer or array whose error is above the tolerance; where the error is largest if there is none.
    """

    name: str
    framework: str
    dtype: str
    error: float
    tolerance: float
    where: str
    self_error: float | None = None

    @property
    def passed(self) -> bool:
        return bool(np.isfinite(self.error)) and self.error <= self.tolerance

    @property
    def is_chaotic(self) -> bool:
        """Whether the framework parts from itself by so much that the check had to allow more than its own bound."""
        return self.dtype == "float64" and self.tolerance > FLOAT64.get(self.name, np.inf)

    def to_json(self) -> dict[str, Any]:
        """The check in plain numbers; an error that is none, such as nan, is null."""
        is_number = bool(np.isfinite(self.error))
        ratio = self.error / self.self_error if self.self_error and is_number else None
        found = {"passed": self.passed, "ratio": ratio, "chaotic": self.is_chaotic}
        return {**asdict(self), "error": self.error if is_number else None, **found}


class Twin(NamedTuple):
    """What a framework computes, and what it computes with weights changed in the last digits."""

    record: Record
    perturbed: Record

    def self_error(self, name: str) -> float:
        """By how much the framework differs from itself; 0 if that is no number, since it would allow anything."""
        found = max(_errors(self.record.arrays[name], self.perturbed.arrays[name]).values())
        return found if np.isfinite(found) else 0.0


def compare_twins(reference: Twin, other: Twin, framework: str, dtype: str) -> list[Check]:
    """Compares a framework with the reference."""
    checks = [_check_shapes(reference.record, other.record, framework, dtype)]
    if not checks[0].passed:
        return checks
    for name in COMPARED:
        having = [twin for twin in (reference, other) if name in twin.record.arrays]
        if len(having) == 2:
            # Of two ways to add up the same numbers, one may round far more than the other.
            self_error = max(twin.self_error(name) for twin in having)
            checks.append(_check(name, framework, dtype, *(twin.record.arrays[name] for twin in having), self_error))
        elif having:
            checks.append(Check(name, framework, dtype, np.inf, 0.0, "recorded of one framework alone"))
    return checks


def check_frozen(record: Record, framework: str, dtype: str) -> list[Check]:
    """Compares frozen weights after training with what they started with: not a bit may differ."""
    if FROZEN not in record.arrays:
        return []
    trained = {name: record.arrays[TRAINED[-1]][name] for name in record.arrays[FROZEN]}
    return [_judged(FROZEN, framework, dtype, _errors(record.arrays[FROZEN], trained), 0.0)]


def check_reload(record: Record, framework: str, dtype: str) -> list[Check]:
    """Compares a trained network with itself after a save and load."""
    wanted = {
        RELOADED_WEIGHTS: (TRAINED[-1], 0.0),
        RELOADED: (SAVED, LEAST_ULPS * _precision(dtype)),
        LOGGED: (SAVED, LEAST_ULPS * _precision(dtype)),
    }
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
        return Check("parameters and shapes", framework, dtype, np.inf, 0.0, "not those of the layer list in either")
    return Check("parameters and shapes", framework, dtype, float(len(differing)), 0.0, where)


def _shape(record: Record, name: str) -> str:
    return str(record.shapes[name]) if name in record.shapes else "absent"


def _check(name: str, framework: str, dtype: str, first: Arrays, second: Arrays, self_error: float) -> Check:
    least = FLOAT64[name] if dtype == "float64" else LEAST_ULPS * _precision(dtype)
    tolerance = max(least, SELF_ERRORS * self_error)
    return _judged(name, framework, dtype, _errors(first, second), tolerance, self_error)


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
    errors = {name: _error(first[name], second[name]) if name in first and name in second else np.inf for name in names}
    return {name: error for name, error in errors.items() if name not in first or first[name].size}


def _error(first: np.ndarray, second: np.ndarray) -> float:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        return float("inf")
    with np.errstate(invalid="ignore"):  # inf − inf is nan, which never passes
        return float(np.abs(first - second).max() / max(1.0, np.abs(first).max()))


def _precision(dtype: str) -> float:
    return float(np.finfo(dtype).eps)
