"""Trains one of the twins.

python -m pipelines.train FRAMEWORK    reads build/split, writes build/train/FRAMEWORK; run it as
                                       `dvc repro train@FRAMEWORK`
"""

import gc
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from twintrain import frameworks, models, project, tracking, training
from twintrain.commands import run_framework_stage
from twintrain.config import Params, load_params
from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import Schema
from twintrain.frameworks import TITLES, framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, load_network
from twintrain.training.augmentation import check_augmentation
from twintrain.training.augmentation_plot import plot_augmented
from twintrain.training.curves import plot_curves
from twintrain.training.event_files import write_event_file
from twintrain.training.initial_model import load_initial
from twintrain.training.logged import logged_params
from twintrain.training.loop import History, fit
from twintrain.training.losses import check_loss, with_class_weights
from twintrain.training.progress import Progress
from twintrain.training.transfer import FILE_NAME, Trained, meaning_of_outputs, start_from


def train(framework: str) -> None:
    """Runs the stage for one framework."""
    params = load_params()
    schema = Schema.load(project.SPLIT)
    parts = {name: Part.load(project.SPLIT / name, params.train.dtype) for name in PARTS}
    network = load_network(params.model, params.mode, schema)
    network.check_batch_size(params.train.batch_size)
    initial = load_initial(params)
    check_loss(params.train.loss, schema)
    check_augmentation(params.train.augmentation, schema)
    params = with_class_weights(params, parts["train"].labels, schema)
    folder = project.fresh_folder(project.TRAIN / framework)
    tags = {
        "stage": "train",
        "framework": framework,
        "dataset": params.dataset,
        "model": params.model_name,
        "mode": params.mode,
        "split": params.split.method,
    }
    with tracking.stage_run(f"train@{framework}", tags, params.tracking.experiment) as run:
        backend = framework_module(framework, "backend").Backend(network, params.train)
        # In `aligned` these are all weights; in `native` those whose initializer the model writes out.
        drawn = {**backend.weights(), **draw_weights(backend.network, params.train.seed)}
        start = start_from(backend.network, drawn, initial)
        backend.load_weights(start.weights)
        run.log_params(logged_params(params, schema, framework, backend.parameter_count()))
        if initial or start.frozen:
            print(f"{TITLES[framework]} starts with {start}", flush=True)
            run.set_tags(start.described())
        for name in ("train", "val"):
            run.log_dataset(parts[name].features, parts[name].labels, params.dataset, name)
        history = _fit(backend, params, parts, _fingerprint(params, network, framework, initial), framework, run)
        facts = _save(folder, framework, backend, parts, history)
        Trained(backend.weights(), meaning_of_outputs(schema)).save(folder / FILE_NAME)
        run.log_metrics(_final_metrics(facts, history))
        run.log_artifacts(folder / "model_summary.txt", folder / FILE_NAME, *sorted(folder.glob("*.png")))
        if params.tracking.tensorboard:
            run.log_artifacts(*write_event_file(folder / "history.csv", folder / "tensorboard"))
        saving = framework_module(framework, "saving")
        run.log_model(
            lambda **arguments: saving.log_model(backend.model, backend.network, **arguments),
            parts["test"].features,
            schema.outputs,
            saving.requirements(),
        )
        run_ids = {"run_id": run.id, "model_id": run.model_id}
        project.write_json(folder / "run.json", run_ids)
    _checkpoint(framework).unlink(missing_ok=True)


def _fit(
    backend: Any, params: Params, parts: dict[str, Part], fingerprint: str, framework: str, run: tracking.Run
) -> History:
    """Trains with the garbage collector on, which commands keep off, and spares it the imported modules."""
    gc.freeze()
    gc.enable()
    with Progress(TITLES[framework], params.train.epochs, run) as progress:
        history = fit(backend, parts, params.train, _checkpoint(framework), fingerprint, progress.update)
    gc.disable()
    return history


def _checkpoint(framework: str) -> Path:
    return project.CHECKPOINTS / f"{framework}.npz"


def _fingerprint(params: Params, network: Network, framework: str, initial: Trained | None) -> str:
    """Changes with whatever decides the course of a training: settings, network, first weights, rows and code."""
    digest = hashlib.sha256(f"{framework} {params.train.model_dump_json()} {network}".encode())
    parents = [Path(package.__file__).parent for package in (training, models, frameworks)]
    folders = [*parents[:2], parents[2] / frameworks.folder(framework)]
    code = [path for folder in folders for path in folder.rglob("*.py")]
    own = [network.source] if network.source else []
    rows = [path for name in ("train", "val") for path in sorted((project.SPLIT / name).iterdir())]
    for path in [*own, *sorted(code), *rows]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    for array in initial.arrays.values() if initial else ():
        digest.update(array.tobytes())
    return digest.hexdigest()


def _save(folder: Path, framework: str, backend: Any, parts: dict[str, Part], history: History) -> dict[str, Any]:
    """Writes the trained network and what there is to know about its training."""
    saving = framework_module(framework, "saving")
    saving.save(backend.model, backend.network, parts["test"].features, folder / saving.FILE_NAME)
    (folder / "model_summary.txt").write_text(backend.summary() + "\n", encoding="utf-8")
    table = pd.DataFrame(history.epochs).assign(seconds=history.seconds).rename_axis("epoch").reset_index()
    table.to_csv(folder / "history.csv", index=False)
    for metric in ("loss", backend.network.schema.metric):
        plot_curves({TITLES[framework]: table}, metric, folder / f"{metric}_curve.png")
    if backend.train.augmentation.is_on:
        plot_augmented(parts["train"].features, backend.train, folder / "augmented.png")
    seconds = sum(history.seconds)
    # The first epoch also builds graphs and fills caches; it counts as time, not as speed.
    steady = history.seconds[1:] or history.seconds
    class_weights = backend.train.loss.class_weights
    facts = {
        **backend.facts(),
        "dtype": backend.train.dtype,
        "parameters": backend.parameter_count(),
        **({"class_weights": class_weights} if class_weights else {}),
        **({"head": backend.network.head} if backend.network.head else {}),
        "dropout": framework_module(framework, "layers").draws_own_masks(backend.model),
        "epochs_run": len(history.epochs),
        "best_epoch": history.best_epoch + 1,
        "train_seconds": round(seconds, 3),
        "samples_per_second": round(len(parts["train"]) * len(steady) / sum(steady), 1),
    }
    project.write_json(folder / "training.json", facts)
    return facts


def _final_metrics(facts: dict[str, Any], history: History) -> dict[str, float]:
    names = ("epochs_run", "best_epoch", "train_seconds", "samples_per_second")
    return {**{name: facts[name] for name in names}, "best_val_loss": history.best_loss}


if __name__ == "__main__":
    run_framework_stage(train)
