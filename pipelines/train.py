"""Trains one of the twins.

python -m pipelines.train FRAMEWORK    reads build/split, writes build/train/FRAMEWORK; run it as
                                       `dvc repro train@FRAMEWORK`
"""

import gc
import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from twintrain import frameworks, models, tracking, training
from twintrain.command_line.commands import run_framework_stage
from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.flops import flops
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, load_network
from twintrain.models.own_twin import check_saving
from twintrain.models.precision import layer_dtypes
from twintrain.report.augmentation_plot import plot_augmented
from twintrain.report.curves import plot_curves
from twintrain.settings.frameworks import TITLES, packages
from twintrain.settings.params import Params, load_params
from twintrain.settings.sections.precision import array_dtype
from twintrain.settings.sections.training import Train
from twintrain.system import project
from twintrain.system.cpus import OtherWork
from twintrain.training.augmentation import check_augmentation
from twintrain.training.event_files import write_event_file
from twintrain.training.initial_model import load_initial
from twintrain.training.logged import logged_params
from twintrain.training.loop import History, fit
from twintrain.training.losses import check_loss, with_class_weights
from twintrain.training.progress import Progress
from twintrain.training.seeds import seed_folders, spread
from twintrain.training.transfer import FILE_NAME, Trained, start_from
from twintrain.training.workers.job import Job, check_workers, fair_threads, train_together
from twintrain.training.workers.launchers import check_launcher

FIGURES = (
    *("epochs_run", "best_epoch", "train_seconds", "seconds_to_best", "samples_per_second"),
    *("peak_memory_mib", "peak_device_memory_mib", "flops"),
)


@dataclass(frozen=True)
class Inputs:
    """What the trainings of all seeds have in common."""

    framework: str
    params: Params
    schema: Schema
    parts: dict[str, Part]
    network: Network
    initial: Trained | None


def train(framework: str) -> None:
    """Runs the stage for one framework: a training a seed, those after the first in runs below the stage's."""
    inputs = _inputs(framework)
    params = inputs.params
    seeds = params.train.seeds or [params.train.seed]
    folders = seed_folders(project.fresh_folder(project.TRAIN / framework), seeds)
    tags = {
        "stage": "train",
        "framework": framework,
        "dataset": params.dataset,
        "model": params.model_name,
        "mode": params.mode,
        "split": params.split.method,
    }
    name = f"train@{framework}"
    with tracking.stage_run(name, tags, params.tracking, needs_id=True) as run:
        first, *further = folders.items()
        figures = [_train(inputs, *first, run)]
        for seed, folder in further:
            gc.collect()  # the network before, while the collector is off
            folder.mkdir()
            with tracking.child_run(run, f"{name} seed {seed}", tags) as nested:
                figures.append(_train(inputs, seed, folder, nested))
        if further:
            run.log_metrics(spread([{"best_val_loss": each["best_val_loss"]} for each in figures]))
    for folder in folders.values():
        _checkpoint(folder).unlink(missing_ok=True)


def _inputs(framework: str) -> Inputs:
    """Reads the stage's inputs, and checks what can be before a framework is loaded."""
    params = load_params()
    schema = Schema.load(project.SPLIT)
    parts = {name: Part.load(project.SPLIT / name, array_dtype(params.train.dtype)) for name in PARTS}
    network = load_network(params.model, params.mode, schema)
    network.check_batch_size(params.train.batch_size)
    layer_dtypes(network, params.train.dtype)
    initial = load_initial(params)
    check_loss(params.train.loss, schema)
    check_launcher(params.train.launcher)
    check_workers(params.train, len(parts["train"]))
    check_augmentation(params.train.augmentation, schema)
    params = with_class_weights(params, parts["train"].labels, schema)
    return Inputs(framework, params, schema, parts, network, initial)


def _train(inputs: Inputs, seed: int, folder: Path, run: tracking.Run) -> dict[str, float]:
    """Trains the network of one seed, and writes and logs what comes of it.

    Returns:
        the figures of the training, as they are logged at its end.
    """
    params, framework, schema, parts = inputs.params.of_seed(seed), inputs.framework, inputs.schema, inputs.parts
    backend = framework_module(framework, "backend").Backend(inputs.network, params.train)
    # In `aligned` these are all weights; in `native` those whose initializer the model writes out.
    drawn = {**backend.weights(), **draw_weights(backend.network, seed)}
    start = start_from(backend.network, drawn, inputs.initial)
    backend.load_weights(start.weights)
    run.log_params(logged_params(params, schema, framework, backend.parameter_count()))
    saving = framework_module(framework, "saving")
    if source := inputs.network.source:
        save = partial(saving.save, backend.model, backend.network, parts["test"].features)
        check_saving(source, save, saving.load, saving.FILE_NAME)
    if inputs.initial or start.frozen:
        print(f"{TITLES[framework]} starts with {start}", flush=True)
        run.set_tags(start.described())
    for name in ("train", "val"):
        run.log_dataset(parts[name].features, parts[name].labels, params.dataset, name)
    others = OtherWork()
    history = _fit(backend, inputs, folder, run)
    facts = _save(folder, framework, backend, parts, history, others.cpus())
    Trained.of(backend.weights(), schema).save(folder / FILE_NAME)
    figures = _final_metrics(facts, history)
    run.log_metrics(figures)
    run.log_artifacts(folder / "model_summary.txt", folder / FILE_NAME, *sorted(folder.glob("*.png")))
    if params.tracking.tensorboard:
        run.log_artifacts(*write_event_file(folder / "history.csv", folder / "tensorboard"))
    run.log_model(
        lambda **arguments: saving.save_mlflow_model(backend.model, backend.network, **arguments),
        parts["test"].features,
        schema.outputs,
        packages(framework),
    )
    ids = {"run_id": run.id, "model_id": run.model_id, "experiment_id": run.experiment_id, "journal": run.ref.journal}
    project.write_json(folder / "run.json", ids)
    return figures


