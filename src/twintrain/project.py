"""Where things lie in a project folder. Paths are relative to its root, where every command runs."""

import shutil
from pathlib import Path

PARAMS = Path("params.yaml")
DATASETS = Path("conf/datasets")
MODELS = Path("conf/models")
PRESETS = Path("conf/presets")

DATA = Path("data")
INGESTED = Path("build/ingested")
PREPROCESSED = Path("build/preprocessed")
SPLIT = Path("build/split")
TRAIN = Path("build/train")
EVALUATE = Path("build/evaluate")
# Not a stage output: DVC clears those before a stage starts, and an interrupted training goes on from here.
CHECKPOINTS = Path("build/checkpoints")
RESULTS = Path("results")


def names_in(folder: Path) -> list[str]:
    """Names of the YAML files of a conf/ folder, without their ending."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def fresh_folder(path: Path) -> Path:
    """Makes an empty folder for a stage's outputs."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
