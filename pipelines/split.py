"""Seeded, stratified train, validation and test rows; scalers are fitted on the training rows alone.

python -m pipelines.split    reads build/preprocessed, writes build/split
"""

import numpy as np

from twintrain import project, tracking
from twintrain.commands import run_stage
from twintrain.config import load_params
from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.data.splitting import fit_scaler, scale, split_rows


def split() -> None:
    """Runs the stage."""
    params = load_params()
    source = project.PREPROCESSED
    schema = Schema.load(source)
    features, labels = np.load(source / "features.npy"), np.load(source / "labels.npy")
    rows = split_rows(labels, params.split)
    scaler = fit_scaler(features[rows["train"]], params.split.scale)
    folder = project.fresh_folder(project.SPLIT)
    schema.save(folder)
    project.write_json(folder / "scaler.json", scaler)
    for name, index in rows.items():
        Part(scale(features[index], scaler), labels[index], index).save(folder / f"{name}.npz")
    counts = {f"{name}_rows": len(index) for name, index in rows.items()}
    print("split: " + ", ".join(f"{count:,} {name.removesuffix('_rows')}" for name, count in counts.items()))
    tags = {"stage": "split", "dataset": params.dataset, "split": params.split.method}
    with tracking.stage_run("split", tags, params.tracking.experiment) as run:
        run.log_params({f"split.{name}": value for name, value in params.split})
        run.log_metrics(counts)
        run.log_artifacts(folder / "scaler.json")


if __name__ == "__main__":
    run_stage(split)
