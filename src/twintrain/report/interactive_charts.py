"""The interactive charts of the report. Text from data is escaped: plotly takes labels for a kind of HTML."""

import html
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.io.json import to_json_plotly

from twintrain.report.charts import COLORS
from twintrain.report.curves import TITLES as METRICS

SHOWN_EPOCHS = 500
SHOWN_NAME = 40  # characters of a label
GRID = "rgba(128,128,128,0.3)"  # seen on light and dark; the page's style colours all text
# dash and width of each framework's lines: the first one shows below a second that is equal
STROKES = (("solid", 6), ("dash", 2), ("dot", 2), ("dashdot", 2))
PARTS = {"train": 0.5, "val": 1.0}  # opacity
DIFFERENCE_HEIGHT = 100  # pixels
LAYOUT = {
    "template": "none",
    "height": 340,
    "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "hoverlabel": {"bgcolor": "#222", "font": {"color": "#fff"}},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
    "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#888", "activecolor": "#0072B2"},
    "dragmode": False,  # else a finger that scrolls the page draws a rectangle; the bar has zooming
}
AXIS = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True}


def plain(text: Any) -> str:
    """Text as plotly shows it unchanged, shortened to SHOWN_NAME characters."""
    text = str(text)
    shown = text if len(text) <= SHOWN_NAME else f"{text[: SHOWN_NAME - 1]}…"
    return html.escape(shown, quote=False)  # plotly knows no &quot;


def curves(histories: dict[str, list[pd.DataFrame]], metric: str) -> go.Figure:
    """`train_METRIC` pale and `val_METRIC` strong over the epochs; of several seeds the range of `val_METRIC` too.

    The first framework is a broad solid line and each other one a narrow dashed line over it, so that one sees both
    where they are equal. Below them stands the first one less each other one.

    Args:
        histories: of each framework by its title, a history a seed; the first one is drawn as lines.
    """
    figure = _figure(METRICS[metric], "epoch")
    for (title, seeds), color, (dash, width) in zip(histories.items(), COLORS, STROKES, strict=False):
        if len(seeds) > 1:
            _add_range(figure, seeds, f"val_{metric}", title, color)
        for part, opacity in PARTS.items():
            shown = _thinned(seeds[0])
            figure.add_scatter(
                x=shown["epoch"] + 1,
                y=shown[f"{part}_{metric}"].astype(np.float32),
                name=plain(f"{title} {part}"),
                mode="lines" if len(shown) > 1 else "markers",
                opacity=opacity,
                line={"color": color, "dash": dash, "width": width if len(histories) > 1 else 2},
                hovertemplate="%{y:,.4r}",
            )
    if len(histories) > 1:
        _add_differences_of_curves(figure, {title: seeds[0] for title, seeds in histories.items()}, metric)
    # Of few epochs, which are far apart, the nearest one answers too: plotly's limit of 20 px leaves gaps between them.
    figure.update_layout(hovermode="x unified", hoverdistance=-1)
    if max(len(seeds[0]) for seeds in histories.values()) <= 12:
        figure.update_xaxes(dtick=1)
    return figure


def _add_differences_of_curves(figure: go.Figure, histories: dict[str, pd.DataFrame], metric: str) -> None:
    """The first framework's curves less those of each other one, over the epochs that both have, on an axis below."""
    (first, history), *others = histories.items()
    for (title, other), color, (dash, _) in zip(others, COLORS[1:], STROKES[1:], strict=False):
        both = _thinned(history.merge(other, on="epoch", suffixes=("", "_other")))
        for part, opacity in PARTS.items():
            figure.add_scatter(
                x=both["epoch"] + 1,
                y=(both[f"{part}_{metric}"] - both[f"{part}_{metric}_other"]).astype(np.float32),
                name=plain(f"{first} − {title}, {part}"),
                yaxis="y2",
                mode="lines" if len(both) > 1 else "markers",
                opacity=opacity,
                line={"color": color, "dash": dash, "width": 2},
                hovertemplate="%{y:+.2~g}",
                showlegend=False,
            )
    figure.update_layout(
        height=DIFFERENCE_HEIGHT + LAYOUT["height"],
        yaxis={"domain": [0.36, 1]},
        yaxis2={**AXIS, "domain": [0, 0.26], "title": "difference", "exponentformat": "power", "nticks": 4},
    )
    figure.update_xaxes(anchor="y2")


