"""Raw files → shards of one validated table or array, with pictures of it.

python -m pipelines.ingest    reads the raw files that conf/datasets/ names, writes build/ingested
"""

from pathlib import Path

import numpy as np
import pandas as pd

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.dataset import Dataset, load_dataset, raw_files
from twintrain.data.prepare.tokens import texts_counted
from twintrain.data.raw_rows import arrays_in, shard_folders
from twintrain.data.readers.reading import Reading
from twintrain.data.shards.ingesting import ingest_shards
from twintrain.report import exploration
from twintrain.settings.params import load_params
from twintrain.system import project

# Of a vector, which may be long.
DRAWN_COLUMNS = 30


def ingest() -> None:
    """Runs the stage."""
    params = load_params()
    described = load_dataset(params.dataset)
    dataset = described.of_classes(params.ingest.classes)
    reading = Reading(
        paths=raw_files(params.dataset, described),
        dataset=described,
        bad_rows=params.ingest.bad_rows,
        classes=params.ingest.classes,
        group=params.split.group,
        time=params.split.time,
    )
    folder = project.INGESTED
    found = ingest_shards(reading, params.ingest, folder)
    project.write_json(folder / "dataset.json", dataset.model_dump())
    found.rejected.to_csv(folder / "rejected.csv", index_label="row")
    _plot_targets(found.sample, dataset, folder)
    _plot_samples(found.sample, dataset, folder)
    counts = {"rows": found.manifest.rows, "rejected_rows": len(found.rejected)}
    print(f"ingest: {params.dataset}, {counts['rows']:,} rows, {counts['rejected_rows']} set aside")
    print(*found.notes, sep="\n", end="\n" if found.notes else "")
    with tracking.stage_run("ingest", {"stage": "ingest", "dataset": params.dataset}, params.tracking) as run:
        run.log_params({"dataset": params.dataset, "bad_rows": params.ingest.bad_rows})
        run.log_metrics(counts)
        run.log_artifacts(*sorted(folder.glob("*.png")), folder / "rejected.csv")


def _plot_targets(sample: pd.DataFrame | None, dataset: Dataset, folder: Path) -> None:
    """Draws how many rows each class has, or the numbers to predict."""
    labels = arrays_in(shard_folders(folder), "labels")
    if dataset.task == "regression":
        numbers = labels[0] if sample is None else sample[dataset.target].to_numpy()
        exploration.plot_numbers(numbers, dataset.target, folder / "target.png")
    elif dataset.labels:
        rows = sum(np.bincount(codes, minlength=len(dataset.labels)) for codes in labels)
        exploration.plot_class_balance(rows, dataset.labels, folder / "class_balance.png")


def _plot_samples(sample: pd.DataFrame | None, dataset: Dataset, folder: Path) -> None:
    """Draws some of the rows, in the way that fits them."""
    if sample is not None:
        exploration.plot_columns(texts_counted(sample, dataset.features), folder / "columns.png")
        return
    shards = shard_folders(folder)
    (array,), (labels,) = arrays_in(shards, "array"), arrays_in(shards, "labels")
    if array.ndim == 4:
        classes = labels if dataset.labels else np.zeros(len(labels))
        exploration.plot_samples(array, classes, max(len(dataset.labels), 1), folder / "samples.png")
    elif array.ndim == 3:
        exploration.plot_sequences(array, folder / "samples.png")
    else:
        columns = pd.DataFrame(array[:, :DRAWN_COLUMNS].astype(np.float64)).rename(columns=str)
        exploration.plot_columns(columns, folder / "columns.png")


if __name__ == "__main__":
    run_stage(ingest)
