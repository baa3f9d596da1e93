"""Mistakes with attention of several heads."""

import math
from collections.abc import Iterator

from twintrain.recordings.comparing.mistakes.trial import Pair, Trial, with_options, written
from twintrain.recordings.comparing.weights import compare_weights


def another_scale(pair: Pair) -> Iterator[Trial]:
    """Products that are not divided by the root of a head's size, but by something else or nothing."""
    if pair.ours.op != "attention":
        return
    size = int(pair.ours.options["head_size"])
    right = 1 / math.sqrt(size)
    for scale in (1.0, 1 / size, 1 / math.sqrt(size * int(pair.ours.options["heads"]))):
        saying = f"{pair.their_title} scales scores by {written(scale)}, {pair.our_title} by {written(right)}"
        yield Trial("attention scale", with_options(pair.ours, scale=scale), saying, "scaled alike")


def heads_in_another_order(pair: Pair) -> Iterator[Trial]:
    """Features that are cut into sizes of heads, not heads of a size."""
    if pair.ours.op == "attention":
        saying = f"{pair.their_title} takes features as (size, heads), {pair.our_title} as (heads, size)"
        yield Trial("head order", with_options(pair.ours, interleaved=True), saying, "in one order")


def arrays_of_heads_in_another_order(pair: Pair) -> Iterator[Trial]:
    """The same, where the arrays were brought over so."""
    if pair.ours.op == "attention":
        sides = (pair.ours.options, pair.ours.weights), (pair.theirs.options, pair.theirs.weights)
        if any(row.verdict == "permuted" for row in compare_weights(("", ""), "attention", *sides)):
            yield from heads_in_another_order(pair)


def another_mask(pair: Pair) -> Iterator[Trial]:
    """Later times seen, or not."""
    if pair.ours.op == "attention":
        causal = not pair.ours.options.get("causal", False)
        saying = (
            f"{pair.their_title} {'masks later times' if causal else 'sees later times'}, {pair.our_title} does not"
        )
        yield Trial("mask", with_options(pair.ours, causal=causal), saying, "masked alike")


RECORDED = (arrays_of_heads_in_another_order,)
MISTAKES = (another_scale, heads_in_another_order, another_mask)
