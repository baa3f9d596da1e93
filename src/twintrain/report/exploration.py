"""Pictures of the data, before anything is learned from it."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twintrain.report.charts import COLORS, new_chart


def plot_class_balance(rows: np.ndarray, names: list[str], path: Path) -> None:
    """Draws the number of rows of each class: rows (classes,)."""
    figure, axes = new_chart()
    axes.bar(names, rows, color=COLORS[0])
    axes.set(ylabel="rows", title="Rows of each class")
    figure.savefig(path)


def plot_numbers(labels: np.ndarray, name: str, path: Path) -> None:
    """Draws a histogram of the numbers to predict; labels (rows,) or (rows, outputs)."""
    figure, axes = new_chart()
    axes.hist(labels.ravel(), bins=40, color=COLORS[0])
    axes.set(xlabel=name, ylabel="rows", title=f"Distribution of {name}")
    figure.savefig(path)


def plot_samples(images: np.ndarray, labels: np.ndarray, classes: int, path: Path, columns: int = 12) -> None:
    """Draws the first images of each class, one class a line.

    Args:
        images: (rows, height, width, channels), uint8; other numbers are drawn from black, the least, to white.
        labels: int64, (rows,).
        classes: number of classes.
        path: of the picture.
        columns: images a class.
    """
    _, height, width, channels = images.shape
    low, high = (0, 255) if images.dtype == np.uint8 else (images.min(), images.max())
    wall = np.full((classes, columns, height + 2, width + 2, channels), 255, np.uint8)
    for code in range(classes):
        shown = images[labels == code][:columns]
        wall[code, : len(shown), 1:-1, 1:-1] = (shown - low) * (255 / max(high - low, 1e-12))
    wall = wall.transpose(0, 2, 1, 3, 4).reshape(classes * (height + 2), columns * (width + 2), channels)
    image.imsave(path, wall if channels == 3 else wall[..., 0], cmap="gray", vmin=0, vmax=255)


def plot_sequences(sequences: np.ndarray, path: Path, lines: int = 4, columns: int = 3) -> None:
    """Draws the first sequences (rows, steps, channels), one a picture, with a line a channel."""
    figure = Figure(figsize=(columns * 3, lines * 2.2), dpi=100, layout="tight")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for row, (axes, sequence) in enumerate(zip(grid.flat, sequences, strict=False)):
        axes.axis("on")
        axes.set_prop_cycle(color=COLORS)
        axes.plot(sequence)
        axes.set_title(f"row {row}", fontsize=9)
    figure.savefig(path)


def plot_columns(table: pd.DataFrame, path: Path, columns: int = 3) -> None:
    """Draws each column of a table: a histogram of numbers, or the count of each category."""
    lines = -(-table.shape[1] // columns)
    figure = Figure(figsize=(columns * 3, lines * 2.2), dpi=100, layout="tight")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, (name, column) in zip(grid.flat, table.items(), strict=False):
        axes.axis("on")
        _plot_column(axes, column)
        axes.set_title(name, fontsize=9)
    figure.savefig(path)


def _plot_column(axes: Axes, column: pd.Series) -> None:
    if column.dtype.kind == "f":
        axes.hist(column, bins=30, color=COLORS[0])
    else:
        counts = column.value_counts(sort=False)
        axes.bar(counts.index, counts.to_numpy(), color=COLORS[0])
