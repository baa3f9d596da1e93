"""Rows as the user has them: the columns of a table by their names, pixels from 0 to 255."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twintrain.data.chunks import table_chunks
from twintrain.system.stored import load_array

if TYPE_CHECKING:
    import pandas as pd


def raw_rows(folder: Path, index: np.ndarray) -> "pd.DataFrame | np.ndarray":
    """Reads rows of what ingest has written, in the order asked for.

    Args:
        folder: build/ingested.
        index: int64 (rows,), row numbers, as `Part.index` has them.

    Returns:
        a table of the columns that conf/datasets describes, its rows numbered by `index`; or an array (rows, …).
    """
    array = folder / "array.npy"
    if array.exists():
        return load_array(array, mmap_mode="r")[index]
    kept, first = [], 0
    for chunk in table_chunks(folder / "table.parquet"):
        chunk.index = np.arange(first, first + len(chunk))
        kept.append(chunk[chunk.index.isin(index)])
        first += len(chunk)
    import pandas as pd

    return pd.concat(kept).loc[index]
