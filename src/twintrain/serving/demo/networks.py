"""The trained networks that answer, each in a process of its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from twintrain import tracking
from twintrain.errors import UserError
from twintrain.serving.demo.answers import Answer, read_answer
from twintrain.serving.packaging import NAME, save_scorer
from twintrain.serving.process import ScoringProcess

if TYPE_CHECKING:
    import pandas as pd


def raw_rows_model(framework: str, training: tracking.Ref, experiment: str, folder: Path) -> str:
    """The URI of the raw-rows model of the last training: the one that its run has, else it is saved in a folder."""
    client = tracking.connect(experiment)
    run = tracking.find_run(client, training)
    if run and (model := tracking.model_of(client, run, NAME)):
        return model.model_uri
    save_scorer(framework, folder / framework)
    return str(folder / framework)


class Networks:
    """One process a framework, started together; use as a context."""

    def __init__(self, models: dict[str, str]) -> None:
        """Starts the processes.

        Args:
            models: URIs of raw-rows models, or their folders, by framework.

        Raises:
            UserError: one of them cannot be loaded.
        """
        self._processes: dict[str, ScoringProcess] = {}
        # A pipe takes one question at a time, and a page answers several visitors at once.
        self._lock = Lock()
        with ThreadPoolExecutor(len(models)) as pool:
            starting = {name: pool.submit(ScoringProcess, uri) for name, uri in models.items()}
        failed = [future.exception() for future in starting.values() if future.exception()]
        self._processes = {name: future.result() for name, future in starting.items() if not future.exception()}
        if failed:
            self.close()
            raise failed[0]

    def answer(self, rows: "pd.DataFrame | np.ndarray") -> dict[str, Answer | str]:
        """Asks every framework about one raw row.

        Returns:
            the answer of each; or, of one that refuses the row or whose process has ended, the reason in one line.
        """
        with self._lock:
            return {name: self._ask(name, rows) for name in self._processes}

    def _ask(self, framework: str, rows: "pd.DataFrame | np.ndarray") -> Answer | str:
        try:
            return read_answer(self._processes[framework].score(rows))
        except UserError as error:
            # There is one row alone to speak of.
            return str(error).removeprefix("row 1: ")

    def close(self) -> None:
        """Ends the processes."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(ScoringProcess.close, self._processes.values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
