"""Loss and metric over the epochs, of one framework or of several in one chart."""

from pathlib import Path

import pandas as pd

from twintrain.report.charts import COLORS, new_chart

TITLES = {"loss": "Loss", "accuracy": "Accuracy", "mae": "Mean absolute error", "iou": "Mean IoU"}


def watched(history: pd.DataFrame) -> str:
    """The metric beside the loss in a history: accuracy, mae or iou."""
    return next(name for name in TITLES if name != "loss" and f"val_{name}" in history)


def plot_curves(histories: dict[str, pd.DataFrame], metric: str, path: Path) -> None:
    """Draws train_METRIC dashed and val_METRIC solid over the epochs, one colour a framework."""
    figure, axes = new_chart()
    for index, ((title, history), color) in enumerate(zip(histories.items(), COLORS, strict=False)):
        epochs = history["epoch"] + 1
        # The first is drawn broad, so that it shows below a second that is equal.
        width = 4.5 if index == 0 and len(histories) > 1 else 1.5
        for part, style in (("train", "--"), ("val", "-")):
            axes.plot(epochs, history[f"{part}_{metric}"], style, color=color, label=f"{title} {part}", linewidth=width)
    axes.set(xlabel="epoch", ylabel=metric, title=TITLES[metric])
    axes.legend()
    figure.savefig(path)
