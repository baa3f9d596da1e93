"""Loss and accuracy over the epochs, of one framework or of several in one chart."""

from pathlib import Path

import pandas as pd

from twintrain.charts import COLORS, new_chart


def plot_curves(histories: dict[str, pd.DataFrame], metric: str, path: Path) -> None:
    """Draws train_METRIC dashed and val_METRIC solid over the epochs, one colour a framework."""
    figure, axes = new_chart()
    for (title, history), color in zip(histories.items(), COLORS, strict=False):
        epochs = history["epoch"] + 1
        for part, style in (("train", "--"), ("val", "-")):
            axes.plot(epochs, history[f"{part}_{metric}"], style, color=color, label=f"{title} {part}")
    axes.set(xlabel="epoch", ylabel=metric, title=metric.capitalize())
    axes.legend()
    figure.savefig(path)
