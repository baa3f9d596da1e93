"""Loss and metric over the epochs, of one framework or of several in one chart."""

from pathlib import Path

import pandas as pd

from twintrain.report.charts import COLORS, new_chart

TITLES = {"loss": "Loss", "accuracy": "Accuracy", "mae": "Mean absolute error", "iou": "Mean IoU"}

STROKES = (("-", 5.0), ("--", 1.5), (":", 1.5), ("-.", 1.5))  # style and width of each framework's lines


def watched(history: pd.DataFrame) -> str:
    """The metric beside the loss in a history: accuracy, mae or iou."""
    return next(name for name in TITLES if name != "loss" and f"val_{name}" in history)


def plot_curves(histories: dict[str, pd.DataFrame], metric: str, path: Path) -> None:
    """Draws train_METRIC pale and val_METRIC strong over the epochs, one colour a framework.

    The first one is broad and solid, a second one narrow and dashed over it, so that both show where they are equal.
    """
    figure, axes = new_chart()
    for (title, history), color, (style, width) in zip(histories.items(), COLORS, STROKES, strict=False):
        for part, alpha in (("train", 0.5), ("val", 1.0)):
            shown = {"color": color, "alpha": alpha, "label": f"{title} {part}"}
            shown["linewidth"] = width if len(histories) > 1 else 1.5
            axes.plot(history["epoch"] + 1, history[f"{part}_{metric}"], style, **shown)
    axes.set(xlabel="epoch", ylabel=metric, title=TITLES[metric])
    axes.legend()
    figure.savefig(path)
