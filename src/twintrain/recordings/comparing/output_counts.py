"""Models that give other numbers of outputs: which of them belong together is not known."""

import numpy as np

from twintrain.recordings.comparing.causes import Cause

MISTAKE = "number of outputs"


def counts_cause(titles: tuple[str, str], counts: tuple[int, int], when: str = "") -> Cause | None:
    """Why outputs are not compared; None where they are as many.

    Args:
        titles: how the sentence calls the two sides.
        counts: how many arrays each gives.
        when: the end of the sentence's first part, as " in training mode".
    """
    if counts[0] == counts[1]:
        return None
    given = f"{titles[0]} gives {counts[0]} output{'s' * (counts[0] != 1)}, {titles[1]} {counts[1]}{when}"
    sentence = f"{given}; expected as many: record both with the same outputs, in one order"
    return Cause(sentence, given, MISTAKE, "output", "output", np.inf, np.nan)
