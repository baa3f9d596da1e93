"""A picture of what augmentation makes of some training images."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from twintrain.data.parts import Part
from twintrain.settings.sections.training import Train
from twintrain.training.mixing import rows_of_epoch

IMAGES, EPOCHS = 10, 4


def plot_augmented(part: Part, train: Train, path: Path) -> None:
    """Draws some images from all over the part, and below them what the first epochs train on in their place.

    Args:
        part: all training images, (rows, height, width, channels), from 0 to 1, of one channel (grey) or three.
    """
    rows = np.unique(np.linspace(0, len(part) - 1, IMAGES).astype(int))
    shown = part.features[rows]
    changed = [rows_of_epoch(part, rows, train.augmentation, train.seed, epoch)[0] for epoch in range(EPOCHS)]
    lines = [shown, *changed]
    figure = Figure(figsize=(0.8 * len(shown) + 0.8, 0.8 * len(lines)), dpi=100, layout="tight")
    grid = figure.subplots(len(lines), len(shown), squeeze=False)
    for title, line, axes in zip(["as it is", *(f"epoch {e + 1}" for e in range(EPOCHS))], lines, grid, strict=True):
        for image, cell in zip(line, axes, strict=True):
            cell.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=1)
            cell.set(xticks=[], yticks=[])
        axes[0].set_ylabel(title, rotation=0, ha="right", va="center")
    figure.savefig(path)