def differences(rows: list[tuple[str, float, tuple[float, float]]], margin: float | None, unit: str) -> go.Figure:
    """Differences with their intervals, one below the other, against zero and the band of what counts as equal.

    Args:
        rows: name, difference and interval of each.
        margin: half the width of the band, in the unit of the differences; None for none.
        unit: what the axis is called.
    """
    figure = _figure("", unit)
    if margin is not None:
        figure.add_vrect(x0=-margin, x1=margin, fillcolor=COLORS[2], opacity=0.2, line_width=0, layer="below")
    figure.add_vline(x=0, line={"color": "#888", "width": 1})
    values, places = [value for _, value, _ in rows], list(range(len(rows)))
    figure.add_scatter(
        x=values,
        y=places,
        mode="markers",
        marker={"color": COLORS[0], "size": 10},
        error_x={
            "type": "data",
            "array": [high - value for _, value, (_, high) in rows],
            "arrayminus": [value - low for _, value, (low, _) in rows],
            "color": COLORS[0],
            "thickness": 2,
        },
        customdata=[interval for _, _, interval in rows],
        hovertemplate="%{x:+.3g}, 95 %: %{customdata[0]:+.3g} to %{customdata[1]:+.3g}<extra></extra>",
        showlegend=False,
    )
    names = [plain(name).replace(" less ", "<br>less ") for name, _, _ in rows]
    figure.update_yaxes(tickvals=places, ticktext=names, range=[len(rows) - 0.5, -0.5], showgrid=False, zeroline=False)
    figure.update_layout(height=110 + 60 * len(rows))
    return figure


def reliability(bins: dict[str, list[dict[str, Any]]]) -> go.Figure:
    """Share of right predictions over their mean confidence, of each framework by its title; the diagonal is honest."""
    figure = _figure("share that is right", "confidence")
    ends = {"x": [0, 1], "y": [0, 1], "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(**ends, line={"color": "#888", "dash": "dot", "width": 1})
    for (title, listed), color, (dash, width) in zip(bins.items(), COLORS, STROKES, strict=False):
        filled = [one for one in listed if one["rows"]]
        figure.add_scatter(
            x=[one["confidence"] for one in filled],
            y=[one["accuracy"] for one in filled],
            customdata=[one["rows"] for one in filled],
            name=plain(title),
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": width if len(bins) > 1 else 2},
            marker={"size": 10 if len(bins) > 1 and dash == "solid" else 6},
            hovertemplate="%{y:.3f} right at confidence %{x:.3f}, %{customdata} rows",
        )
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.02])
    return figure


def charts_json(figures: dict[str, go.Figure]) -> str:
    """Figures by the ids of their elements, as JSON that may stand in a script: `<` and `>` are escaped."""
    return to_json_plotly({name: figure.to_plotly_json() for name, figure in figures.items()})


def _figure(y_title: str, x_title: str) -> go.Figure:
    figure = go.Figure(layout=LAYOUT)
    figure.update_xaxes(title=x_title, **AXIS)
    figure.update_yaxes(title=y_title, **AXIS)
    return figure


def _add_range(figure: go.Figure, seeds: list[pd.DataFrame], column: str, title: str, color: str) -> None:
    """The smallest and largest of all seeds in each epoch that any of them reached."""
    together = pd.concat(seeds).groupby("epoch")[column].agg(["min", "max"]).reset_index()
    shown = _thinned(together)
    edge = {"x": shown["epoch"] + 1, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    figure.add_scatter(**edge, y=shown["min"].astype(np.float32), showlegend=False)
    figure.add_scatter(
        **edge,
        y=shown["max"].astype(np.float32),
        fill="tonexty",
        fillcolor=f"rgba({red},{green},{blue},0.2)",
        name=plain(f"{title} val, {len(seeds)} seeds"),
    )


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """At most SHOWN_EPOCHS rows, evenly spaced, with the first and the last."""
    if len(table) <= SHOWN_EPOCHS:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, SHOWN_EPOCHS).round().astype(int)]
