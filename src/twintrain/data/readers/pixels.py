"""Images as comma-separated text: one image a line, a number a pixel, and the label."""

from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.ingested import Ingested, ingested_array
from twintrain.data.readers.text import read_text


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads images as uint8; the rows of several files are put one below the other.

    Raises:
        UserError: unreadable text, a missing column, bad rows, no rows, or nothing to learn.
    """
    raw = pd.concat([_read_file(path, dataset) for path in paths], ignore_index=True)
    pixels = raw.drop(columns=dataset.target).to_numpy(np.float64)
    whole = ((pixels >= 0) & (pixels <= 255) & (pixels == np.floor(pixels))).all(axis=1)
    reasons = pd.Series(np.where(whole, "", "a pixel that is not a number from 0 to 255"))
    images = np.where(whole[:, None], pixels, 0).astype(np.uint8).reshape(-1, *dataset.image_shape)
    return ingested_array(images, raw[dataset.target], reasons, dataset, bad_rows, paths[0])


def _read_file(path: Path, dataset: Dataset) -> pd.DataFrame:
    """Reads one file: pixels as numbers, NaN where they are none, the label as text."""
    pixels = [f"pixel_{index}" for index in range(int(np.prod(dataset.image_shape)))]
    label_is_text = {dataset.target if dataset.header else len(pixels): str}
    table = read_text(path, [*pixels, dataset.target], dataset.header, label_is_text)
    for column in table.columns.difference([dataset.target]):
        if table[column].dtype.kind not in "iuf":
            table[column] = pd.to_numeric(table[column], errors="coerce")
    return table
