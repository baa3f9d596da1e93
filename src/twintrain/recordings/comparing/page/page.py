"""What a diff's page says: the verdict and its cause, a line a layer, the worst places, weights, training, notes."""

from collections.abc import Iterable
from html import escape
from string import Template
from typing import TYPE_CHECKING

from twintrain import __version__
from twintrain.recordings.comparing.page.error_bars import axis, bar
from twintrain.recordings.comparing.page.style import STYLE
from twintrain.recordings.comparing.table import MARKS, VERDICTS, alone_lines, conclusion, number
from twintrain.recordings.comparing.training.table import HEADINGS, training_cells

if TYPE_CHECKING:
    from twintrain.recordings.comparing.diff import Diff
    from twintrain.recordings.comparing.rows import Row

LISTED_PLACES, LISTED_WEIGHTS = 10, 50
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$headline</title>
<style>$style</style>
</head>
<body>
<h1 class="$verdict">$headline</h1>
$conclusion
$sections
<footer>twintrain $version, compared in $precision. Errors are largest absolute differences, divided by the largest
magnitude of the reference’s array.</footer>
</body>
</html>
""")
LEGEND = """<p class="legend"><span class="out">error of what the layer gives</span>
<span class="alone">error of the layer alone, fed with the reference’s input</span>
<span class="in">what came in</span> <span class="most">what rounding explains</span></p>"""


def page(found: "Diff") -> str:
    """The page, some 100 KB of 100 layers; all names are escaped."""
    headline, reasons = _conclusion(found)
    sections = [_layers(found), _places(found), _weights(found), _training(found), _notes(found)]
    return PAGE.substitute(
        headline=escape(headline),
        style=STYLE,
        verdict=found.verdict,
        conclusion="\n".join(reasons),
        sections="\n".join(filter(None, sections)),
        version=__version__,
        precision=found.precision,
    )


def _conclusion(found: "Diff") -> tuple[str, list[str]]:
    """The verdict, and what else is concluded: the cause first."""
    headline = VERDICTS[found.verdict].format(*found.titles)
    lines = [line for line in conclusion(found) if not line.startswith(headline)]
    cause = found.cause.sentence if found.cause else headline
    causes = [f'<p class="cause">{escape(line)}</p>' for line in lines if line.startswith(cause)]
    return headline, causes + [f"<p>{escape(line)}</p>" for line in lines if not line.startswith(cause)]


def _layers(found: "Diff") -> str:
    heads = ["", "layer", axis(), "out", "alone", "came in", "at most", "× itself", "cosine", "worst at"]
    lines = [_layer(row, row is found.first) for row in found.layers]
    cells = "".join(f"<th{_kind(at)}>{head}</th>" for at, head in enumerate(heads))
    return f'<h2>Layers</h2>\n{LEGEND}\n<div class="layers">{_table(cells, lines)}</div>'


def _layer(row: "Row", is_first: bool) -> str:
    names = " / ".join(escape(name) for name in dict.fromkeys((row.name, row.other_name)))
    small = [f"{name} {ours} / {theirs}" for name, (ours, theirs) in row.options.items()]
    mark, _, why = MARKS[row.verdict].partition(" ")
    small += [why] if why else []
    cells = [
        mark,
        f"<b>{names}</b> <i>{escape(row.op)}</i>" + (f"<br><small>{escape('; '.join(small))}</small>" if small else ""),
        bar(row.error, row.alone, row.came_in, row.tolerance),
        *map(_number, (row.error, row.alone, row.came_in, row.tolerance)),
        "" if row.ratio is None else f"{row.ratio:.2g}",
        "" if row.cosine is None else f"{row.cosine:.6f}",
        _place(row) if row.error else "",
    ]
    kind = f"{row.verdict} first" if is_first else row.verdict
    return f'<tr class="{kind}">' + "".join(f"<td{_kind(at)}>{cell}</td>" for at, cell in enumerate(cells)) + "</tr>"


def _kind(at: int) -> str:
    """Columns that a narrow screen has no room for are marked."""
    return ' class="wide"' if at >= 5 else ""


def _number(error: float | None) -> str:
    return "0" if error == 0 else number(error)


def _places(found: "Diff") -> str:
    """Where the largest of what layers add is, of rows that differ by themselves or else of all."""
    parting = [row for row in found.layers if row.verdict != "same"]
    rows = sorted(parting or found.layers, key=lambda row: -min(row.own or row.error, 1e300))
    lines = [
        _line(row.name, row.other_name, _place(row), number(row.error), number(row.own))
        for row in rows[:LISTED_PLACES]
        if row.error > 0 and row.place
    ]
    heads = _heads(*found.titles, "element", "error", "of its own")
    return f"<h2>Worst places</h2>\n{_table(heads, lines)}" if lines else ""


def _weights(found: "Diff") -> str:
    if not found.weights:
        return ""
    differing = found.differing_weights
    if not differing:
        return f"<h2>Weights</h2>\n<p>All {len(found.weights)} arrays are the same.</p>"
    lines = [
        _line(row.name, row.other_name, row.role.replace("_", " "), number(row.error), row.verdict)
        for row in sorted(differing, key=lambda row: row.verdict != "different")[:LISTED_WEIGHTS]
    ]
    more = f"<p>{len(differing)} of {len(found.weights)} arrays differ.</p>"
    return f"<h2>Weights</h2>\n{more}\n{_table(_heads(*found.titles, 'array', 'error', ''), lines)}"


def _training(found: "Diff") -> str:
    if found.training is None:
        return ""
    lines = [_line(*cells) for cells in training_cells(found.training)]
    return f"<h2>Training</h2>\n{_table(_heads('', *HEADINGS[1:]), lines)}"


def _notes(found: "Diff") -> str:
    lines = [*alone_lines(found), *found.notes]
    return "<h2>Notes</h2>\n" + "\n".join(f"<p>{escape(line)}</p>" for line in lines) if lines else ""


def _table(heads: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _heads(*words: str) -> str:
    return "".join(f"<th>{escape(word)}</th>" for word in words)


def _line(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _place(row: "Row") -> str:
    return f"({', '.join(map(str, row.place))})" if row.place else ""
