"""Charts of test predictions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from twintrain.evaluation.classification import confusion_matrix, roc_curve
from twintrain.evaluation.running import evenly
from twintrain.report.charts import COLORS, new_chart

WRITTEN_CELLS = 12
SHOWN_POINTS = 5000


def plot_confusion(labels: np.ndarray, predicted: np.ndarray, names: list[str], path: Path) -> None:
    """Draws how many rows of each true class (down) were given each class (across); both as `confusion_matrix`."""
    counts = confusion_matrix(labels, predicted, len(names))
    figure, axes = new_chart(height=5.0)
    axes.imshow(counts, cmap="Blues")
    ticks = np.arange(len(names))
    axes.set(xticks=ticks, yticks=ticks, xlabel="predicted", ylabel="true", title="Confusion matrix")
    axes.set_xticklabels(names, rotation=45 if max(map(len, names)) > 2 else 0)
    axes.set_yticklabels(names)
    if len(names) <= WRITTEN_CELLS:
        for (row, column), count in np.ndenumerate(counts):
            shade = "white" if count > counts.max() / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=shade, fontsize=9)
    figure.savefig(path)


def plot_predictions(labels: np.ndarray, prediction: np.ndarray, path: Path) -> None:
    """Draws predicted over true numbers, a point a row and output, at most SHOWN_POINTS; the diagonal is right."""
    figure, axes = new_chart(height=5.0)
    true, predicted = labels.ravel(), prediction.ravel()
    every = -(-len(true) // SHOWN_POINTS)
    axes.plot(true[::every], predicted[::every], ".", color=COLORS[0], markersize=3, alpha=0.5)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, ":", color="gray")
    axes.set(xlabel="true", ylabel="predicted", title="Predicted and true")
    figure.savefig(path)


def plot_residuals(labels: np.ndarray, prediction: np.ndarray, path: Path) -> None:
    """Draws how often each error, predicted less true, occurs; of many rows in an even sample."""
    figure, axes = new_chart()
    rows = evenly(len(labels))
    axes.hist((prediction[rows] - labels[rows]).ravel(), bins=60, color=COLORS[0])
    axes.set(xlabel="predicted less true", ylabel="numbers", title="Errors")
    figure.savefig(path)


def plot_pictures(stacked: Sequence[np.ndarray], path: Path, shown: int = 12) -> None:
    """Draws images at even distances above each other: those given, what is true of them if it is known, what was made.

    Args:
        stacked: arrays (rows, height, width) or (rows, height, width, channels), from 0 to 1.
    """
    figure = Figure(figsize=(shown, 1.1 * len(stacked)), dpi=100, layout="tight")
    rows = evenly(len(stacked[0]), shown)
    for column, axes in enumerate(figure.subplots(len(stacked), shown, squeeze=False).T):
        for place, pictures in zip(axes, stacked, strict=True):
            place.axis("off")
            if column < len(pictures[rows]):
                place.imshow(np.clip(pictures[rows][column], 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
    figure.savefig(path)


def plot_roc(labels: np.ndarray, probability: np.ndarray, names: list[str], path: Path) -> None:
    """Draws the ROC curve of each class against the rest, of a binary task that of class 1.

    Of many rows it is that of an even sample.
    """
    figure, axes = new_chart(height=5.0)
    rows = evenly(len(labels))
    labels, probability = labels[rows], probability[rows]
    for code in [1] if len(names) == 2 else range(len(names)):
        if 0 < (labels == code).sum() < len(labels):
            false_positive, true_positive = roc_curve(labels == code, probability[:, code])
            axes.plot(false_positive, true_positive, color=COLORS[code % len(COLORS)], label=names[code])
    axes.plot([0, 1], [0, 1], ":", color="gray")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC, class against the rest")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    figure.savefig(path)
