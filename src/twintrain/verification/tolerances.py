"""How much two frameworks may differ: bounds of what rounding does, in each precision."""

from twintrain.settings.sections.precision import HALF, epsilon
from twintrain.verification.records import (
    GRADIENTS,
    LOGITS,
    LOSS,
    OUTPUTS,
    PREDICTIONS,
    STATISTICS,
    STEPS,
    TRAINING_LOSS,
    TRAINING_METRIC,
    weights_after,
)

TRAINED = tuple(weights_after(steps) for steps in STEPS)
# What float64 allows where rounding does not grow: some hundred times what it leaves behind, far below any mistake.
FLOAT64 = {
    **dict.fromkeys((OUTPUTS, LOGITS, LOSS, STATISTICS), 1e-12),
    **dict.fromkeys((GRADIENTS, *TRAINED, TRAINING_LOSS, TRAINING_METRIC, PREDICTIONS), 1e-10),
}
# By how much of itself a weight is changed to see what rounding does, in units of the precision; 1e-15 in float64.
PERTURBATION_ULPS = 4.5
# The same in half precision: by as much as rounding a weight to it may change it.
HALF_PERTURBATION_ULPS = 0.5
# Rounding differs from a small change of the weights; this many times what such a change does to a framework alone.
SELF_ERRORS = 10
# The same in half precision, where the change is as large as what rounding itself does.
HALF_SELF_ERRORS = 4
# Rounding errors of a network whose weights' changes happen to cancel, in units of the precision.
LEAST_ULPS = 32
# The same in half precision, whose products are added up in more digits and rounded once.
LEAST_HALF_ULPS = 2


def least_tolerance(name: str, dtype: str) -> float:
    """What is allowed where rounding does not grow."""
    if dtype == "float64" and name in FLOAT64:
        return FLOAT64[name]
    return (LEAST_HALF_ULPS if dtype in HALF else LEAST_ULPS) * epsilon(dtype)


def self_errors(dtype: str) -> float:
    """How many times what a change of the weights does to a framework alone two of them may differ by."""
    return HALF_SELF_ERRORS if dtype in HALF else SELF_ERRORS


def changed_by(dtype: str) -> float:
    """By what share of itself a weight is changed, to see what rounding does."""
    return (HALF_PERTURBATION_ULPS if dtype in HALF else PERTURBATION_ULPS) * epsilon(dtype)
