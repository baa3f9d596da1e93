"""Cleaning and encoding that learns nothing from the data.

python -m pipelines.preprocess    reads build/ingested, writes build/preprocessed
"""

import shutil
from collections.abc import Iterator
from itertools import chain

import numpy as np

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.chunks import RowsWriter, blocks, table_chunks
from twintrain.data.dataset import Dataset
from twintrain.data.prepare.encoding import as_numbers, encode_array
from twintrain.data.schema import network_schema
from twintrain.settings.params import load_params
from twintrain.system import project
from twintrain.system.stored import load_array, read_model

CARRIED = ("dataset.json", "labels.npy", "part.npy", "group.npy", "time.npy")


def preprocess() -> None:
    """Runs the stage."""
    params = load_params()
    dataset = read_model(project.INGESTED / "dataset.json", Dataset)
    schema = network_schema(params.dataset, dataset, params.preprocess)
    encoded = _encoded(dataset)
    first = next(encoded)  # before anything is written
    folder = project.fresh_folder(project.PREPROCESSED)
    schema.save(folder)
    with RowsWriter(folder / "features.npy") as writer:
        for rows in chain([first], encoded):
            writer.append(rows)
    for name in CARRIED:
        if (project.INGESTED / name).exists():
            shutil.copy(project.INGESTED / name, folder)
    features = load_array(folder / "features.npy", mmap_mode="r")
    print(f"preprocess: {features.dtype} features of shape {' × '.join(map(str, features.shape))}")
    tags = {"stage": "preprocess", "dataset": params.dataset}
    with tracking.stage_run("preprocess", tags, params.tracking) as run:
        run.log_params({"dataset": params.dataset, "categorical": params.preprocess.categorical})
        run.log_artifacts(folder / "schema.json")


def _encoded(dataset: Dataset) -> Iterator[np.ndarray]:
    if dataset.features:
        for table in table_chunks(project.INGESTED / "table.parquet"):
            yield as_numbers(table, dataset.inputs)
    else:
        array = load_array(project.INGESTED / "array.npy", mmap_mode="r")
        for index in blocks(np.arange(len(array)), array):
            yield encode_array(array[index])


if __name__ == "__main__":
    run_stage(preprocess)
