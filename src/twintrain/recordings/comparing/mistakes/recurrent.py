"""Mistakes with recurrent layers."""

import itertools
from collections.abc import Iterator

import numpy as np

from twintrain.recordings.comparing.mistakes.trial import Pair, Trial, with_options, with_weights
from twintrain.recordings.comparing.operations.recurrent import GATES

ACTIVATIONS = ("tanh", "relu", "sigmoid", "hard_sigmoid", "linear")


def gates_in_another_order(pair: Pair) -> Iterator[Trial]:
    """Arrays that were copied as they lie, although the frameworks order their gates otherwise."""
    op = pair.ours.op
    if op not in ("lstm", "gru"):
        return
    order = str(pair.ours.options.get("gates") or GATES[op])
    for other in map("".join, itertools.permutations(order)):
        if other != order:
            saying = f"{pair.their_title}'s gates lie in the order {other}, as {pair.our_title} would have them {order}"
            yield Trial("gates in another order", with_options(pair.ours, gates=other), saying, "in one order")


def second_bias(pair: Pair) -> Iterator[Trial]:
    """A bias that is left out or added twice, since PyTorch has two and Keras one."""
    for role in [role for role in pair.ours.weights if role.removeprefix("backward_").startswith("bias")]:
        both = role, role.replace("bias", "recurrent_bias")
        if both[1] in pair.ours.weights:
            layer = with_weights(pair.ours, {both[1]: None})
            yield Trial("second bias", layer, f"{pair.their_title} lacks the second bias", "with both")
            twice = with_weights(pair.ours, {both[1]: pair.ours.weights[both[0]]})
            yield Trial("second bias", twice, f"{pair.their_title} adds the first bias twice", "with both")


def forget_gate_at_one(pair: Pair) -> Iterator[Trial]:
    """The bias of the forget gate begins at one in Keras, and at what was drawn in PyTorch."""
    if pair.ours.op != "lstm" or "bias" not in pair.ours.weights:
        return
    bias, axes = pair.ours.weights["bias"]
    order = str(pair.ours.options.get("gates") or GATES["lstm"])
    units = bias.shape[-1] // len(order)
    place = slice(order.index("f") * units, (order.index("f") + 1) * units)
    for sign, does in ((1.0, "adds one to"), (-1.0, "lacks the one in")):
        changed = np.array(bias)
        changed[..., place] += sign
        layer = with_weights(pair.ours, {"bias": (changed, axes)})
        saying = f"{pair.their_title} {does} the bias of the forget gate"
        yield Trial("forget bias", layer, saying, "with the same bias")


def another_run(pair: Pair) -> Iterator[Trial]:
    """Where the reset gate stands, which steps are given, and from which end it runs."""
    if pair.ours.op not in GATES:
        return
    options, theirs = pair.ours.options, pair.their_title
    if pair.ours.op == "gru":
        after = not options.get("reset_after", True)
        saying = f"{theirs} applies the reset gate {'after' if after else 'before'} the product (reset_after)"
        yield Trial("reset_after", with_options(pair.ours, reset_after=after), saying, "with the same")
    every = not options.get("return_sequences", True)
    saying = f"{theirs} gives {'every step' if every else 'the last step alone'}"
    yield Trial("last step or all", with_options(pair.ours, return_sequences=every), saying, "with the same steps")
    backwards = with_options(pair.ours, go_backwards=not options.get("go_backwards", False))
    yield Trial("direction", backwards, f"{theirs} runs from the other end", "in the same direction")


def another_activation(pair: Pair) -> Iterator[Trial]:
    """Other functions of gates or states."""
    if pair.ours.op not in GATES:
        return
    for role, word in (("activation", "states"), ("recurrent_activation", "gates")):
        for name in ACTIVATIONS:
            layer = with_options(pair.ours, **{role: name})
            yield Trial(role, layer, f"{pair.their_title} has {name} for its {word}", "with the same function")


MISTAKES = (gates_in_another_order, second_bias, forget_gate_at_one, another_run, another_activation)
