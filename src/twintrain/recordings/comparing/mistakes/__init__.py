"""Known mistakes of ports, each a small change of a layer that is tried on the recorded input."""

from collections.abc import Callable, Iterator

from twintrain.recordings.comparing.mistakes import attention, guesses, kernels, options, outputs, recurrent, relations
from twintrain.recordings.comparing.mistakes.trial import Pair, Trial

Mistake = Callable[[Pair], Iterator[Trial]]

# What the recordings themselves say: options and weights that differ. Weights that are simply other ones come last,
# since they would explain whatever was done to them.
RECORDED: tuple[Mistake, ...] = (
    *options.MISTAKES,
    *kernels.MISTAKES,
    *recurrent.MISTAKES,
    *attention.RECORDED,
    kernels.other_weights,
)
# What they may leave unsaid.
GUESSED: tuple[Mistake, ...] = (
    *kernels.UNSAID,
    *guesses.MISTAKES,
    *attention.MISTAKES,
    *relations.MISTAKES,
    *outputs.MISTAKES,
)
