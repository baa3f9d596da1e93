"""Seeded, stratified train, validation and test rows; encoders and scalers are fitted on the training rows alone.

python -m pipelines.split    reads build/preprocessed, writes build/split
"""

from dataclasses import asdict

import numpy as np

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.chunks import blocks
from twintrain.data.dataset import Dataset
from twintrain.data.parts import Part, PartWriter
from twintrain.data.prepare.duplicates import find_duplicates, sentences
from twintrain.data.prepare.fitting import Fitted, fit
from twintrain.data.prepare.splitting import split_rows
from twintrain.data.prepare.tokens import vocabulary_digest
from twintrain.data.schema import Schema
from twintrain.report.projections import plot_projections
from twintrain.settings.params import load_params
from twintrain.system import project
from twintrain.system.stored import load_array, read_model

ROW_MARKS = ("part", "group", "time")


def split() -> None:
    """Runs the stage."""
    params = load_params()
    source = project.PREPROCESSED
    schema = Schema.load(source)
    dataset = read_model(source / "dataset.json", Dataset)
    features, labels = (load_array(source / f"{name}.npy", mmap_mode="r") for name in ("features", "labels"))
    files = {name: source / f"{name}.npy" for name in ROW_MARKS}
    marks = {name: load_array(path, kinds="biufU", axes=1) for name, path in files.items() if path.exists()}
    rows = split_rows(labels, params.split, **marks)
    words = project.read_json(source / "words.json", list) if schema.tokens else []
    fitted = fit(features, labels, rows["train"], dataset, schema, params.split, words)
    folder = project.fresh_folder(project.SPLIT)
    if schema.tokens:
        digest = vocabulary_digest(fitted.encoder.columns[0].vocabulary)
        schema = schema.model_copy(update={"vocabulary": digest})
    schema.save(folder)
    _save(fitted)
    for name, index in rows.items():
        with PartWriter(folder / name) as writer:
            for block in blocks(index, features):
                writer.append(fitted.part(features[block], labels[block], block))
    # Of the training rows alone: nobody should choose a network by looking at test rows.
    train = Part.load(folder / "train")
    plot_projections(train.features, train.labels, schema, folder)
    counts = {f"{name}_rows": len(index) for name, index in rows.items()}
    # Of truth tables all rows are in each part.
    duplicates = {} if rows["test"] is rows["train"] else _duplicates(features, labels, rows, fitted)
    project.write_json(project.DUPLICATES, duplicates)
    print("split: " + ", ".join(f"{count:,} {name.removesuffix('_rows')}" for name, count in counts.items()))
    tags = {"stage": "split", "dataset": params.dataset, "split": params.split.method}
    with tracking.stage_run("split", tags, params.tracking) as run:
        run.log_params({f"split.{name}": value for name, value in params.split})
        run.log_metrics(counts | {f"duplicate_{name}": count for name, count in duplicates.items()})
        run.log_artifacts(folder / "scaler.json", folder / "encoder.json", *sorted(folder.glob("*.png")))


def _duplicates(
    features: np.ndarray, labels: np.ndarray, rows: dict[str, np.ndarray], fitted: Fitted
) -> dict[str, int]:
    """Counts test rows that stand among the training rows too, and says so."""
    targets = None if fitted.gives_back else labels
    found = find_duplicates(features, targets, rows["train"], rows["test"])
    for sentence in sentences(found):
        print(f"mind: {sentence}")
    return asdict(found)


def _save(fitted: Fitted) -> None:
    project.write_json(project.SPLIT / "scaler.json", fitted.scalers)
    project.write_json(project.SPLIT / "encoder.json", fitted.encoder and fitted.encoder.model_dump())


if __name__ == "__main__":
    run_stage(split)
