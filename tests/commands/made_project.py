"""A project whose stages have run on XOR, but for the trainings, whose outputs are made up."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from refusals import start

from twintrain.settings.yaml_files import read_yaml, write_yaml
from twintrain.system import project

FRAMEWORKS = ("torch", "keras")


def make_project(root: Path, data: Path, folder: Path) -> None:
    """Fills a folder: conf/, params.yaml, build/ and results/."""
    shutil.copytree(root / "conf", folder / "conf")
    shutil.copytree(data / "xor", folder / "data/xor")
    for name in ("params.yaml", "requirements.txt"):
        shutil.copy(root / name, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        params = read_yaml(project.PARAMS)
        params |= {"dataset": "xor", "model": "conf/models/logic_mlp.yaml", "frameworks": list(FRAMEWORKS)}
        params["split"]["method"] = "same"
        params["tracking"]["budget_seconds"] = 0  # the journal alone: no test here needs MLflow
        params["verify"]["enabled"] = False
        write_yaml(project.PARAMS, params)
        for stage in ("ingest", "preprocess", "split", "parity", "baseline"):
            _run(patch, stage)
        for framework in FRAMEWORKS:
            _make_training(framework)
        project.write_json(project.COST, {name: {"inference_threads": 1} for name in FRAMEWORKS})
        _run(patch, "compare")


def _run(patch: pytest.MonkeyPatch, stage: str) -> None:
    patch.setattr(sys, "argv", [stage])
    with pytest.raises(SystemExit) as stopped:
        start(stage)
    assert stopped.value.code is None


def _make_training(framework: str) -> None:
    train, evaluate = (project.fresh_folder(folder / framework) for folder in (project.TRAIN, project.EVALUATE))
    history = {
        "epoch": [1, 2],
        **{f"{part}_{name}": [0.5, 0.4] for part in ("train", "val") for name in ("loss", "accuracy")},
    }
    pd.DataFrame(history).to_csv(train / "history.csv", index=False)
    project.write_json(train / "training.json", {"device": "cpu", "dtype": "float32", "parameters": 9})
    project.write_json(train / "run.json", {"run_id": None, "model_id": None, "experiment_id": None})
    project.write_json(evaluate / "metrics.json", {"eval_acc": 0.75, "test_loss": 0.5})
    label = np.load(project.SPLIT / "test" / "labels.npy")
    right = np.eye(2)[label] * 0.6 + 0.2
    index = np.load(project.SPLIT / "test" / "index.npy")
    np.savez(evaluate / "predictions.npz", index=index, label=label, probability=right)
