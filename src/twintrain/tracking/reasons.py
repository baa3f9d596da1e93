"""What MLflow's errors mean, in a line: of its own words for a lost connection there is a screenful."""

import re

from twintrain.system.passwords import without_passwords

LONGEST = 300  # characters
# The client tells of a status in one of these: of one that it would try again, of an answer that was to be JSON, and of
# bytes of an artifact.
STATUS = re.compile(
    r"too many (\d{3}) error responses|failed with error code (\d{3})|\b(\d{3}) (?:Client|Server) Error"
)
ENDPOINT = re.compile(r"/api/\d\.\d/[\w/-]+")
ARTIFACTS = "/mlflow-artifacts/"
LOGIN = (
    "the server knows no such user and password; expected those of one of its users in MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD"
)


def reason_of(error: Exception | str) -> str:
    """Why MLflow, or its server, does not do what it was asked for; no passwords are in it."""
    text = without_passwords(str(error))
    if found := STATUS.search(text):
        status = int(next(filter(None, found.groups())))
        if said := _of_status(status, text):
            return said
    if "Max retries exceeded" in text or "Connection aborted" in text:
        if "timed out" not in text:
            return "no connection"
        return "no answer to artifacts that were brought" if ARTIFACTS in text else "no answer"
    return (text.strip().splitlines() or [type(error).__name__])[0][:LONGEST]


def _of_status(status: int, text: str) -> str | None:
    """What a status of HTTP says; None: the text says more."""
    if status == 401:
        return LOGIN
    if status == 403:
        return "the server does not allow it to this user (HTTP 403)"
    if ARTIFACTS in text:
        return f"artifacts are refused by the server (HTTP {status}); its log says what its S3, or its disk, lacks"
    if status >= 500:
        return f"the server fails (HTTP {status}); its log says why"
    if status == 404 and (call := ENDPOINT.search(text)):  # what MLflow itself does not find, it says as an error
        return f"the server does not know {call[0]} (HTTP 404); is it of another MLflow?"
    return None
