"""Errors as bars on a logarithmic scale, in SVG."""

import math

# Decades that the scale has, and how wide one is in pixels.
LEAST, LARGEST = -17, 1
DECADE = 10
WIDTH = (LARGEST - LEAST) * DECADE
HEIGHT = 15
LABELLED = (-16, -12, -8, -4, 0)


def bar(out: float, alone: float | None, came_in: float, tolerance: float) -> str:
    """A layer's error out (above) and its own (below), with ticks at what came in and at what rounding explains."""
    parts = [_rect("out", out, 2)]
    if alone is not None:
        parts.append(_rect("alone", alone, 9))
    parts += [_tick("in", came_in), _tick("most", tolerance)]
    return _svg(HEIGHT, "".join(parts))


def axis() -> str:
    """The scale, for the head of a table."""
    labels = [
        f'<text x="{_place(10.0**power):g}" y="11">{"1" if not power else f"1e{power}"}</text>' for power in LABELLED
    ]
    return _svg(HEIGHT, "".join(labels))


def _svg(height: int, inner: str) -> str:
    return f'<svg width="{WIDTH}" height="{height}" aria-hidden="true">{inner}</svg>'


def _rect(kind: str, error: float, y: int) -> str:
    return f'<rect class="{kind}" y="{y}" width="{_place(error):.3g}" height="5"/>' if error else ""


def _tick(kind: str, error: float) -> str:
    return f'<path class="{kind}" d="M{_place(error):.3g} 0v{HEIGHT}"/>' if error > 0 and math.isfinite(error) else ""


def _place(error: float) -> float:
    """Pixels from the left; what is no number is at the right end."""
    if not math.isfinite(error):
        return WIDTH
    return min(max(math.log10(error) - LEAST, 0), LARGEST - LEAST) * DECADE
