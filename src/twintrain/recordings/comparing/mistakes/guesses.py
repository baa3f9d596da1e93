"""What a layer may do otherwise although its recording does not say so."""

from collections.abc import Iterator
from dataclasses import replace

from twintrain.recordings.comparing.mistakes.trial import Pair, Trial, with_options, written
from twintrain.recordings.comparing.operations.activations import OPERATIONS as ACTIVATIONS

EPSILONS = (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12)
SLOPES = (0.01, 0.1, 0.2, 0.3)
NORMS = ("batch_norm", "layer_norm", "rms_norm", "group_norm")
WINDOWED = ("conv", "depthwise_conv", "max_pool", "avg_pool")


def of_normalisation(pair: Pair) -> Iterator[Trial]:
    """Training for inference, the unbiased variance, another epsilon."""
    ours, theirs = pair.ours, pair.their_title
    if ours.op == "batch_norm":
        training = not ours.options.get("training", False)
        saying = f"{theirs} normalises by {'the batch (training)' if training else 'moving statistics (inference)'}"
        yield Trial("training", with_options(ours, training=training), saying, "in the same mode")
        unbiased = with_options(ours, training=True, unbiased=True)
        yield Trial("biased variance", unbiased, f"{theirs} divides by the unbiased variance", "with the biased one")
    if ours.op in NORMS:
        for epsilon in EPSILONS:
            saying = (
                f"{theirs} computes with epsilon {epsilon:g}, {pair.our_title} with {ours.options.get('epsilon'):g}"
            )
            yield Trial("epsilon", with_options(ours, epsilon=epsilon), saying, "with the same epsilon")


def of_activation(pair: Pair) -> Iterator[Trial]:
    """Another activation, or another slope of it."""
    ours, theirs = pair.ours, pair.their_title
    if ours.op not in ACTIVATIONS:
        return
    for approximate in (True, False) if ours.op == "gelu" else ():
        form = "tanh" if approximate else "the error function"
        yield Trial(
            "approximate", with_options(ours, approximate=approximate), f"{theirs}'s GELU is by {form}", "by the same"
        )
    for slope in SLOPES if ours.op == "leaky_relu" else ():
        saying = (
            f"{theirs} has a negative slope of {slope}, {pair.our_title} {written(ours.options.get('negative_slope'))}"
        )
        yield Trial("negative_slope", with_options(ours, negative_slope=slope), saying, "with the same slope")
    if ours.op in ("hard_sigmoid", "hard_swish"):
        saying = f"{theirs}'s hard sigmoid has the slope 0.2 of Keras 2, {pair.our_title}'s 1/6"
        yield Trial("slope", with_options(ours, slope=0.2), saying, "with the same slope")
    for op in ACTIVATIONS:
        if op not in (ours.op, "prelu"):
            layer = replace(
                ours, op=op, options={name: value for name, value in ours.options.items() if name == "axis"}
            )
            yield Trial(
                "another activation", layer, f"{theirs} computes {op}, {pair.our_title} {ours.op}", "with the same"
            )


def of_windows(pair: Pair) -> Iterator[Trial]:
    """Padding on the other side or another amount, and how pools treat what lies at the edge."""
    ours, theirs = pair.ours, pair.their_title
    if ours.op not in WINDOWED:
        return
    if ours.op in ("avg_pool", "max_pool"):
        ceil = not ours.options.get("ceil_mode", False)
        yield Trial(
            "ceil_mode", with_options(ours, ceil_mode=ceil), f"{theirs} has ceil mode {written(ceil)}", "with the same"
        )
    axes = ours.inputs[0].ndim - 2
    forms: list[object] = [
        "valid",
        "same",
        *([[before, after]] * axes for before, after in ((0, 1), (1, 0), (1, 1), (2, 2), (3, 3))),
    ]
    given = ours.options.get("padding")
    if isinstance(given, list):
        forms.insert(0, [list(reversed(pad)) for pad in given])
    for form in forms:
        if form != given:
            saying = f"{theirs} pads by {written(form)}, {pair.our_title} by {written(given)}"
            yield Trial("padding", with_options(ours, padding=form), saying, "with the same padding")
    if ours.op == "avg_pool":
        counts = not ours.options.get("count_include_pad", False)
        saying = f"{theirs}'s averages {'count' if counts else 'do not count'} the padding"
        yield Trial("count_include_pad", with_options(ours, count_include_pad=counts), saying, "counted alike")
    if ours.op in ("avg_pool", "max_pool"):
        other = "max_pool" if ours.op == "avg_pool" else "avg_pool"
        yield Trial(
            "another operation", replace(ours, op=other), f"{theirs} computes {other}", "with the same operation"
        )


def another_axis(pair: Pair) -> Iterator[Trial]:
    """Along another axis than the one that is right: batch and layer norm, softmax and joins."""
    if "axis" not in pair.ours.options or not pair.ours.inputs:
        return
    axes, given = pair.ours.inputs[0].ndim, pair.ours.options["axis"]
    if not isinstance(given, int):
        return
    for axis in range(1, axes):
        if axis != given % axes:
            saying = (
                f"{pair.their_title} works along axis {axis}, {pair.our_title} along {given % axes} (the rows are 0)"
            )
            yield Trial("axis", with_options(pair.ours, axis=axis), saying, "along the same axis")


MISTAKES = (of_normalisation, of_activation, of_windows, another_axis)
