"""Raw files → one validated table or image array, with pictures of it.

python -m pipelines.ingest    reads data/DATASET, writes build/ingested
"""

import numpy as np

from twintrain import project, tracking
from twintrain.commands import run_stage
from twintrain.config import load_params
from twintrain.data import exploration
from twintrain.data.dataset import load_dataset, raw_files
from twintrain.data.reading import Ingested, read_raw


def ingest() -> None:
    """Runs the stage."""
    params = load_params()
    dataset = load_dataset(params.dataset)
    data = read_raw(raw_files(params.dataset, dataset), dataset, params.ingest.bad_rows)
    folder = project.fresh_folder(project.INGESTED)
    project.write_json(folder / "dataset.json", dataset.model_dump())
    _save(data)
    exploration.plot_class_balance(data.labels, dataset.labels, folder / "class_balance.png")
    if data.images is not None:
        exploration.plot_samples(data.images, data.labels, len(dataset.labels), folder / "samples.png")
    else:
        exploration.plot_columns(data.table, folder / "columns.png")
    counts = {"rows": len(data.labels), "rejected_rows": len(data.rejected)}
    print(f"ingest: {params.dataset}, {counts['rows']:,} rows, {counts['rejected_rows']} set aside")
    with tracking.stage_run(
        "ingest", {"stage": "ingest", "dataset": params.dataset}, params.tracking.experiment
    ) as run:
        run.log_params({"dataset": params.dataset, "bad_rows": params.ingest.bad_rows})
        run.log_metrics(counts)
        run.log_artifacts(*sorted(folder.glob("*.png")), folder / "rejected.csv")


def _save(data: Ingested) -> None:
    folder = project.INGESTED
    np.save(folder / "labels.npy", data.labels)
    data.rejected.to_csv(folder / "rejected.csv", index_label="row")
    if data.images is not None:
        np.save(folder / "images.npy", data.images)
    else:
        data.table.to_parquet(folder / "table.parquet")


if __name__ == "__main__":
    run_stage(ingest)
