"""A project whose stages before compare have run, made up from given predictions."""

from pathlib import Path

import numpy as np
import pandas as pd
from made_shards import save_shards

from twintrain.data.dataset import load_dataset
from twintrain.settings.yaml_files import read_yaml, write_yaml
from twintrain.system import project
from twintrain.training.seeds import seed_folders

HISTORY = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.5, 0.4], "val_loss": [0.6, 0.5]})


def write_project(
    dataset: str,
    predictions: dict[str, dict[str, np.ndarray]],
    rows: pd.DataFrame | np.ndarray,
    labels: np.ndarray,
    entries: dict[str, dict] | None = None,
    duplicates: dict[str, int] | None = None,
    costs: dict[str, dict] | None = None,
    **changes: dict,
) -> None:
    """Writes build/ and params.yaml into the current folder.

    Args:
        predictions: by framework, or `baseline`, what predictions.npz holds.
        rows: all that were ingested, a table or an array.
        labels: of these.
        entries: by framework, what its metrics.json holds besides.
        duplicates: what split found of them.
        costs: by framework what was measured; nothing by default, as in results of earlier versions.
        changes: sections of params.yaml.
    """
    frameworks = [name for name in predictions if name != "baseline"]
    params = read_yaml(project.PARAMS)
    params |= {"dataset": dataset, "frameworks": frameworks}
    for section, content in changes.items():
        params[section] |= content
    write_yaml(project.PARAMS, params)
    watched = "accuracy" if load_dataset(dataset).labels else "mae"
    history = HISTORY.assign(**{f"train_{watched}": 0.5, f"val_{watched}": 0.5})
    for name in frameworks:
        train, evaluate = project.fresh_folder(project.TRAIN / name), project.fresh_folder(project.EVALUATE / name)
        seeds = [found["seed"] for found in (entries or {}).get(name, {}).get("seeds", [{"seed": 0}])]
        for folder in seed_folders(train, seeds).values():
            folder.mkdir(exist_ok=True)
            history.to_csv(folder / "history.csv", index=False)
        project.write_json(train / "training.json", {"device": "cpu", "dtype": "float32"})
        project.write_json(train / "run.json", {"run_id": None, "model_id": None})
        project.write_json(evaluate / "metrics.json", (entries or {}).get(name, {}))
        np.savez(evaluate / "predictions.npz", **predictions[name])
    project.RESULTS.mkdir(exist_ok=True)
    project.write_json(project.PARITY, {"passed": None, "reason": "Not verified.", "checks": []})
    project.write_json(project.COST, {name: (costs or {}).get(name, {}) for name in frameworks})
    baseline = project.fresh_folder(project.BASELINE)
    facts = {"name": "tree", "eval_acc": 0.5, "mae": 1.0, "rmse": 1.0, "others": {}}
    project.write_json(baseline / "metrics.json", {**facts, "train_rows": 1, "available_rows": 1, "converged": True})
    np.savez(baseline / "predictions.npz", **predictions["baseline"])
    project.fresh_folder(project.SPLIT)
    project.write_json(project.DUPLICATES, duplicates or {})
    _write_ingested(dataset, rows, labels)


def _write_ingested(dataset: str, rows: pd.DataFrame | np.ndarray, labels: np.ndarray) -> None:
    folder: Path = project.fresh_folder(project.INGESTED)
    project.write_json(folder / "dataset.json", load_dataset(dataset).model_dump())
    save_shards(folder, {"labels": labels, "table" if isinstance(rows, pd.DataFrame) else "array": rows})
