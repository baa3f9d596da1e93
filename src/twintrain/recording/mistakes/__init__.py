"""Known mistakes of ports, each a small change of a layer that is tried on the recorded input."""

from collections.abc import Callable, Iterator

from twintrain.recording.mistakes import guesses, kernels, options, outputs, recurrent, relations
from twintrain.recording.mistakes.trial import Pair, Trial

Mistake = Callable[[Pair], Iterator[Trial]]

# In the order in which they are believed: what the recordings say themselves, known mistakes with weights, guesses
# about what the recordings do not say, and last of all that weights are other ones, which would explain any mistake.
MISTAKES: tuple[Mistake, ...] = (
    *options.MISTAKES,
    *kernels.MISTAKES,
    *recurrent.MISTAKES,
    *guesses.MISTAKES,
    *relations.MISTAKES,
    *outputs.MISTAKES,
    kernels.other_weights,
)
