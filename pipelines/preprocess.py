"""Cleaning and encoding that learns nothing from the data.

python -m pipelines.preprocess    reads build/ingested, writes build/preprocessed
"""

import shutil
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.chunks import RowsWriter, blocks, table_chunks
from twintrain.data.dataset import Dataset
from twintrain.data.prepare.encoding import encode_array, encode_table
from twintrain.data.raw_rows import TABLE, arrays_in, shard_folders
from twintrain.data.schema import network_schema
from twintrain.settings.params import load_params
from twintrain.system import project
from twintrain.system.stored import load_array, read_model

CARRIED = ("labels", "part", "group", "time")


def preprocess() -> None:
    """Runs the stage."""
    params = load_params()
    dataset = read_model(project.INGESTED / "dataset.json", Dataset)
    schema = network_schema(params.dataset, dataset, params.preprocess)
    shards = shard_folders(project.INGESTED)
    lexicon: dict[int, str] = {}
    encoded = _encoded(shards, dataset, lexicon)
    first = next(encoded)  # before anything is written
    folder = project.fresh_folder(project.PREPROCESSED)
    schema.save(folder)
    shutil.copy(project.INGESTED / "dataset.json", folder)
    _write(folder / "features.npy", chain([first], encoded))
    if schema.tokens:
        project.write_json(folder / "words.json", sorted(lexicon.values()))
    for name in CARRIED:
        _write(folder / f"{name}.npy", arrays_in(shards, name))
    features = load_array(folder / "features.npy", mmap_mode="r")
    print(f"preprocess: {features.dtype} features of shape {' × '.join(map(str, features.shape))}")
    tags = {"stage": "preprocess", "dataset": params.dataset}
    with tracking.stage_run("preprocess", tags, params.tracking) as run:
        run.log_params({"dataset": params.dataset, "categorical": params.preprocess.categorical})
        run.log_artifacts(folder / "schema.json")


def _encoded(shards: list[Path], dataset: Dataset, lexicon: dict[int, str]) -> Iterator[np.ndarray]:
    if dataset.features:
        for shard in shards:
            for table in table_chunks(shard / TABLE):
                yield encode_table(table, dataset.inputs, lexicon=lexicon)
    for array in arrays_in(shards, "array"):
        for index in blocks(np.arange(len(array)), array):
            yield encode_array(array[index])


def _write(path: Path, arrays: Iterable[np.ndarray]) -> None:
    """Writes arrays of rows as one; of none there is no file."""
    with RowsWriter(path) as writer:
        for rows in arrays:
            writer.append(rows)


if __name__ == "__main__":
    run_stage(preprocess)
