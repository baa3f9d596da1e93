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
from twintrain.training.curves import plot_curves
from twintrain.training.loop import History, fit
from twintrain.training.losses import check_loss
from twintrain.training.progress import Progress


def train(framework: str) -> None:
    """Runs the stage for one framework."""
    params = load_params()
    schema = Schema.load(project.SPLIT)
    parts = {name: Part.load(project.SPLIT / f"{name}.npz", params.train.dtype) for name in PARTS}
    network = load_network(params.model, params.mode, schema)
    network.check_batch_size(params.train.batch_size)
    check_loss(params.train.loss, schema)
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
        backend = framework_module(framework, "backend").Backend(network, params.train, parts["train"])
        # In `aligned` these are all weights; in `native` those whose initializer the model writes out.
        backend.load_weights({**backend.weights(), **draw_weights(backend.network, params.train.seed)})
        run.log_params(_logged_params(params, schema, framework, backend.parameter_count()))
        for name in ("train", "val"):
            run.log_dataset(parts[name].features, parts[name].labels, params.dataset, name)
        history = _fit(backend, params, parts, _fingerprint(params, network, framework), framework, run)
        facts = _save(folder, framework, backend, parts, history)
        run.log_metrics(_final_metrics(facts, history))
        run.log_artifacts(folder / "model_summary.txt", *sorted(folder.glob("*.png")))
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


def _logged_params(params: Params, schema: Schema, framework: str, parameters: int) -> dict[str, Any]:
    """The same keys for every framework, so that MLflow shows the runs side by side."""
    settings = params.train
    return {
        "dataset": params.dataset,
        "model": params.model_name,
        "mode": params.mode,
        "parameters": parameters,
        "epochs": settings.epochs,
        "batch_size": settings.batch_size or "full",
        "learning_rate": settings.optimizer.learning_rate,
        "optimizer": settings.optimizer.name,
        "optimizer_options": _listed(settings.optimizer.options(params.mode)),
        "loss_function": settings.loss.name_for(schema.task),
        "loss_options": _listed(
            {**settings.loss.options_for(schema.task), "class_weights": settings.loss.class_weights}
        ),
        "metric_function": "accuracy",
        "accumulate": settings.accumulate,
        "schedule": settings.schedule.name,
        "schedule_options": _listed(settings.schedule.options()),
        "regularization": _listed(dict(settings.regularization)),
        "clip": _listed(dict(settings.clip)),
        "seed": settings.seed,
        "dtype": settings.dtype,
        "threads": settings.threads,
        "deterministic": settings.deterministic,
        "early_stopping.patience": settings.early_stopping.patience,
        "early_stopping.min_delta": settings.early_stopping.min_delta,
        "restore_best_weights": settings.restore_best_weights,
        "framework": framework,
        "framework_options": _listed(settings.framework_options(framework)),
    }


def _listed(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items()) or "its own"


def _fingerprint(params: Params, network: Network, framework: str) -> str:
    """Changes with whatever decides the course of a training: settings, network, rows and code."""
    digest = hashlib.sha256(f"{framework} {params.train.model_dump_json()} {network}".encode())
    parents = [Path(package.__file__).parent for package in (training, models, frameworks)]
    folders = [*parents[:2], parents[2] / frameworks.folder(framework)]
    code = [path for folder in folders for path in folder.rglob("*.py")]
    own = [network.source] if network.source else []
    for path in [*own, *sorted(code), project.SPLIT / "train.npz", project.SPLIT / "val.npz"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _save(folder: Path, framework: str, backend: Any, parts: dict[str, Part], history: History) -> dict[str, Any]:
    """Writes the trained network and what there is to know about its training."""
    saving = framework_module(framework, "saving")
    saving.save(backend.model, backend.network, parts["test"].features, folder / saving.FILE_NAME)
    (folder / "model_summary.txt").write_text(backend.summary() + "\n", encoding="utf-8")
    table = pd.DataFrame(history.epochs).rename_axis("epoch").reset_index()
    table.to_csv(folder / "history.csv", index=False)
    for metric in ("loss", "accuracy"):
        plot_curves({TITLES[framework]: table}, metric, folder / f"{metric}_curve.png")
    seconds = sum(history.seconds)
    # The first epoch also builds graphs and fills caches; it counts as time, not as speed.
    steady = history.seconds[1:] or history.seconds
    facts = {
        **backend.facts(),
        "dtype": backend.train.dtype,
        "parameters": backend.parameter_count(),
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
