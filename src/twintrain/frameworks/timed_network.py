"""A saved network in a process of its own, which predicts and takes the time: one framework a process."""

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from twintrain import project
from twintrain.data.parts import Part
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.settings.frameworks import TITLES
from twintrain.system.processes import worker_environment

END_SECONDS = 5


class TimedNetwork:
    """The network of a framework, loaded as anybody would load it; use as a context.

    It loads while others start: `wait` before the first question.

    Args:
        folder: of its training.
        dtype: of the test rows, with which it is timed.
        threads: that it is to take.

    Attributes:
        threads: that it takes; 0: as many as the library under it likes.
    """

    def __init__(self, framework: str, folder: Path, dtype: str, threads: int) -> None:
        self.framework = framework
        self.threads = threads
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (the end of the context closes it)
        self._pipe, theirs = multiprocessing.Pipe()
        command = (sys.executable, "-m", __name__, framework, folder, dtype, threads, theirs.fileno())
        self._process = subprocess.Popen(
            [str(part) for part in command],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            env=worker_environment(),
        )
        theirs.close()

    @property
    def process(self) -> int:
        return self._process.pid

    def wait(self) -> None:
        """Waits until it is loaded.

        Raises:
            UserError: it cannot be, or the process has ended.
        """
        self.threads = self._receive()

    def call(self, rows: int, seconds: float, calls: int) -> list[float]:
        """Predicts so many rows at once, again and again.

        Args:
            seconds: after which it stops, when there were as many calls.

        Returns:
            the seconds of each call, from a NumPy array to a NumPy array.
        """
        self._pipe.send((rows, seconds, calls))
        return self._receive()

    def _receive(self) -> Any:
        try:
            kind, content = self._pipe.recv()
        except (EOFError, OSError):
            self._process.wait()
            self._said.seek(0)
            said = self._said.read().decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else "without a word"
            raise UserError(f"{TITLES[self.framework]}: the process that is timed has ended: {reason}") from None
        if kind == "error":
            raise UserError(content)
        return content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._pipe.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()


def main(framework: str, folder: str, dtype: str, threads: str, descriptor: str) -> None:
    """Answers `TimedNetwork` until that has closed the pipe."""
    parent = Connection(int(descriptor))
    try:
        saving = framework_module(framework, "saving")
        taken = saving.set_threads(int(threads))
        predict = saving.load(Path(folder) / saving.FILE_NAME)
        features = Part.load(project.SPLIT / "test", dtype).features
    except UserError as error:
        parent.send(("error", str(error)))
        return
    gc.freeze()
    gc.disable()
    parent.send(("threads", taken))
    while True:
        try:
            count, seconds, calls = parent.recv()
        except EOFError:
            # An orderly end of a framework takes seconds, and there is nothing left to save.
            os._exit(0)
        # Where there are fewer rows, they are repeated.
        rows = features[np.arange(count) % len(features)]
        parent.send(("seconds", _times(predict, rows, seconds, calls)))


def _times(predict: Any, rows: np.ndarray, seconds: float, calls: int) -> list[float]:
    taken: list[float] = []
    while len(taken) < calls or sum(taken) < seconds:
        started = time.perf_counter()
        predict(rows)
        taken.append(time.perf_counter() - started)
    return taken


if __name__ == "__main__":
    main(*sys.argv[1:])
