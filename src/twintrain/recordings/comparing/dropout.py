"""What each side drops out in training: rates are seen in no number of an inference, nor of a training without it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from twintrain.recordings.comparing.causes import Cause, named_pair
from twintrain.recordings.comparing.matching import Matching
from twintrain.recordings.comparing.option_differences import CLOSE
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.contents import Call

OP = "dropout"
Sides = tuple[Side, Side]


def rate_differences(sides: Sides, matching: Matching) -> list[tuple[str, str]]:
    """Layers, and in what rates they and their counterparts differ, in words."""
    found: dict[str, str] = {}
    for ours, theirs in matching.pairs:
        calls = sides[0].calls[ours], sides[1].calls[theirs]
        rates = [_rate(call) for call in calls]
        if calls[0].op == calls[1].op and _is_known(calls[0], rates) and abs(rates[1] - rates[0]) > CLOSE:
            words = f"{sides[1].title} drops {rates[1]:g}, {sides[0].title} {rates[0]:g}"
            found.setdefault(named_pair(calls[0].name, calls[1].name), words)
    return list(found.items())


def dropout_causes(sides: Sides, matching: Matching) -> Iterator[Cause]:
    """Rates that differ, and dropout that one side alone has, of two trainings."""
    found = rate_differences(sides, matching)
    for at, alone in enumerate((matching.reference_alone, matching.other_alone)):
        calls = _without_counterpart(sides, (alone, (matching.other_alone, matching.reference_alone)[at]), at)
        words = f"{sides[at].title} drops {{:g}}, {sides[1 - at].title} nothing"
        found += [] if _hides_dropout(sides[1 - at]) else [(call.name, words.format(_rate(call))) for call in calls]
    sayings: dict[str, list[str]] = {}
    for name, words in found:
        sayings.setdefault(words, []).append(name)
    for words, names in sayings.items():
        more = f" and in {len(names) - 1} more" if len(names) > 1 else ""
        yield Cause(f"dropout: {words} in {names[0]}{more}", words, "dropout rate", names[0], names[0], 0.0, 0.0)


def _rate(call: Call) -> float:
    return float(call.options.get("rate" if call.op == OP else "dropout") or 0.0)


def _is_known(call: Call, rates: Sequence[float]) -> bool:
    """Whether rates are those of training: what attention is given in inference may be none."""
    return call.op == OP or all(rates)


def _without_counterpart(sides: Sides, alone: tuple[Sequence[int], Sequence[int]], at: int) -> list[Call]:
    """Dropout of one side that none of the same rate on the other may stand for, which stands elsewhere."""
    own, others = (
        [call for call in (side.calls[place] for place in places) if call.op == OP and _rate(call)]
        for side, places in zip((sides[at], sides[1 - at]), alone, strict=True)
    )
    rates, left = Counter(map(_rate, others)), []
    for call in own:
        if rates[_rate(call)]:
            rates[_rate(call)] -= 1
        else:
            left.append(call)
    return left


def _hides_dropout(side: Side) -> bool:
    """Whether a side drops numbers within layers, as between those of an LSTM: then it may have what seems missing."""
    fit = side.recording.fit
    seen = {call.name for call in side.recording.calls if call.op == OP}
    return fit is None or bool({*fit.dropout} - seen)
