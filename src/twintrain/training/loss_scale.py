"""Dynamic scaling of the loss in float16, whose numbers end at 6e-8: the rule, which both frameworks compute.

The gradients of a loss that is so many times as large leave fewer of their numbers below that (Micikevicius et al.
2018, section 3.2). They are divided by the scale in float32, a power of two, so that no bit is lost. Where one of them
is not finite, the scale was too large: the step is skipped and the scale halved; after GROWTH_STEPS steps without, it
is doubled. A skipped step leaves weights, update rule, averages and running statistics as they were. Learning rates and
dropout masks, which go by the number of the batch, go on.
"""

from typing import Any

import numpy as np

FIRST = 2.0**15
SMALLEST, LARGEST = 1.0, 2.0**24
GROWTH_STEPS = 2000
# Its name in the state of a backend.
SCALE = "loss_scale/scale"


def next_scale(scale: float, good: int, is_finite: bool) -> tuple[float, int]:
    """The scale after a step, and for how many steps in a row it was good.

    Args:
        good: the same before the step.
        is_finite: whether all gradients of the step were.
    """
    if not is_finite:
        return max(scale / 2, SMALLEST), 0
    if good + 1 == GROWTH_STEPS:
        return min(scale * 2, LARGEST), 0
    return scale, good + 1


def finite_gradients(backend: Any, features: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    """Loss and gradients of one batch in training, at the first scale at which float16 holds them.

    The backend then has that scale; its running statistics are updated once.
    """
    weights, state = backend.weights(), backend.state()
    while True:
        loss, gradients = backend.gradients(features, labels)
        scale = state.get(SCALE)
        if scale is None or scale <= SMALLEST or all(np.isfinite(array).all() for array in gradients.values()):
            return loss, gradients
        state[SCALE] = scale / 2
        backend.load_weights(weights)
        backend.load_state(state)
