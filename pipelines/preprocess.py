"""Cleaning and encoding that learns nothing from the data.

python -m pipelines.preprocess    reads build/ingested, writes build/preprocessed
"""

import numpy as np
import pandas as pd

from twintrain import project, tracking
from twintrain.commands import run_stage
from twintrain.config import load_params
from twintrain.data.dataset import Dataset
from twintrain.data.encoding import encode_images, encode_table
from twintrain.data.schema import network_schema


def preprocess() -> None:
    """Runs the stage."""
    params = load_params()
    source = project.INGESTED
    dataset = Dataset.model_validate(project.read_json(source / "dataset.json"))
    schema = network_schema(params.dataset, dataset, params.preprocess)
    if schema.is_image:
        features = encode_images(np.load(source / "images.npy"))
    else:
        features = encode_table(pd.read_parquet(source / "table.parquet"), dataset, params.preprocess.categorical)
    folder = project.fresh_folder(project.PREPROCESSED)
    schema.save(folder)
    np.save(folder / "features.npy", features)
    np.save(folder / "labels.npy", np.load(source / "labels.npy"))
    print(f"preprocess: {features.dtype} features of shape {' × '.join(map(str, features.shape))}")
    tags = {"stage": "preprocess", "dataset": params.dataset}
    with tracking.stage_run("preprocess", tags, params.tracking.experiment) as run:
        run.log_params({"dataset": params.dataset, "categorical": params.preprocess.categorical})
        run.log_artifacts(folder / "schema.json")


if __name__ == "__main__":
    run_stage(preprocess)
