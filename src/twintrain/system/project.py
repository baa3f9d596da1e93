"""Where things lie in a project, and how stages write them. Paths are relative to its root, where commands run."""

import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from twintrain.system import stored

PARAMS = Path("params.yaml")
DATASETS = Path("conf/datasets")
MODELS = Path("conf/models")
PRESETS = Path("conf/presets")

# What data.dvc pins, and nothing else: a run never touches it.
DATA = Path("data")
# What came later: neither git nor DVC knows it, and conf/datasets/NAME.yaml has the sha256 of each file.
FETCHED = Path("fetched")
OWN = Path("own")
INGESTED = Path("build/ingested")
# Shards on their way there.
INGESTING = Path("build/ingesting")
PREPROCESSED = Path("build/preprocessed")
SPLIT = Path("build/split")
DUPLICATES = SPLIT / "duplicates.json"
BASELINE = Path("build/baseline")
TRAIN = Path("build/train")
EVALUATE = Path("build/evaluate")
# Of this machine and this moment, so that DVC keeps no copy of it.
COST = Path("build/cost.json")
# Not a stage output: DVC clears those before a stage starts, and an interrupted training goes on from here.
CHECKPOINTS = Path("build/checkpoints")
# Of trainings by several processes, a folder each, while they run.
WORKERS = Path("build/workers")
RESULTS = Path("results")
METRICS = RESULTS / "metrics.json"
SCORES = RESULTS / "scores.json"
REPORT = RESULTS / "report.html"
PARITY = RESULTS / "parity.json"
PARITY_PAGE = RESULTS / "parity.html"
# No outputs of a stage: an alias may move without anything being trained.
GATE = RESULTS / "gate.json"
CHAMPION_PAGE = RESULTS / "champion.html"


def model_path(model: str) -> str:
    """The path of a model: of a name in conf/models, or a path as it is; DVC watches that file."""
    return model if Path(model).suffix in (".yaml", ".py") else str(MODELS / f"{model}.yaml")


def names_in(folder: Path) -> list[str]:
    """Names of the YAML files of a conf/ folder, without their ending."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def fresh_folder(path: Path) -> Path:
    """Makes an empty folder for a stage's outputs."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Makes a file appear in another place too: as a link, or on another disk as a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def read_json(path: Path, kind: type | tuple[type, ...] = dict, needs: Collection[str] = ()) -> Any:
    """Reads what `write_json` wrote, as `stored.read_json` does."""
    return stored.read_json(path, kind, needs)


def write_json(path: Path, content: Any) -> None:
    """Writes plain dicts, lists and numbers, indented for people, as `write_text`."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    _write_partial(path, text).replace(path)


def write_kept_text(path: Path, text: str) -> None:
    """Writes a file of the user's whole or not at all: where it is a link, that stays one, and the mode stays too.

    What a stage writes may be a link into DVC's cache, and goes by `write_text`, which leaves the cache alone.
    """
    end = path.resolve()
    partial = _write_partial(end, text)
    if end.exists():
        shutil.copymode(end, partial)
    partial.replace(end)


def _write_partial(path: Path, text: str) -> Path:
    """Writes what a file is to become beside it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    return partial
