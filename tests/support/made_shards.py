"""Ingested rows as a test has them in mind."""

from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.chunks import TableWriter
from twintrain.data.files import folder_digest
from twintrain.data.shards.manifest import Manifest, Shard


def save_shards(folder: Path, *shards: dict[str, np.ndarray | pd.DataFrame]) -> None:
    """Writes shards and their manifest; of each its arrays by name, a table as `table`."""
    listed = []
    for number, content in enumerate(shards):
        place = folder / f"{number:05d}"
        place.mkdir(parents=True)
        for name, rows in content.items():
            if name == "table":
                with TableWriter(place / "table.parquet") as writer:
                    writer.append(rows)
            else:
                np.save(place / f"{name}.npy", rows)
        size = sum(file.stat().st_size for file in place.iterdir())
        rows = len(next(iter(content.values())))
        listed.append(Shard(name=place.name, rows=rows, bytes=size, sha256=folder_digest(place)))
    Manifest(pin="bytes", shards=listed).save(folder)
