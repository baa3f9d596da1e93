"""The precisions that a training may have, and what of it has which.

In half precision the layers that multiply compute with numbers of 16 bits (`models/precision.py` says which); weights,
rows, logits and whatever is kept of a training stay in float32.
"""

from typing import Literal

Precision = Literal["float32", "float64", "bfloat16", "float16"]
HALF = ("bfloat16", "float16")
# Its gradients would leave float16's range; bfloat16 has that of float32.
SCALED = "float16"
# Stored ones, the leading one left out.
SIGNIFICAND_BITS = {"float64": 52, "float32": 23, "bfloat16": 7, "float16": 10}


def array_dtype(precision: str) -> str:
    """The dtype of weights, rows and outputs."""
    return "float32" if precision in HALF else precision


def epsilon(precision: str) -> float:
    """The distance from 1 to the next larger number."""
    return 2.0 ** -SIGNIFICAND_BITS[precision]
