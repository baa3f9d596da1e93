"""Where the layers of a network stand in a picture of it: a row below all that they take, beside what passes by.

After Sugiyama et al. 1981: an edge over several rows has a place in each of them, so that none goes through a layer.
"""

from dataclasses import dataclass
from itertools import pairwise

LAYER, EDGE = 1.0, 0.3  # widths
SWEEPS = 4

Point = tuple[float, float]
Inputs = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Layout:
    """A layout; x counts widths of a layer to the right, y rows downwards.

    Attributes:
        places: of each layer.
        edges: from the layer that gives to the one that takes, with the points in between.
    """

    places: dict[str, Point]
    edges: list[list[Point]]


def laid_out(inputs: Inputs) -> Layout:
    """Lays out a graph.

    Args:
        inputs: of each layer those that it takes, all of which stand before it.
    """
    rows = _rows(inputs)
    chains = [_chain(giving, taking, rows) for taking, givers in inputs.items() for giving in givers]
    members: list[list[str]] = [[] for _ in range(max(rows.values()) + 1)]
    for name, row in rows.items():
        members[row].append(name)
    for chain in chains:
        for name in chain[1:-1]:
            members[rows[chain[0]] + chain.index(name)].append(name)
    above: dict[str, list[str]] = {name: [] for row in members for name in row}
    below: dict[str, list[str]] = {name: [] for row in members for name in row}
    for chain in chains:
        for giving, taking in pairwise(chain):
            above[taking].append(giving)
            below[giving].append(taking)
    across: dict[str, float] = dict.fromkeys(above, 0.0)
    for _ in range(SWEEPS):
        for row in members:
            _place(row, above, across, rows)
        for row in reversed(members):
            _place(row, below, across, rows)
    for row in members:
        _place(row, above, across, rows)
    height = {name: float(number) for number, row in enumerate(members) for name in row}
    points = {name: (across[name], height[name]) for name in across}
    return Layout({name: points[name] for name in rows}, [[points[name] for name in chain] for chain in chains])


def _rows(inputs: Inputs) -> dict[str, int]:
    """The row of each layer, the first one 0."""
    rows: dict[str, int] = {}
    for name, givers in inputs.items():
        rows[name] = 1 + max((rows[giving] for giving in givers), default=-1)
    return rows


def _chain(giving: str, taking: str, rows: dict[str, int]) -> list[str]:
    """An edge as the names of its places, a row each."""
    between = [f"{giving}>{taking}>{row}" for row in range(rows[giving] + 1, rows[taking])]
    return [giving, *between, taking]


def _place(row: list[str], neighbours: dict[str, list[str]], across: dict[str, float], rows: dict[str, int]) -> None:
    """Moves a row's members as near as they can be to the mean of their neighbours, in an order that crosses little."""
    wanted = {
        name: sum(across[other] for other in found) / len(found) if (found := neighbours[name]) else across[name]
        for name in row
    }
    row.sort(key=lambda name: (wanted[name], name not in rows))
    widths = [LAYER if name in rows else EDGE for name in row]
    places = [wanted[name] for name in row]
    for place in range(1, len(row)):
        places[place] = max(places[place], places[place - 1] + (widths[place - 1] + widths[place]) / 2)
    moved = (sum(places) - sum(wanted.values())) / len(row)
    for name, found in zip(row, places, strict=True):
        across[name] = found - moved
