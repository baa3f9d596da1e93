"""Options in which the recordings themselves differ, each taken from the other side."""

from collections.abc import Iterator
from dataclasses import replace

from twintrain.recordings.comparing.mistakes.trial import Pair, Trial, with_options, written
from twintrain.recordings.comparing.option_differences import LAYOUT, QUIET
from twintrain.recordings.comparing.rows import options_of

# How sentences call an option whose name says little.
WORDS = {
    "padding": "padding",
    "approximate": "GELU by tanh",
    "count_include_pad": "averages that count the padding",
    "ceil_mode": "ceil mode",
    "negative_slope": "a negative slope of",
    "return_sequences": "an output for every time step",
    "reset_after": "reset after the product (reset_after)",
    "training": "training mode",
    "go_backwards": "a run from the last step to the first",
}


def one_option(pair: Pair) -> Iterator[Trial]:
    """Each option that differs, by itself."""
    for name, (ours, theirs) in _differing(pair).items():
        word = WORDS.get(name, name.replace("_", " "))
        saying = f"{pair.their_title} has {word} {written(theirs)}, {pair.our_title} {written(ours)}"
        yield Trial(
            name,
            with_options(pair.ours, **{name: theirs}),
            saying,
            f"with the same {word.removesuffix(' of').removeprefix('a ')}",
        )


def another_operation(pair: Pair) -> Iterator[Trial]:
    """The other's operation with its options, in the reference's layout."""
    if pair.ours.op == pair.theirs.op:
        return
    options = {name: value for name, value in pair.theirs.options.items() if name not in LAYOUT}
    layout = {name: value for name, value in pair.ours.options.items() if name in LAYOUT}
    layer = replace(pair.ours, op=pair.theirs.op, options={**pair.theirs.options, **options, **layout})
    saying = f"{pair.their_title} has {pair.theirs.op}, {pair.our_title} {pair.ours.op}"
    yield Trial("another operation", layer, saying, "with the same operation")


def all_options(pair: Pair) -> Iterator[Trial]:
    """All options that differ, together."""
    found = _differing(pair)
    if len(found) > 1:
        taken = {name: theirs for name, (_, theirs) in found.items()}
        words = ", ".join(
            f"{WORDS.get(name, name)} {written(theirs)} (not {written(ours)})" for name, (ours, theirs) in found.items()
        )
        layer = with_options(pair.ours, **taken)
        yield Trial(" and ".join(found), layer, f"{pair.their_title} has {words}", "with the same options")


def _differing(pair: Pair) -> dict[str, tuple[object, object]]:
    return {name: each for name, each in options_of(pair.ours, pair.theirs).items() if name not in {"op", *QUIET}}


MISTAKES = (one_option, another_operation, all_options)
