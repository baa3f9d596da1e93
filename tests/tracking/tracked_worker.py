"""A small command that logs a bit of everything by `twintrain.tracking`, and one that brings on what is left.

Each is run in a process of its own, which can be killed. They are forked from one that has imported MLflow already.
"""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import mlflow.pyfunc
import numpy as np

from twintrain import tracking
from twintrain.settings.params import Tracking

STEPS = 30
STAGE = Path(__file__).with_name("handed_stage.py")


def log(experiment: str, budget_seconds: float) -> None:
    """A command with two stages; the second adds to the run of the first, as `evaluate` does to that of `train`.

    The first knows what the store calls its run, the second leaves what it logs to the command.
    """
    settings = Tracking(experiment=experiment, budget_seconds=budget_seconds)
    files = [Path("note.txt"), Path("numbers.npy")]
    files[0].write_text("a note", encoding="utf-8")
    np.save(files[1], np.arange(10_000.0))
    features, labels = np.arange(12, dtype="float32").reshape(6, 2), np.arange(6)
    with tracking.parent_run("all", {"stage": "run"}, settings) as parent:
        with tracking.stage_run("train", {"stage": "train"}, settings) as run:
            run.log_params({f"param_{index}": index for index in range(120)})
            run.log_dataset(features, labels, "rows", "train")
            for step in range(STEPS):
                run.log_metrics({"loss": 1 / (1 + step), "accuracy": step / STEPS}, step)
            run.log_metrics({"best_loss": 1 / STEPS})
            run.log_artifacts(*files)
            run.log_model(_save_model, features, 2, [])
            run.set_tags({"winner": "torch"})
        arguments = map(json.dumps, (experiment, run.ref, run.model_id))
        subprocess.run([sys.executable, STAGE, *arguments], check=True)
        parent.tag_children({"lock": "of all"})
        parent.log_metrics({"agreement": 1.0})
        parent.set_note("**done**")


def sync() -> None:
    """What `pipelines.sync` does before the registry."""
    found = tracking.synchronize()
    print(found, flush=True)
    sys.exit(1 if found.left or found.reasons else 0)


def _save_model(example: np.ndarray, path: Path, **arguments: object) -> None:
    code = Path(__file__).with_name("doubling_model.py")
    mlflow.pyfunc.save_model(str(path), python_model=str(code), input_example=example, **arguments)


def start(folder: Path, uri: str, action: Callable[..., None], *arguments: object) -> multiprocessing.Process:
    """Starts one of the two in a folder, with a store; what it says goes to said.txt there."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_run, args=(folder, uri, action, arguments))
    process.start()
    return process


def _run(folder: Path, uri: str, action: Callable[..., None], arguments: tuple[object, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("MLFLOW_RUN", "MLFLOW_EXPERIMENT", "TWINTRAIN_"))]:
        os.environ.pop(name)
    os.environ["MLFLOW_TRACKING_URI"] = uri
    os.environ["PYTHONPATH"] = str(Path(tracking.__file__).parents[2])
    said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(said, stream)
    action(*arguments)