def _fit(backend: Any, inputs: Inputs, folder: Path, run: tracking.Run) -> History:
    """Trains with the garbage collector on, which commands keep off, and spares it the imported modules."""
    train, checkpoint = backend.train, _checkpoint(folder)
    title = TITLES[inputs.framework] + (f" seed {train.seed}" if inputs.params.train.seeds else "")
    gc.freeze()
    gc.enable()
    with Progress(title, train.epochs, run) as progress:
        fingerprint = _fingerprint(inputs, train)
        if train.workers == 1:
            history = fit(backend, inputs.parts, train, checkpoint, fingerprint, progress.update)
        else:
            threads = fair_threads(train)
            params = inputs.params.model_copy(update={"train": train.model_copy(update={"threads": threads})})
            job = Job(inputs.framework, params, project.SPLIT, checkpoint, fingerprint, backend.weights())
            trained = train_together(job, project.WORKERS / checkpoint.stem, progress.update)
            backend.load_weights(trained.weights)
            history = trained.history
    gc.disable()
    return history


def _checkpoint(folder: Path) -> Path:
    """Where the training that fills a folder goes on from: build/train/torch/seed_1 from torch_seed_1.npz."""
    return project.CHECKPOINTS / f"{'_'.join(folder.relative_to(project.TRAIN).parts)}.npz"


def _fingerprint(inputs: Inputs, settings: Train) -> str:
    """Changes with whatever decides the course of a training: settings, network, first weights, rows and code."""
    framework, network, initial = inputs.framework, inputs.network, inputs.initial
    # Several workers train to the weights of one, so others, started otherwise, go on where some have stopped.
    decisive = settings.model_dump_json(exclude={"workers", "launcher"})
    digest = hashlib.sha256(f"{framework} {decisive} {network}".encode())
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


def _save(
    folder: Path, framework: str, backend: Any, parts: dict[str, Part], history: History, load: float
) -> dict[str, Any]:
    """Writes the trained network and what there is to know about its training.

    Args:
        load: the CPUs that others kept busy meanwhile.
    """
    saving = framework_module(framework, "saving")
    saving.save(backend.model, backend.network, parts["test"].features, folder / saving.FILE_NAME)
    (folder / "model_summary.txt").write_text(backend.summary() + "\n", encoding="utf-8")
    table = pd.DataFrame(history.epochs).assign(seconds=history.seconds).rename_axis("epoch").reset_index()
    table.to_csv(folder / "history.csv", index=False)
    # For `dvc plots`: one name for what is watched, whatever the task.
    watched = backend.network.schema.metric
    names = {f"{part}_{watched}": f"{part}_metric" for part in ("train", "val")}
    table[["epoch", "train_loss", "val_loss", *names]].rename(columns=names).to_csv(folder / "curves.csv", index=False)
    for metric in ("loss", watched):
        plot_curves({TITLES[framework]: table}, metric, folder / f"{metric}_curve.png")
    if backend.train.augmentation.is_on:
        plot_augmented(parts["train"], backend.train, folder / "augmented.png")
    class_weights = backend.train.loss.class_weights
    operations = flops(backend.network)
    facts = {
        **backend.facts(),
        "dtype": backend.train.dtype,
        "parameters": backend.parameter_count(),
        **({"flops": operations} if operations is not None else {}),
        **({"class_weights": class_weights} if class_weights else {}),
        **({"head": backend.network.head} if backend.network.head else {}),
        "dropout": framework_module(framework, "networks").draws_own_masks(backend.model),
        "epochs_run": len(history.epochs),
        "best_epoch": history.best_epoch + 1,
        "train_seconds": round(sum(history.seconds), 3),
        "seconds_to_best": round(history.seconds_to_best, 3),
        "samples_per_second": round(len(parts["train"]) * history.epochs_per_second, 1),
        "train_load": round(load, 2),
        "peak_memory_mib": round(history.peak_memory_mib, 1),
    }
    project.write_json(folder / "training.json", facts)
    return facts


def _final_metrics(facts: dict[str, Any], history: History) -> dict[str, float]:
    return {**{name: facts[name] for name in FIGURES if name in facts}, "best_val_loss": history.best_loss}


if __name__ == "__main__":
    run_framework_stage(train)
