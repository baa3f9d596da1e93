"""Which of the differences between two rules it takes to turn the numbers of one into those of the other."""

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from twintrain.recordings.comparing.causes import Cause
from twintrain.recordings.comparing.mistakes.trial import written

# More differences than these are not told apart.
MOST_TOGETHER = 3
CLOSE = 1e-6  # further apart than rounding in float32 puts them


@dataclass(frozen=True)
class Finding:
    """A difference in words.

    Attributes:
        mistake: a short name of it.
        saying: as a clause: "Keras has epsilon 1e-07, PyTorch 1e-08".
        remedy: when they agree: "with the same epsilon".
    """

    mistake: str
    saying: str
    remedy: str


def needed(names: Sequence[str], left: Callable[[Collection[str]], float], bound: float) -> list[str] | None:
    """The fewest differences that leave no more than a bound, those that help most first; None where all do not.

    Args:
        names: of all differences.
        left: the error that is left once those of some names are made good.
    """
    for count in range(1, MOST_TOGETHER + 1):
        tried = [(left(some), some) for some in itertools.combinations(names, count)]
        error, best = min(tried, default=(float("inf"), ()))
        if error <= bound:
            return _ordered(best, left)
    return _ordered(names, left) if names and left(names) <= bound else None


def _ordered(names: Collection[str], left: Callable[[Collection[str]], float]) -> list[str]:
    found: list[str] = []
    while len(found) < len(names):
        found.append(min((name for name in names if name not in found), key=lambda name: left([*found, name])))
    return found


def option_finding(titles: tuple[str, str], word: str, ours: Any, theirs: Any, mistake: str = "") -> Finding:
    """Of an option that both have otherwise, or one alone has."""
    if theirs is None:
        saying = f"{titles[0]} has {_named(word, ours)}, {titles[1]} none"
    elif ours is None:
        saying = f"{titles[1]} has {_named(word, theirs)}, {titles[0]} none"
    else:
        saying = f"{titles[1]} has {word} {_value(theirs)}, {titles[0]} {_value(ours)}"
    return Finding(mistake or word, saying, f"with the same {word}")


def cause_of(what: str, findings: Sequence[Finding], before: float, left: float, unit: str = "") -> Cause:
    """Findings as one cause.

    Args:
        what: parts: "loss", "optimizer", or a layer.
        before: error without them.
        left: what is left of it.
        unit: in what the errors are counted, where that is not plain.
    """
    sayings = ", and ".join(each.saying for each in findings)
    remedies = " and ".join(dict.fromkeys(each.remedy for each in findings))
    sentence = f"{what}: {sayings}; they part by {before:.1e}{unit}, {remedies} they agree to {left:.0e}"
    mistake = " and ".join(dict.fromkeys(each.mistake for each in findings))
    return Cause(sentence, sayings, mistake, what, what, before, left)


def is_same(a: Any, b: Any) -> bool:
    """Whether two values of an option are the same but for rounding in float32."""
    if isinstance(a, bool) or isinstance(b, bool):
        return bool(a) == bool(b)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= CLOSE * max(abs(a), abs(b))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(is_same, a, b))
    return a == b


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first of some names."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _named(word: str, value: Any) -> str:
    return word if value is True else f"{word} {_value(value)}"


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else written(value)
