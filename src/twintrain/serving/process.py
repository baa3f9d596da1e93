"""A process of its own that answers rows with a logged model: one framework a process."""

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from twintrain import tracking
from twintrain.frameworks.threads import patient_threads
from twintrain.serving.plain import check_model
from twintrain.system.piped_process import PipedProcess
from twintrain.system.processes import watched_command
from twintrain.system.watched import this_as_owner

if TYPE_CHECKING:
    import pandas as pd


WORKER = Path(__file__).with_name("scoring_process.py")
LAST_LINES = 10
LONGEST_LINE = 300


def serving_environment() -> dict[str, str]:
    """The environment of a process that loads models: the project's store, and none of the project's own modules.

    MLflow unpickles nothing there, unless the user says so: a registered model may be anybody's.
    """
    given = {**tracking.environment(), "MLFLOW_TRACKING_URI": tracking.store_uri(Path.cwd()), **this_as_owner()}
    given |= patient_threads()
    return {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", **given}


def end_of_log(log: IO[bytes]) -> str:
    """The last lines that a process has said, below a line that says so; empty where there is one line at most.

    Of tracebacks the errors alone.
    """
    log.seek(0)
    said = [line for line in log.read().decode(errors="replace").splitlines() if re.match(r"(?!Traceback \()\S", line)]
    if len(said) < 2:
        return ""
    return "; the last lines of its log:" + "".join(f"\n  {line[:LONGEST_LINE]}" for line in said[-LAST_LINES:])


class ScoringProcess(PipedProcess):
    """Answers raw rows with any model that MLflow can load; use as a context, or call `close`.

    Attributes:
        metadata: what was logged with the model; by `save_scorer`, `framework`, and `dataset`: its description as JSON.

    Raises:
        UserError: there is no such model, or it cannot be loaded, or its network may run code when it is.
    """

    def __init__(self, model_uri: str) -> None:
        check_model(model_uri)
        # A session of its own: Ctrl-C is for the command, which ends this process itself.
        super().__init__(
            f"the process that answers with {model_uri}",
            watched_command(str(WORKER), model_uri),
            env=serving_environment(),
            start_new_session=True,
        )
        try:
            self.metadata: dict[str, Any] = self.receive() or {}
        except BaseException:
            self.close()
            raise

    def score(self, rows: Any) -> "pd.DataFrame":
        """Answers rows, as `scorer.Scorer.score` does.

        Raises:
            UserError: rows that the model refuses, with its reason; or the process has died, with its last words.
        """
        return self.ask(rows)
