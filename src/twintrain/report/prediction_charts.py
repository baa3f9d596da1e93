"""Charts of test predictions."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from twintrain.evaluation.classification import confusion_matrix, roc_curve
from twintrain.report.charts import COLORS, new_chart

WRITTEN_CELLS = 12
SHOWN_POINTS = 5000


def plot_confusion(labels: np.ndarray, predicted: np.ndarray, names: list[str], path: Path) -> None:
    """Draws how many rows of each true class (down) were given each class (across)."""
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
    """Draws how often each error, predicted less true, occurs."""
    figure, axes = new_chart()
    axes.hist((prediction - labels).ravel(), bins=60, color=COLORS[0])
    axes.set(xlabel="predicted less true", ylabel="numbers", title="Errors")
    figure.savefig(path)


def plot_reconstructions(images: np.ndarray, reconstructed: np.ndarray, path: Path, shown: int = 12) -> None:
    """Draws images (rows, height, width, channels) from 0 to 1 above what the network made of them."""
    figure = Figure(figsize=(shown, 2.2), dpi=100, layout="tight")
    for column, axes in enumerate(figure.subplots(2, shown, squeeze=False).T):
        for place, picture in zip(axes, (images, reconstructed), strict=True):
            place.axis("off")
            if column < len(picture):
                place.imshow(np.clip(picture[column], 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
    figure.savefig(path)


def plot_roc(labels: np.ndarray, probability: np.ndarray, names: list[str], path: Path) -> None:
    """Draws the ROC curve of each class against the rest, of a binary task that of class 1."""
    figure, axes = new_chart(height=5.0)
    for code in [1] if len(names) == 2 else range(len(names)):
        if 0 < (labels == code).sum() < len(labels):
            false_positive, true_positive = roc_curve(labels == code, probability[:, code])
            axes.plot(false_positive, true_positive, color=COLORS[code % len(COLORS)], label=names[code])
    axes.plot([0, 1], [0, 1], ":", color="gray")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC, class against the rest")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    figure.savefig(path)
