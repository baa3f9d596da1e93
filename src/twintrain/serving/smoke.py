"""The last test before a model is let near users: does it answer over HTTP what was evaluated?"""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from twintrain.errors import UserError
from twintrain.serving.evaluated import check_answers
from twintrain.serving.packaging import load_description
from twintrain.serving.raw_input import as_written
from twintrain.serving.server import Server, request_body
from twintrain.settings.params import Serving

NO_ROWS = {"table": {"dataframe_records": []}, "array": {"inputs": []}}


class Smoke(NamedTuple):
    """What a smoke test has found: whether it was passed, and why or why not."""

    passed: bool
    reason: str


def smoke_test(model_uri: str, rows: pd.DataFrame | np.ndarray, expected: pd.DataFrame, settings: Serving) -> Smoke:
    """Serves a model, asks it, and ends the server in any case.

    Args:
        rows: raw rows, as `evaluated.evaluated_rows` has them.
        expected: the answers to them that were evaluated.
    """
    try:
        dataset = load_description(model_uri)
        with Server(model_uri, settings) as server:
            server.wait()
            _check_real_rows(server, as_written(rows, dataset), expected)
            _check_refusal(server, NO_ROWS["table" if dataset.features else "array"])
    except UserError as error:
        return Smoke(False, str(error).splitlines()[0])
    return Smoke(
        True, f"{len(expected)} test rows over HTTP are answered as evaluated, and a malformed request refused"
    )


def _check_real_rows(server: Server, rows: pd.DataFrame | np.ndarray, expected: pd.DataFrame) -> None:
    status, answer = server.ask(request_body(rows))
    if status != 200:
        raise UserError(f"real rows are refused with status {status}: {answer.get('message', answer)}")
    check_answers(pd.DataFrame(answer["predictions"]), expected)


def _check_refusal(server: Server, malformed: dict[str, list[str]]) -> None:
    status, answer = server.ask(json.dumps(malformed))
    if not 400 <= status < 500 or not answer.get("message"):
        raise UserError(f"a request without rows is answered with status {status}, expected 4xx and a reason")
