"""Rows as the user has them: the columns of a table by their names, pixels from 0 to 255."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twintrain.data.chunks import table_chunks
from twintrain.data.shards.manifest import checked_place, read_manifest
from twintrain.system.stored import load_array

if TYPE_CHECKING:
    import pandas as pd

TABLE = "table.parquet"
# Numbers, and the words of `part`.
KINDS = "biufU"


def raw_rows(folder: Path, index: np.ndarray) -> "pd.DataFrame | np.ndarray":
    """Reads rows of what ingest has written, in the order asked for.

    Args:
        folder: build/ingested.
        index: int64 (rows,), row numbers, as `Part.index` has them.

    Returns:
        a table of the columns that conf/datasets describes, its rows numbered by `index`; or an array (rows, …).

    Raises:
        FileNotFoundError: nothing was ingested.
        DamagedFileError: a shard with some of the rows is missing or altered.
        IndexError: there is no such row.
    """
    found = row_values(folder, "array", index)
    if found is not None:
        return found
    import pandas as pd

    return pd.concat(_table_rows(folder, index)).loc[index]


def _table_rows(folder: Path, index: np.ndarray) -> "Iterator[pd.DataFrame]":
    for place, first, _ in _shards_with(folder, index):
        start = first
        for chunk in table_chunks(place / TABLE):
            chunk.index = np.arange(start, start + len(chunk))
            start += len(chunk)
            yield chunk[chunk.index.isin(index)]


def row_values(folder: Path, name: str, index: np.ndarray) -> np.ndarray | None:
    """Reads rows of one of the arrays that ingest has written, in the order asked for; see `raw_rows`.

    Returns:
        None where there is no array of that name.
    """
    found = None
    for place, first, here in _shards_with(folder, index):
        if not (place / f"{name}.npy").exists():
            return None
        stored = load_array(place / f"{name}.npy", mmap_mode="r", kinds=KINDS)
        if found is None:
            found = np.empty((len(index), *stored.shape[1:]), stored.dtype)
        found[here] = stored[index[here] - first]
    return found


def _shards_with(folder: Path, index: np.ndarray) -> Iterator[tuple[Path, int, np.ndarray]]:
    """The shards with some of the rows: where they lie, the number of their first row, and which rows are theirs.

    Without any rows it is the first shard, which says what they would be like.
    """
    manifest, first = read_manifest(folder), 0
    if len(index) and not 0 <= index.min() <= index.max() < manifest.rows:
        raise IndexError(f"expected rows from 0 to {manifest.rows - 1}, got {index.min()} to {index.max()}")
    for shard in manifest.shards:
        here = (index >= first) & (index < first + shard.rows)
        if here.any() or (first == 0 and not len(index)):
            yield checked_place(manifest, shard, folder), first, here
        first += shard.rows


def shard_folders(folder: Path) -> list[Path]:
    """Where the shards of what ingest has written lie, in the order of their rows.

    Raises:
        FileNotFoundError: nothing was ingested.
        DamagedFileError: one is missing or altered.
    """
    manifest = read_manifest(folder)
    return [checked_place(manifest, shard, folder) for shard in manifest.shards]


def arrays_in(shards: list[Path], name: str) -> list[np.ndarray]:
    """The arrays of a name in the shards, as memory maps; none where they do not have it."""
    paths = [shard / f"{name}.npy" for shard in shards]
    return [load_array(path, mmap_mode="r", kinds=KINDS) for path in paths if path.exists()]
