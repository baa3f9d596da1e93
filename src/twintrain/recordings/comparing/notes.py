"""What must be known of layers that are the same, in sentences."""

from collections.abc import Iterable

from twintrain.recordings.comparing.rows import ROUNDING, SAME, Compared, Row
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.comparing.weights import WeightRow

MOST_ROUNDINGS = 3


def other_inputs(sides: tuple[Side, Side]) -> list[str]:
    """That one model takes more inputs than the other: those at its end are compared with nothing."""
    counts = [len(side.recording.inputs) for side in sides]
    if counts[0] == counts[1]:
        return []
    takes = f"{sides[0].title} takes {counts[0]} input{'s' * (counts[0] != 1)}, {sides[1].title} {counts[1]}"
    return [f"{takes}; expected as many in one order: the last are compared with nothing"]


def quiet_options(compared: list[Compared]) -> list[str]:
    """Options in which layers differ that give the same on these rows."""
    found: dict[str, str] = {}
    for each in compared:
        if each.row.verdict == SAME:
            for name, (ours, theirs) in each.row.options.items():
                words = f"{name} {ours} and {theirs}"
                found.setdefault(words, f"{each.row.name} has {words}, which changes nothing of these outputs")
    return list(found.values())


def rounding_notes(rows: Iterable[Row], weights: list[WeightRow]) -> list[str]:
    """Why layers are the same but for rounding, and by how much; of the first of them."""
    return [_rounding(row, weights) for row in rows if row.verdict == ROUNDING][:MOST_ROUNDINGS]


def _rounding(row: Row, weights: list[WeightRow]) -> str:
    changed = max((each.error for each in weights if each.name == row.name), default=0.0)
    if row.rounded:
        why = "keeps its constants in float32"
    elif changed:
        why = f"has weights that differ by {changed:.0e}, as those rounded to float32 do"
    else:
        why = "differs by no more than constants in float32 explain"
    return f"{row.name} ({row.op}) {why}: {row.own:.0e}"
