"""One training by several workers: what they are given, and what the first of them leaves."""

import contextlib
import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from twintrain.settings.params import Params
from twintrain.settings.sections.training import Train
from twintrain.system import project
from twintrain.system.cpus import cpus_each
from twintrain.system.stored import load_arrays
from twintrain.training.batches import epoch_batches
from twintrain.training.loop import History, Weights
from twintrain.training.workers.launch import LOOK_SECONDS, check_count
from twintrain.training.workers.launchers import is_here, launcher
from twintrain.training.workers.worker import Worker

JOB = "job.json"
INITIAL = "initial.npz"
TRAINED = "trained.npz"
HISTORY = "history.json"
EPOCHS = "epochs.jsonl"
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
    """Has `train.workers` processes do a training, started by `train.launcher`.

    Args:
        folder: for what is handed over and for logs; all workers must see it. Stays where the training fails.
        on_epoch: is told each epoch once, as by `loop.fit`.
    """
    project.fresh_folder(folder)
    job.save(folder)
    train = job.params.train
    with Epochs(folder / EPOCHS, on_epoch).followed():
        launcher(train.launcher)([sys.executable, *WORKER, str(folder)], train.workers, folder)
    trained = Trained.load(folder)
    shutil.rmtree(folder)
    return trained


def tell_epoch(folder: Path, epoch: int, metrics: dict[str, float]) -> None:
    """Tells an epoch to the one who has started the workers, who may be on another machine."""
    with (folder / EPOCHS).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"epoch": epoch, "metrics": metrics}) + "\n")


class Epochs:
    """Passes on the epochs that the first worker tells; those that it repeats after a restart are known."""

    def __init__(self, file: Path, on_epoch: Callable[[int, dict[str, float]], None]) -> None:
        self.file = file
        self.on_epoch = on_epoch
        self.epochs = 0
        self.read = 0

    @contextlib.contextmanager
    def followed(self) -> Iterator[None]:
        """Passes them on while the workers train."""
        ended = threading.Event()
        thread = threading.Thread(target=self._follow, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        self.catch_up()

    def _follow(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK_SECONDS):
            self.catch_up()

    def catch_up(self) -> None:
        """Reads the whole lines that were written since: {"epoch": 0, "metrics": {…}}."""
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.read += len(line)
                self._hear(line)

    def _hear(self, line: bytes) -> None:
        with contextlib.suppress(json.JSONDecodeError):  # of a worker that was killed; the next repeats the epoch
            found = json.loads(line)
            if found["epoch"] == self.epochs:
                self.epochs += 1
                self.on_epoch(found["epoch"], found["metrics"])


def check_workers(train: Train, rows: int) -> None:
    """Raises a UserError where so many workers cannot train on so many rows, before any is started."""
    if train.workers > 1:
        epoch_batches(rows, train.batch_size, train.seed, 0).share(Worker(0, train.workers))
        if is_here(train.launcher):
            check_count(train.workers)


def fair_threads(train: Train) -> int | None:
    """CPU threads of each worker: its part of this machine, unless others are told or it may be elsewhere."""
    return train.threads if train.threads or not is_here(train.launcher) else cpus_each(train.workers)
