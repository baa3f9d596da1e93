"""MLflow's server of a model, behind the guard, in this environment and on loopback; and requests to it."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from twintrain.errors import UserError
from twintrain.serving.plain import check_model
from twintrain.serving.process import end_of_log, serving_environment
from twintrain.settings.params import Serving
from twintrain.system.piped_process import last_words
from twintrain.system.ports import HOST, check_port, free_port
from twintrain.system.processes import end_group, watched_command

if TYPE_CHECKING:
    import pandas as pd


SERVED = Path(__file__).with_name("served.py")
# What a request may take on its way there and back, besides what the server gives it.
WAY_SECONDS = 10
END_SECONDS = 10


class SlowStartError(UserError):
    """A server that has not ended has not answered in time either."""


class Server:
    """A model behind HTTP; use as a context, at whose end the server has ended too.

    Attributes:
        url: where it listens, when `wait` has returned.
    """

    def __init__(self, model_uri: str, settings: Serving, port: int | None = None) -> None:
        self.model_uri = model_uri
        self.settings = settings
        self.port = port or free_port()
        check_port(self.port)
        self.url = f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        check_model(self.model_uri)
        given = {
            "model_uri": self.model_uri,
            "host": HOST,
            "port": self.port,
            "max_bytes": self.settings.request_bytes,
            "seconds": self.settings.request_seconds,
        }
        # What is said is kept for an error alone.
        self._said = tempfile.TemporaryFile()
        # A session of its own, so that all its processes can be ended, and Ctrl-C is for the command.
        self._process = subprocess.Popen(
            watched_command(str(SERVED), json.dumps(given)),
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            env=serving_environment(),
            start_new_session=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        end_group(self._process, END_SECONDS)
        self._said.close()

    def wait(self) -> None:
        """Returns when the model is loaded and answers.

        Raises:
            SlowStartError: it takes more than `serving.start_seconds`; with the end of its log.
            UserError: the server has ended; with the end of its log.
        """
        import requests

        seconds = self.settings.start_seconds
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            self.check_alive()
            try:
                if requests.get(f"{self.url}/ping", timeout=1).status_code == requests.codes.ok:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        raise SlowStartError(
            f"the server of {self.model_uri} has not answered within {seconds:g} seconds (serving.start_seconds)"
            f"{end_of_log(self._said)}"
        )

    def check_alive(self) -> None:
        """Raises a UserError with the end of its log if the server has ended."""
        if self._process.poll() is not None:
            raise UserError(
                f"the server of {self.model_uri} has ended: {last_words(self._said)}{end_of_log(self._said)}"
            )

    def ask(self, body: str) -> tuple[int, dict[str, Any]]:
        """Sends JSON; returns the status and what was answered: `predictions`, or `message` with the reason.

        Raises:
            UserError: no answer.
        """
        import requests

        headers = {"Content-Type": "application/json"}
        seconds = self.settings.request_seconds + WAY_SECONDS
        try:
            answer = requests.post(f"{self.url}/invocations", body, headers=headers, timeout=seconds)
        except requests.RequestException as error:
            raise UserError(f"the server of {self.model_uri} does not answer: {type(error).__name__}") from None
        try:
            return answer.status_code, answer.json()
        except requests.JSONDecodeError:
            return answer.status_code, {"message": answer.text}


def request_body(rows: "pd.DataFrame | np.ndarray") -> str:
    """Raw rows, as `written` has them, as the JSON that the server takes."""
    if isinstance(rows, np.ndarray):
        return json.dumps({"inputs": rows.tolist()})
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return json.dumps({"dataframe_records": records}, ensure_ascii=False)
