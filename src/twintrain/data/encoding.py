"""Preprocessing that learns nothing from the data: codes, one-hot columns, pixels from 0 to 1."""

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset


def encode_images(images: np.ndarray) -> np.ndarray:
    """Scales pixels: uint8 0 … 255 → float32 0 … 1, same shape."""
    return images.astype(np.float32) / np.float32(255)


def encode_table(table: pd.DataFrame, dataset: Dataset, categorical: str) -> np.ndarray:
    """Turns the features of a table into one array.

    Returns:
        int64 codes (rows, columns) where every column is categorical and `categorical` is "codes";
        else float32 (rows, columns), categories as 0/1 columns in the order of `schema.onehot_names`.
    """
    codes = {
        name: _codes(table[name], feature.categories)
        for name, feature in dataset.features.items()
        if feature.categories
    }
    if categorical == "codes" and codes:
        return np.stack(list(codes.values()), axis=1)
    columns = []
    for name, feature in dataset.features.items():
        if feature.categories:
            columns.append(np.eye(len(feature.categories))[codes[name]])
        else:
            columns.append(table[name].to_numpy(np.float64)[:, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def _codes(column: pd.Series, categories: list[str]) -> np.ndarray:
    return column.map({value: code for code, value in enumerate(categories)}).to_numpy(np.int64)
