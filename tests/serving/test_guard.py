"""The guard before a served model: MLflow's own application behind it, asked in this process."""

import asyncio
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from served_requests import GOOD, JSON, Request, ask, asked, check, requests, served

from twintrain.serving.guard import Guard, Limits

KINDS = tuple(GOOD)
REQUESTS = 350


@pytest.fixture(scope="module")
def apps():
    return {kind: served(kind) for kind in KINDS}


def test_good_requests_are_answered_whatever_their_form(apps):
    row = GOOD["table"]["dataframe_records"][0]
    forms = [
        GOOD["table"],
        {"dataframe_split": {"columns": list(row), "data": [list(row.values())], "index": [7]}},
        {"inputs": {name: [value] for name, value in row.items()}},
        {"inputs": row},
        {"instances": [row]},
        {"dataframe_records": [row | {"of no concern": [1]}]},
    ]
    answers = [asked(apps["table"], Request(JSON, json.dumps(form).encode())) for form in forms]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert list(json.loads(answers[0].body)["predictions"][0]) == ["label", "probability_no", "probability_yes"]
    for kind in KINDS:
        answer = asked(
            apps[kind], Request({"content-type": "application/json;charset=UTF-8"}, json.dumps(GOOD[kind]).encode())
        )
        assert answer.status == 200, answer.body


def test_pixels_stay_whole_numbers_or_decimals(apps):
    whole, decimals = np.full((1, 28, 28), 51), np.full((1, 28, 28), 0.2)
    answers = [
        asked(apps["images"], Request(JSON, json.dumps({"inputs": rows.tolist()}).encode()))
        for rows in (whole, decimals)
    ]
    assert answers[0].status == answers[1].status == 200
    assert answers[0].body == answers[1].body


def table(*rows):
    return json.dumps({"dataframe_records": list(rows)}).encode()


