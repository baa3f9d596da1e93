"""What a user reads of MLflow's errors: what is wrong, in a line."""

import pytest

from twintrain.tracking.reasons import LOGIN, LONGEST, reason_of

POOL = "HTTPConnectionPool(host='h', port=1): Max retries exceeded with url: {} (Caused by {})"
CALL, BYTES = "/api/2.0/mlflow/runs/create", "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/f.txt"
REFUSED = "NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused')"
LATE = "ReadTimeoutError('Read timed out. (read timeout=20)')"

# What MLflow 3.17 says, as real servers have had it say, and what is made of it.
CASES = [
    (POOL.format(CALL, REFUSED), "no connection"),
    (POOL.format(CALL, LATE), "no answer"),
    (POOL.format(BYTES, LATE), "no answer to artifacts that were brought"),
    (POOL.format(BYTES, REFUSED), "no connection"),
    ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", "no connection"),
    (
        POOL.format(BYTES, "ResponseError('too many 500 error responses')"),
        "artifacts are refused by the server (HTTP 500); its log says what its S3, or its disk, lacks",
    ),
    (
        f"507 Server Error: Insufficient Storage for url: http://h:1{BYTES}",
        "artifacts are refused by the server (HTTP 507); its log says what its S3, or its disk, lacks",
    ),
    (
        POOL.format(CALL, "ResponseError('too many 503 error responses')"),
        "the server fails (HTTP 503); its log says why",
    ),
    (
        f"API request to endpoint {CALL} failed with error code 401 != 200. Response body: 'You are not …'",
        LOGIN,
    ),
    (f"401 Client Error: Unauthorized for url: http://h:1{BYTES}", LOGIN),
    (
        f"API request to endpoint {CALL} failed with error code 403 != 200. Response body: 'Permission denied'",
        "the server does not allow it to this user (HTTP 403)",
    ),
    (
        f"API request to endpoint {CALL} failed with error code 404 != 200. Response body: 'Not Found'",
        f"the server does not know {CALL} (HTTP 404); is it of another MLflow?",
    ),
    (f"API request to endpoint {CALL} failed with error code 409 != 200.\nMore", None),
    ("RESOURCE_DOES_NOT_EXIST: Run 'x' not found", "RESOURCE_DOES_NOT_EXIST: Run 'x' not found"),
    ("x" * 1000, "x" * LONGEST),
]


@pytest.mark.parametrize(("said", "reason"), CASES)
def test_an_error_is_a_reason_in_one_line(said, reason):
    assert reason_of(Exception(said)) == (reason or said.splitlines()[0])


def test_an_error_without_words_has_its_name():
    assert reason_of(TimeoutError()) == "TimeoutError"


def test_no_password_is_in_a_reason():
    assert reason_of("cannot connect to postgresql://bob:s3cret@host/db") == "cannot connect to postgresql://…@host/db"
