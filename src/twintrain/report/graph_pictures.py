"""The graph of a network for people: as a picture, and as Mermaid's text (https://mermaid.js.org)."""

import textwrap
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from twintrain.models.entries import INPUT
from twintrain.models.network import Network, PlacedLayer
from twintrain.report.charts import COLORS
from twintrain.report.graph_layout import laid_out
from twintrain.report.layer_table import described, shape_text

if TYPE_CHECKING:
    from matplotlib.path import Path as Line

LONGEST = 44  # letters of a line in a box
WIDTH, HEIGHT = 3.2, 0.95  # inches of a layer, the room around it included
BOX = (2.9, 0.6)
INDENT = "  "


def mermaid(network: Network) -> str:
    """The graph as a flowchart; blocks, short forms and their stacks are frames."""
    layers = _layers(network)
    ids = {INPUT: "n0", **{placed.name: f"n{number}" for number, placed in enumerate(layers, 1)}}
    lines = [f'n0(["{INPUT}<br>{shape_text(network.schema.input_shape)}"])', *_framed(layers, ids, 0)]
    lines += [f"{ids[name]} --> {ids[placed.name]}" for placed in layers for name in placed.inputs]
    return "\n".join(["flowchart TD", *(INDENT + line for line in lines)]) + "\n"


def _framed(layers: Sequence[PlacedLayer], ids: dict[str, str], depth: int) -> list[str]:
    """Boxes of layers, those that share their scope of this depth in a frame."""
    lines = []
    for scope, members in groupby(layers, lambda placed: placed.scopes[depth : depth + 1]):
        inside = list(members)
        if not scope:
            lines += [f'{ids[placed.name]}["{"<br>".join(_lines(placed))}"]' for placed in inside]
            continue
        frame = [f'subgraph {ids[inside[0].name]}_{depth} ["{scope[0]}"]', *_framed(inside, ids, depth + 1)]
        lines += [frame[0], *(INDENT + line for line in frame[1:]), "end"]
    return lines


def draw(network: Network, path: Path) -> None:
    """Draws the graph from the input downwards, as an SVG whose text is text."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch, PathPatch

    layers = _layers(network)
    layout = laid_out({INPUT: (), **{placed.name: placed.inputs for placed in layers}})
    texts = {INPUT: [INPUT, shape_text(network.schema.input_shape)]}
    texts |= {placed.name: _lines(placed) for placed in layers}
    across = [x for edge in layout.edges for x, _ in edge] or [0.0]
    rows = max(y for _, y in layout.places.values()) + 1
    size = ((max(across) - min(across) + 1) * WIDTH, rows * HEIGHT)
    figure = Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, size[0]), ylim=(size[1], 0))
    axes.set_axis_off()

    def inches(point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] - min(across) + 0.5) * WIDTH, (point[1] + 0.5) * HEIGHT

    for edge in layout.edges:
        axes.add_patch(PathPatch(_curve([inches(point) for point in edge]), fill=False, edgecolor="#777777", zorder=1))
    colors = {kind: COLORS[number % len(COLORS)] for number, kind in enumerate(sorted({each.kind for each in layers}))}
    kinds = {placed.name: placed.kind for placed in layers}
    for name, point in layout.places.items():
        x, y = inches(point)
        edge = colors.get(kinds.get(name, ""), "#333333")
        corner = (x - BOX[0] / 2, y - BOX[1] / 2)
        style = {"boxstyle": "round,pad=0,rounding_size=0.08", "facecolor": "white", "edgecolor": edge, "zorder": 2}
        axes.add_patch(FancyBboxPatch(corner, *BOX, **style))
        axes.text(x, y, "\n".join(texts[name]), ha="center", va="center", fontsize=8, zorder=3)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": network.model}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def _layers(network: Network) -> list[PlacedLayer]:
    head = network.placed_head()
    return [*network.layers, *([head] if head else [])]


def _lines(placed: PlacedLayer) -> list[str]:
    """What stands in a box: the name, what it is, and the shape that comes out."""
    what = textwrap.shorten(described(placed), LONGEST, placeholder=" …").replace('"', "'")
    name = placed.name if len(placed.name) <= LONGEST else f"…{placed.name[-LONGEST:]}"
    return [name, what, shape_text(placed.output_shape)]


def _curve(points: list[tuple[float, float]]) -> "Line":
    """A line through points that leaves each of them downwards."""
    from matplotlib.path import Path as Line

    vertices, codes = [points[0]], [Line.MOVETO]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        vertices += [(x, middle), (to_x, middle), (to_x, to_y)]
        codes += [Line.CURVE4] * 3
    return Line(vertices, codes)
