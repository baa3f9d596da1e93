"""Raw files → one validated table or image array, with pictures of it.

python -m pipelines.ingest    reads the raw files that conf/datasets/ names, writes build/ingested
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pandas as pd

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.data.chunks import RowsWriter, Sample, TableWriter
from twintrain.data.dataset import Dataset, load_dataset, raw_files
from twintrain.data.readers.ingested import Ingested
from twintrain.data.readers.reading import read_chunks
from twintrain.report import exploration
from twintrain.settings.params import load_params
from twintrain.system import project
from twintrain.system.stored import load_array

ARRAYS = ("array", "labels", "part", "group", "time")
# Of a vector, which may be long, and of a table.
DRAWN_COLUMNS = 30
DRAWN_ROWS = 100_000


def ingest() -> None:
    """Runs the stage."""
    params = load_params()
    described = load_dataset(params.dataset)
    dataset = described.of_classes(params.ingest.classes)
    paths = raw_files(params.dataset, described)
    by = {"group": params.split.group, "time": params.split.time}
    chunks = read_chunks(paths, described, params.ingest.bad_rows, params.ingest.classes, **by)
    folder = project.fresh_folder(project.INGESTED)
    sample, rejected = _save(chunks)
    project.write_json(folder / "dataset.json", dataset.model_dump())
    labels = load_array(folder / "labels.npy", mmap_mode="r")
    if dataset.task == "regression":
        exploration.plot_numbers(labels, dataset.target, folder / "target.png")
    else:
        exploration.plot_class_balance(labels, dataset.labels, folder / "class_balance.png")
    _plot_samples(sample, dataset)
    counts = {"rows": len(labels), "rejected_rows": len(rejected)}
    print(f"ingest: {params.dataset}, {counts['rows']:,} rows, {counts['rejected_rows']} set aside")
    print(*sample.notes, sep="\n", end="\n" if sample.notes else "")
    with tracking.stage_run("ingest", {"stage": "ingest", "dataset": params.dataset}, params.tracking) as run:
        run.log_params({"dataset": params.dataset, "bad_rows": params.ingest.bad_rows})
        run.log_metrics(counts)
        run.log_artifacts(*sorted(folder.glob("*.png")), folder / "rejected.csv")


def _save(chunks: Iterator[Ingested]) -> tuple[Ingested, pd.Series]:
    """Writes chunks one below the other; returns some rows to be drawn, and what was set aside of all."""
    folder, rejected, sample = project.INGESTED, [], Sample(DRAWN_ROWS)
    with ExitStack() as stack:
        table = stack.enter_context(TableWriter(folder / "table.parquet"))
        arrays = {name: stack.enter_context(RowsWriter(folder / f"{name}.npy")) for name in ARRAYS}
        for chunk in chunks:
            rejected.append(chunk.rejected)
            if chunk.table is not None:
                table.append(chunk.table)
                sample.add(chunk.table)
            for name, rows in {"array": chunk.array, "labels": chunk.labels, **chunk.row_marks}.items():
                if rows is not None:
                    arrays[name].append(rows)
    bad = pd.concat(rejected)
    bad.to_csv(folder / "rejected.csv", index_label="row")
    return replace(chunk, table=None if chunk.table is None else sample.rows), bad


def _plot_samples(data: Ingested, dataset: Dataset) -> None:
    """Draws some of the rows, in the way that fits them."""
    folder = project.INGESTED
    if data.table is not None:
        exploration.plot_columns(data.table, folder / "columns.png")
    elif data.array.ndim == 4:
        classes = data.labels if dataset.labels else np.zeros(len(data.labels))
        exploration.plot_samples(data.array, classes, max(len(dataset.labels), 1), folder / "samples.png")
    elif data.array.ndim == 3:
        exploration.plot_sequences(data.array, folder / "samples.png")
    else:
        columns = pd.DataFrame(data.array[:, :DRAWN_COLUMNS].astype(np.float64)).rename(columns=str)
        exploration.plot_columns(columns, folder / "columns.png")


if __name__ == "__main__":
    run_stage(ingest)