CITY = '{"dataframe_records": [{"city": "Jeju", '
REFUSED = {
    "no type": (Request({}, table()), 415, "expected Content-Type: application/json, got none"),
    "type with what a terminal obeys": (
        Request({"content-type": "\r\x1b[2J"}, table()),
        415,
        r"expected Content-Type: application/json, got \r\x1b[2J",
    ),
    "csv": (
        Request({"content-type": "text/csv"}, b"a,b\n1,2"),
        415,
        "expected Content-Type: application/json, got text/csv",
    ),
    "another charset": (
        Request({"content-type": "application/json; charset=latin-1"}, table()),
        415,
        "got application/json; charset",
    ),
    "packed": (
        Request({**JSON, "content-encoding": "gzip"}, b"x"),
        415,
        "expected JSON as it is, got Content-Encoding: gzip",
    ),
    "announced size": (Request({**JSON, "content-length": "200001"}, b"{}"), 413, "expected at most 200,000 bytes"),
    "size": (Request({**JSON, "content-length": "1"}, b" " * 200_001), 413, "expected at most 200,000 bytes"),
    "depth": (Request(JSON, b"[" * 100_000), 400, "expected at most 16 lists or objects inside each other"),
    "closed depth": (Request(JSON, b"[" * 17 + b"]" * 17), 400, "expected at most 16 lists or objects"),
    "digits": (
        Request(JSON, CITY.encode() + b'"weight": ' + b"1" * 5000 + b"}]}"),
        400,
        "numbers of at most 100 digits, got one of 5,000",
    ),
    "no name": (Request(JSON, table({"": 1})), 400, "a name is empty"),
    "twice": (Request(JSON, CITY.encode() + b'"city": "Busan"}]}'), 400, "the name 'city' stands twice"),
    "NaN": (Request(JSON, CITY.encode() + b'"weight": NaN}]}'), 400, "NaN is no JSON; what is missing is null"),
    "infinite": (Request(JSON, CITY.encode() + b'"weight": 1e999}]}'), 400, "a number is beyond what a decimal can be"),
    "no UTF-8": (Request(JSON, b'{"\xff": 1}'), 400, "expected text in UTF-8"),
    "half a character": (Request(JSON, b'{"dataframe_records": [{"city": "\\ud800"}]}'), 400, "expected text in UTF-8"),
    "no JSON": (Request(JSON, b"{broken"), 400, "expected JSON: Expecting property name"),
    "no body": (Request(JSON, b""), 400, "expected JSON: "),
    "rows as text": (
        Request(JSON, b'{"dataframe_records": "1"}'),
        400,
        "expected a list of at least one row, got text",
    ),
    "base64": (Request(JSON, b'{"instances": {"b64": "x"}}'), 400, "it has none of the columns that the model takes"),
    "no rows": (Request(JSON, table()), 400, "expected a list of at least one row, got none"),
    "no row": (Request(JSON, table(1)), 400, "row 1: expected an object of columns and values, got a number"),
    "list in a cell": (
        Request(JSON, table({"city": ["Jeju"]})),
        400,
        "row 1: expected a number or text as city, got a list",
    ),
    "missing column": (Request(JSON, table({"grade": "1"})), 400, "missing inputs ['city']"),
    "unseen category": (Request(JSON, table({"city": "Jeju", "grade": "9"})), 400, "unseen category '9' in grade"),
    "two forms": (Request(JSON, b'{"inputs": [], "instances": []}'), 400, "got inputs, instances"),
    "split without data": (
        Request(JSON, b'{"dataframe_split": {"columns": []}}'),
        400,
        "expected columns and data, each a list",
    ),
    "split too short": (
        Request(JSON, b'{"dataframe_split": {"columns": ["city"], "data": [[]]}}'),
        400,
        "a list of 1 values",
    ),
    "split twice": (
        Request(JSON, b'{"dataframe_split": {"columns": ["a", "a"], "data": []}}'),
        400,
        "names that differ",
    ),
    "other path": (Request(JSON, b"", path="/models"), 404, "Not Found"),
    "other method": (Request(JSON, b"", method="GET"), 405, "Method Not Allowed"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_malformed_request_is_refused_with_the_reason(apps, what):
    request, status, reason = REFUSED[what]
    answer = asked(apps["table"], request)
    check(answer, request)
    assert (answer.status, reason in answer.reason) == (status, True), answer.reason


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([["a"]], "expected numbers, got text"),
        ([[1], [2, 3]], "expected rows of one shape"),
        ([2**70], "numbers beyond 64 bits"),
        ([[1, 2]], "expected an array (rows, 28, 28, 1), got (1, 2)"),
        (5, "expected a list of at least one row, got a number"),
    ],
)
def test_malformed_array_is_refused_with_the_reason(apps, rows, reason):
    request = Request(JSON, json.dumps({"inputs": rows}).encode())
    answer = asked(apps["images"], request)
    check(answer, request)
    assert (answer.status, reason in answer.reason) == (400, True), answer.reason


def test_reason_of_the_model_comes_without_the_data_that_mlflow_shows_around_it(apps):
    answer = asked(apps["table"], Request(JSON, table({"city": "Jeju", "grade": "9"})))
    assert json.loads(answer.body) == {"error_code": "BAD_REQUEST", "message": "row 1: unseen category '9' in grade"}


def test_body_that_does_not_come_is_not_waited_for():
    async def never():
        await asyncio.sleep(60)

    async def start():
        said = []

        async def send(message):
            said.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/invocations",
            "headers": [(b"content-type", b"application/json")],
        }
        await Guard(None, None, Limits(1000, 0.05))(scope, never, send)
        return said[0]["status"], json.loads(said[1]["body"])["message"]

    assert asyncio.run(start()) == (408, "the request has not come in within 0.05 seconds")


def test_fault_of_the_model_is_told_in_general_words_and_logged(capsys):
    async def fails(*_):
        raise RuntimeError("secret /srv/model.py")

    def understand(body):
        return body

    answer = asked(Guard(fails, understand, Limits(1000, 5)), Request(JSON, b"{}"))
    assert (answer.status, answer.reason) == (500, "the server has failed; its log says why")
    assert "RuntimeError: secret" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fuzzed_requests_are_answered_or_refused(apps, kind):
    count = 0
    with asyncio.Runner() as loop:

        @settings(
            max_examples=REQUESTS,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(request=requests(kind))
        def holds(request):
            nonlocal count
            count += 1
            check(loop.run(ask(apps[kind], request)), request)

        holds()
        assert loop.run(ask(apps[kind], Request(JSON, json.dumps(GOOD[kind]).encode()))).status == 200
    assert count >= REQUESTS
