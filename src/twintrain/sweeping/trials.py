"""Runs trials, each in a process of its own, and prepares their data."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from twintrain.data.prepare.preparation import prepare
from twintrain.data.schema import Schema
from twintrain.settings.params import Params
from twintrain.sweeping.trial_process import PARTS
from twintrain.system import project
from twintrain.system.processes import worker_environment
from twintrain.training.initial_model import hand_on

Metrics = dict[str, float]
State = Literal["complete", "pruned", "diverged", "failed", "killed"]
# Decide what the rows of a trial are.
OF_DATA = {"dataset", "ingest", "preprocess", "split"}


@dataclass
class Outcome:
    """What became of a trial.

    Attributes:
        best_epoch: from 0, the epoch whose weights the training keeps; None unless it is complete.
        reason: why it diverged, failed or was killed.
    """

    state: State = "complete"
    reason: str = ""
    epochs: list[Metrics] = field(default_factory=list)
    best_epoch: int | None = None
    seconds: float = 0.0

    def value(self, metric: str) -> float | None:
        """The metric of the epoch whose weights the training keeps."""
        return self.epochs[self.best_epoch][metric] if self.state == "complete" else None


class Stop:
    """Ends the trials that this process has started, from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_set = threading.Event()

    def set(self) -> None:
        """Kills them, and those that are started later."""
        with self._lock:
            self._is_set.set()
            for process in self._running:
                process.kill()

    def is_set(self) -> bool:
        """Whether they are to end."""
        return self._is_set.is_set()

    def wait(self, seconds: float) -> bool:
        """Returns as soon as they are to end, or after some time."""
        return self._is_set.wait(seconds)

    def add(self, process: subprocess.Popen[str]) -> None:
        """Adds a process."""
        with self._lock:
            self._running.add(process)
            if self._is_set.is_set():
                process.kill()

    def remove(self, process: subprocess.Popen[str]) -> None:
        """Leaves out a process that has ended."""
        with self._lock:
            self._running.discard(process)


class Data:
    """Rows for trials in a folder: trials that differ in nothing that decides them share them."""

    def __init__(self, folder: Path) -> None:
        self.folder = project.fresh_folder(folder)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def of(self, params: Params) -> Path:
        """The folder of a trial's schema, training and validation rows; the test rows are not written."""
        settings = json.dumps(params.model_dump(include=OF_DATA), sort_keys=True)
        folder = self.folder / hashlib.sha256(settings.encode()).hexdigest()[:16]
        with self._lock:
            if not folder.exists():
                schema, parts = prepare(params)
                folder.mkdir()
                for name in PARTS:
                    parts[name].save(folder / name)
                schema.save(folder)
        return folder

    def schema(self, params: Params) -> Schema:
        """What a trial's network is given."""
        return Schema.load(self.of(params))


def run_trial(
    params: Params,
    data: Path,
    folder: Path,
    on_start: Callable[[int], None],
    on_epoch: Callable[[int, Metrics], bool],
    stop: Stop,
) -> Outcome:
    """Trains the first framework in a process of its own, which ends with the trial in any case.

    Args:
        folder: for the trial's own files.
        on_start: is told the number of trained parameters.
        on_epoch: is told epoch (from 0) and metrics; the trial is pruned where it returns True.
        stop: by which another thread may end it.

    Raises:
        KeyboardInterrupt: it has.
    """
    folder.mkdir(parents=True)
    project.write_json(folder / "params.json", params.model_dump())
    hand_on(params, folder)
    log = folder / "log.txt"
    with log.open("w") as said, _start(params.frameworks[0], folder, data, said) as worker:
        try:
            stop.add(worker)
            outcome = _follow(worker, on_start, on_epoch)
        finally:
            worker.kill()
            stop.remove(worker)
    if stop.is_set():
        raise KeyboardInterrupt
    if outcome.state == "complete" and outcome.best_epoch is None:
        if worker.returncode == -signal.SIGKILL:
            return Outcome("killed", "its process was killed", outcome.epochs)
        return Outcome("failed", _last_words(log, worker.returncode), outcome.epochs)
    return outcome


def _start(framework: str, folder: Path, data: Path, log: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "twintrain.sweeping.trial_process", framework, str(folder), str(data)]
    # A process group of its own: Ctrl-C is for the command, which ends the worker itself.
    return subprocess.Popen(
        command,
        env=worker_environment(),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )


def _follow(
    worker: subprocess.Popen[str], on_start: Callable[[int], None], on_epoch: Callable[[int, Metrics], bool]
) -> Outcome:
    outcome = Outcome()
    for line in worker.stdout:
        match json.loads(line):
            case {"parameters": parameters}:
                on_start(parameters)
            case {"epoch": epoch, "metrics": metrics}:
                outcome.epochs.append(metrics)
                if on_epoch(epoch, metrics):
                    outcome.state = "pruned"
                    return outcome
            case {"diverged": reason}:
                outcome.state, outcome.reason = "diverged", reason
            case {"best_epoch": best_epoch, "seconds": seconds}:
                outcome.best_epoch, outcome.seconds = best_epoch, seconds
    worker.wait()
    return outcome


def _last_words(log: Path, status: int) -> str:
    """The error that a worker ended with, in one line."""
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line.removeprefix("error: ") for line in said if line.startswith("error: ")]
    return (errors or said or [f"its process ended with status {status}"])[-1]
