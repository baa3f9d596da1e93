"""Small projects whose networks are to answer raw rows as the stages have answered their test rows: one a kind of data.

Each is a folder with conf/, params.yaml and data/, as the stages expect it.
"""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from shipped_experiment import shipped_params

from twintrain.command_line.experiment import read_experiment
from twintrain.settings.presets import save_params
from twintrain.settings.yaml_files import write_yaml

ROOT = Path(__file__).parents[2]
ROWS = 240
FEW = {"train.epochs": 1, "train.threads": 1, "train.restore_best_weights": False}
DIGITS = {"ingest.classes": ["0", "1", "7"], "split.train_rows": 200}
# Preset and what is changed of it; `clinic` is a table made up here.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "codes": ("car", {"ingest.classes": ["unacc", "acc", "good"]}),
    "table": (
        "diabetes",
        {
            "dataset": "clinic",
            "model": "table_mlp",
            "preprocess.categorical": "onehot",
            "split.time": "seen",
            "split.scale": "standard",
        },
    ),
    "images": ("mnist5k", {**DIGITS, "model": "softmax_cnn"}),
    "regression": ("diabetes_regression", {}),
    "reconstruction": ("autoencoder_mnist5k", DIGITS),
    "segmentation": ("unet_digits", {"split.train_rows": 200}),
    "targets": ("multitask", {"split.train_rows": 200}),
    "sequences": ("timeseries_lstm", {"split.train_rows": 200}),
    "text": ("text_embedding", {"split.train_rows": 200}),
    "float64": ("diabetes", {"train.dtype": "float64"}),
    "float16": ("diabetes", {"train.dtype": "float16"}),
}
SOFTMAX_CNN = """# Few filters, and probabilities of its own at the end.
layers:
  - conv2d: {filters: 4, kernel_size: 3, strides: 2}
  - activation: {function: relu}
  - flatten
  - dense: {units: outputs}
  - softmax
"""


def make_project(folder: Path, data: Path) -> None:
    """Makes a project with all the data sets.

    Args:
        data: the shipped data sets.
    """
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "params.yaml").write_text(shipped_params(), encoding="utf-8")
    (folder / "data").mkdir()
    for shipped in data.iterdir():
        (folder / "data" / shipped.name).symlink_to(shipped.resolve())
    (folder / "conf/models/softmax_cnn.yaml").write_text(SOFTMAX_CNN, encoding="utf-8")
    write_clinic(folder)


def choose(case: str) -> None:
    """Writes a case's params.yaml in the present folder."""
    preset, changes = CASES[case]
    arguments = [text for name, value in {**FEW, **changes}.items() for text in (f"--{name}", str(value))]
    write_params(preset, arguments)


def write_params(preset: str, arguments: Sequence[str]) -> None:
    """Writes the params.yaml of a preset, with some of it changed, in the present folder."""
    content, _ = read_experiment(preset, list(arguments))
    save_params(content)


def clinic(rows: int = ROWS) -> pd.DataFrame:
    """A table as a file has it: decimal commas, dates, categories beyond the known ones, and missing values."""
    random = np.random.default_rng(0)
    seen = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, rows), "D")
    table = pd.DataFrame(
        {
            "seen": seen.strftime("%d.%m.%Y"),
            "born": (seen - pd.to_timedelta(random.integers(9000, 20000, rows), "D")).strftime("%d.%m.%Y"),
            "weight": [f"{weight:.1f}".replace(".", ",") for weight in random.normal(70, 9, rows)],
            "grade": random.choice(["1", "2", "3"], rows),
            "city": random.choice(["Busan", "Jeju", "Ulsan", "Tongyeong"], rows),
            "ill": random.choice(["no", "yes"], rows),
        }
    )
    for column, mark in {"born": "", "weight": "NA", "grade": "?"}.items():
        table.loc[random.random(rows) < 0.15, column] = mark
    return table


def write_clinic(folder: Path, table: pd.DataFrame | None = None) -> None:
    """Writes the table, or a changed one, and its description."""
    path = folder / "data/clinic/clinic.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    (clinic() if table is None else table).to_csv(path, sep=";", index=False)
    description = {
        "title": "Clinic",
        "origin": "made up",
        "licence": "CC0 1.0",
        "task": "binary",
        "format": "table",
        "delimiter": ";",
        "decimal": ",",
        "files": {"clinic.csv": hashlib.sha256(path.read_bytes()).hexdigest()},
        "target": "ill",
        "labels": ["no", "yes"],
        "features": {
            "seen": {"date": "%d.%m.%Y", "used": False},
            "born": {"date": "%d.%m.%Y", "missing": True},
            "weight": {"min": 0, "missing": True},
            "grade": {"categories": ["1", "2", "3"], "missing": True},
            "city": {"categories": ["Busan", "Jeju"], "other": True},
        },
    }
    write_yaml(folder / "conf/datasets/clinic.yaml", description)
