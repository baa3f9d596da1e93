"""Attention of several heads (Vaswani et al. 2017, section 3.2.2)."""

import math
from typing import Any

import numpy as np
from scipy.special import softmax

from twintrain.recordings.comparing.attention_weights import of_attention

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]


# So little that it counts for nothing beside any score, and a query that sees no key is not NaN.
UNSEEN = -1e30


def attention(options: Options, weights: Arrays, query: np.ndarray, *others: np.ndarray) -> np.ndarray | None:
    """softmax(Q Kᵀ / √size) V by heads, joined and projected: (rows, times, output), of (rows, times, features).

    Args:
        options: beside what recordings have, `scale` by which products are multiplied, `causal` if no time sees a later
            one, `seen` which keys are, (rows, heads, queries, keys), and `interleaved` if heads lie within sizes.
        others: key and value; masks among the inputs are not known.
    """
    key, value = others if len(others) == 2 else (None, None)
    if key is None or value is None or any(each.ndim != 3 for each in (query, key, value)):
        return None
    arrays = of_attention(weights)
    given = [each.swapaxes(0, 1) if options.get("time_major") else each for each in (query, key, value)]
    q, k, v = (
        _by_head(_projected(arrays, part, rows), options)
        for part, rows in zip(("query", "key", "value"), given, strict=True)
    )
    scores = np.einsum("bqhs,bkhs->bhqk", q, k) * _scale(options, q.shape[-1])
    if options.get("causal"):
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    if (seen := options.get("seen")) is not None:
        scores = np.where(seen, scores, UNSEEN)
    mixed = np.einsum("bhqk,bkhs->bqhs", softmax(scores, axis=-1), v)
    joined = mixed.swapaxes(2, 3) if options.get("interleaved") else mixed
    output = _projected(arrays, "output", joined.reshape(*joined.shape[:2], -1))
    return output.swapaxes(0, 1) if options.get("time_major") else output


def _projected(arrays: Arrays, part: str, rows: np.ndarray) -> np.ndarray:
    """A product with the kernel of a part, and its bias if there is one."""
    return rows @ arrays[f"{part}_kernel"] + arrays.get(f"{part}_bias", 0.0)


def _by_head(rows: np.ndarray, options: Options) -> np.ndarray:
    """Rows as (rows, times, heads, size)."""
    heads = int(options["heads"])
    if options.get("interleaved"):
        return rows.reshape(*rows.shape[:2], -1, heads).swapaxes(2, 3)
    return rows.reshape(*rows.shape[:2], heads, -1)


def _scale(options: Options, size: int) -> float:
    scale = options.get("scale") or 1 / math.sqrt(size)
    # Keras keeps it in float32.
    return float(np.float32(scale)) if options.get("constants") == "float32" else scale


OPERATIONS = {"attention": attention}
