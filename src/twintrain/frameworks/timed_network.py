"""A saved network in a process of its own, which predicts and takes the time: one framework a process."""

import gc
import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.data.parts import Part
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.settings.frameworks import TITLES
from twintrain.system import project
from twintrain.system.piped_process import PipedProcess
from twintrain.system.processes import worker_environment


class TimedNetwork(PipedProcess):
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
        command = (sys.executable, "-m", __name__, framework, folder, dtype, threads)
        called = f"{TITLES[framework]}: the process that is timed"
        super().__init__(called, [str(part) for part in command], env=worker_environment())
        self.threads = threads

    def wait(self) -> None:
        """Waits until it is loaded.

        Raises:
            UserError: it cannot be, or the process has ended.
        """
        self.threads = self.receive()

    def call(self, rows: int, seconds: float, calls: int) -> list[float]:
        """Predicts so many rows at once, again and again.

        Args:
            seconds: after which it stops, when there were as many calls.

        Returns:
            the seconds of each call, from a NumPy array to a NumPy array.
        """
        return self.ask((rows, seconds, calls))


def main(framework: str, folder: str, dtype: str, threads: str, descriptor: str) -> None:
    """Answers `TimedNetwork` until that has closed the pipe."""
    parent = Connection(int(descriptor))
    gc.disable()  # imports make millions of objects that all stay
    try:
        saving = framework_module(framework, "saving")
        taken = saving.set_threads(int(threads))
        predict = saving.load(Path(folder) / saving.FILE_NAME)
        features = Part.load(project.SPLIT / "test", dtype).features
    except UserError as error:
        parent.send(("error", str(error)))
        return
    gc.freeze()
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
