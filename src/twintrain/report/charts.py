"""What all charts share. Figures are made without pyplot: nothing global is touched and no window opens."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart by the colour-blind, and two more for ten classes.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000", "#999999", "#7F3C8D"]


def new_chart(height: float = 4.0) -> tuple["Figure", "Axes"]:
    """An empty chart, 6 inches wide; `figure.savefig(path)` writes it."""
    from matplotlib.figure import Figure  # which pages that share the colours alone do not need

    figure = Figure(figsize=(6.0, height), dpi=100, layout="tight")
    return figure, figure.subplots()
