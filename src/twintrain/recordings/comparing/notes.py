"""What must be known of layers that are the same, in sentences."""

from collections.abc import Iterable

from twintrain.recordings.comparing.rows import ROUNDING, SAME, Compared, Row
from twintrain.recordings.comparing.weights import WeightRow

MOST_ROUNDINGS = 3


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
