"""One training by several workers: what they are given, and what the first of them leaves."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from twintrain.settings.params import Params
from twintrain.settings.sections.training import Train
from twintrain.system import project
from twintrain.system.cpus import usable_cpus
from twintrain.system.stored import load_arrays
from twintrain.training.batches import epoch_batches
from twintrain.training.launch import check_count, run_workers
from twintrain.training.loop import History, Weights
from twintrain.training.workers import Worker

JOB = "job.json"
INITIAL = "initial.npz"
TRAINED = "trained.npz"
HISTORY = "history.json"
WORKER = ("-m", "pipelines.train_worker")


@dataclass(frozen=True)
class Job:
    """A training that is to be done.

    Attributes:
        params: with the seed of this training, and with the weights of its classes.
        split: the folder of the rows.
        checkpoint: where it goes on from.
        fingerprint: tells it from others, see `loop.fit`.
        weights: of the network at the start.
    """

    framework: str
    params: Params
    split: Path
    checkpoint: Path
    fingerprint: str
    weights: Weights

    def save(self, folder: Path) -> None:
        """Writes it where the workers look."""
        described = {
            "framework": self.framework,
            "params": self.params.model_dump(),
            "split": str(self.split),
            "checkpoint": str(self.checkpoint),
            "fingerprint": self.fingerprint,
        }
        project.write_json(folder / JOB, described)
        np.savez(folder / INITIAL, **self.weights)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        found = project.read_json(folder / JOB)
        params = Params.model_validate(found["params"])
        paths = Path(found["split"]), Path(found["checkpoint"])
        return cls(found["framework"], params, *paths, found["fingerprint"], load_arrays(folder / INITIAL))


@dataclass(frozen=True)
class Trained:
    """What the first of the workers leaves."""

    weights: Weights
    history: History

    def save(self, folder: Path) -> None:
        """Writes it where the one who has started them looks."""
        np.savez(folder / TRAINED, **self.weights)
        project.write_json(folder / HISTORY, asdict(self.history))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        return cls(load_arrays(folder / TRAINED), History(**project.read_json(folder / HISTORY)))


def train_together(job: Job, folder: Path, on_epoch: Callable[[int, dict[str, float]], None]) -> Trained:
    """Has `train.workers` processes do a training.

    Args:
        folder: for what is handed over and for logs; stays where the training fails.
        on_epoch: is told each epoch once, as by `loop.fit`.
    """
    project.fresh_folder(folder)
    job.save(folder)
    told = Told(on_epoch)
    run_workers([sys.executable, *WORKER, str(folder)], job.params.train.workers, folder, told.hear)
    trained = Trained.load(folder)
    shutil.rmtree(folder)
    return trained


class Told:
    """Passes on the epochs that a worker prints; those that it repeats after a restart are known."""

    def __init__(self, on_epoch: Callable[[int, dict[str, float]], None]) -> None:
        self.on_epoch = on_epoch
        self.epochs = 0

    def hear(self, line: str) -> None:
        """One line: {"epoch": 0, "metrics": {…}}."""
        found = json.loads(line)
        if found["epoch"] == self.epochs:
            self.on_epoch(found["epoch"], found["metrics"])
            self.epochs += 1


def check_workers(train: Train, rows: int) -> None:
    """Raises a UserError where so many workers cannot train on so many rows, before any is started."""
    if train.workers > 1:
        epoch_batches(rows, train.batch_size, train.seed, 0).share(Worker(0, train.workers))
        check_count(train.workers)


def fair_threads(train_threads: int | None, workers: int) -> int | None:
    """CPU threads of each of several workers on one machine, so that they do not wait for each other."""
    return train_threads or max(1, len(usable_cpus()) // workers)
