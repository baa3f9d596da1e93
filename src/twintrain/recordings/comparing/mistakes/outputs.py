"""What else may be done to the output of a layer."""

from collections.abc import Iterator

from twintrain.recordings.comparing.comparison import turned
from twintrain.recordings.comparing.mistakes.relations import relations
from twintrain.recordings.comparing.mistakes.trial import Pair, Trial


def changed_output(pair: Pair) -> Iterator[Trial]:
    """The output scaled, reordered, activated once more or dropped out."""
    ours, theirs = pair.ours.computed(), pair.theirs.output
    if ours is None or theirs is None or (found := turned(ours, theirs)) is None:
        return
    for mistake, saying, remedy, change in relations(ours, found.array):
        yield Trial(mistake, pair.ours, f"{pair.their_title} {saying}", remedy, change)


MISTAKES = (changed_output,)
