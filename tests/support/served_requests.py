"""Requests to a served model, good and malformed, and what must hold of every answer; no framework is imported."""

import asyncio
import json
import re
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import mlflow.pyfunc
import numpy as np
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.pyfunc import scoring_server

from twintrain.errors import UserError
from twintrain.serving.guard import Guard, Limits
from twintrain.serving.packaging import signature
from twintrain.serving.recipe import Recipe
from twintrain.serving.request_forms import understood
from twintrain.serving.scorer import Scorer

FILES = Path(__file__).parents[1] / "files"
LIMITS = Limits(max_bytes=200_000, seconds=30)
JSON = {"content-type": "application/json"}
# What an answer must not tell: where the server's files are, and what it was doing.
TELLS = re.compile(r"Traceback|File \"|site-packages|twintrain|\.py\b|/usr/|/tmp/|/home/|0x[0-9a-f]{6}")
GOOD = {
    "table": {"dataframe_records": [{"born": "01.02.1970", "weight": "70,5", "grade": 2, "city": "Jeju"}]},
    "images": {"inputs": np.zeros((1, 28, 28), int).tolist()},
    "sequences": {"inputs": np.zeros((2, 50, 1)).tolist()},
}


class Request(NamedTuple):
    """What comes over HTTP."""

    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    path: str = "/invocations"


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes

    @property
    def reason(self) -> str:
        return json.loads(self.body)["message"]


class _Scoring:
    """As scoring_model.ScoringModel, with some numbers in the network's place."""

    def __init__(self, recipe: Recipe) -> None:
        self.scorer = Scorer(recipe, lambda given: np.tile(given.reshape(len(given), -1)[:, :1], recipe.task.outputs))

    def predict(self, rows: Any, params: Any = None) -> Any:
        try:
            return self.scorer.score(rows)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None


def served(kind: str, limits: Limits = LIMITS) -> Guard:
    """MLflow's own application for a model of this kind of data, behind the guard."""
    recipe = Recipe.load(FILES / f"recipe_{kind}.json")
    model = mlflow.pyfunc.PyFuncModel(_metadata(recipe), _Scoring(recipe))
    columns = list(recipe.dataset.inputs) if recipe.dataset.features else None
    return Guard(scoring_server.init(model), partial(understood, columns=columns), limits)


def _metadata(recipe: Recipe) -> Model:
    metadata = Model(signature=signature(recipe))
    metadata.add_flavor("python_function", loader_module="none")
    return metadata


async def ask(app: Any, request: Request, chunk: int = 65_536) -> Answer:
    """Asks an application without a network between, the body in pieces."""
    pieces = [request.body[start : start + chunk] for start in range(0, len(request.body), chunk)] or [b""]
    messages = [
        {"type": "http.request", "body": piece, "more_body": place < len(pieces)}
        for place, piece in enumerate(pieces, 1)
    ]
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    headers = {"content-length": str(len(request.body)), **request.headers}
    await app(
        {
            "type": "http",
            "method": request.method,
            "path": request.path,
            "query_string": b"",
            "headers": [
                (name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()
            ],
        },
        receive,
        send,
    )
    return Answer(said[0]["status"], b"".join(message.get("body", b"") for message in said[1:]))


def asked(app: Any, request: Request) -> Answer:
    return asyncio.run(ask(app, request))


def tells(answer: Answer, request: Request) -> list[str]:
    """What an answer tells of the server, besides what the request has said itself."""
    said = request.body.decode(errors="replace") + json.dumps(request.headers)
    return [tell for tell in TELLS.findall(answer.body.decode(errors="replace")) if tell not in said]


def check(answer: Answer, request: Request) -> None:
    """No fault of the server, and of a refusal the reason in one line, without what is the server's own business."""
    text = answer.body.decode()
    assert answer.status < 500, text
    assert not tells(answer, request), text
    if answer.status >= 400:
        reason = json.loads(text)["message"]
        assert reason.splitlines() == [reason], text


def requests(kind: str) -> st.SearchStrategy[Request]:
    """Any request: rows as they should be, and with something wrong anywhere between the headers and the cells."""
    recipe = Recipe.load(FILES / f"recipe_{kind}.json")
    contents = tables(recipe) if recipe.dataset.features else arrays(recipe)
    written = contents.map(_written)
    bodies = st.one_of(written, written, written.flatmap(_broken), wild_bodies())
    kinds = st.one_of(st.just(JSON), st.just(JSON), st.just(JSON), st.just(JSON), headers())
    return st.tuples(kinds, bodies).map(lambda drawn: Request(*drawn))


def tables(recipe: Recipe) -> st.SearchStrategy[Any]:
    names = list(recipe.dataset.inputs)
    good = GOOD["table"]["dataframe_records"][0]
    cells = st.one_of(st.sampled_from(["Jeju", "2", 2, "70,5", 1.5, "01.02.1970", None, "", "NA"]), wild_values())
    keys = st.one_of(st.sampled_from(names), wild_text())
    rows = st.dictionaries(keys, cells, max_size=2).map(lambda given: {**good, **given})
    records = st.one_of(
        st.lists(st.just(good), max_size=3), st.lists(rows, max_size=4), st.lists(wild_values(), max_size=3)
    )
    some_names = st.one_of(st.just(names), st.permutations(names), st.lists(st.one_of(keys, wild_values()), max_size=5))
    data = st.one_of(st.lists(st.lists(cells, max_size=5), max_size=3), wild_values())
    split = st.fixed_dictionaries({"columns": some_names, "data": data})
    columns = st.dictionaries(keys, st.one_of(cells, st.lists(cells, max_size=3)), max_size=4)
    of_form = {
        "dataframe_records": records,
        "dataframe_split": split,
        "inputs": columns | records,
        "instances": records,
    }
    return st.one_of(*(_under(name, values) for name, values in of_form.items()), objects())


def _under(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values.map(lambda given: {name: given})


def arrays(recipe: Recipe) -> st.SearchStrategy[Any]:
    numbers = st.one_of(st.integers(0, 255), st.floats(0, 1), wild_numbers(), wild_values())
    good = st.builds(partial(_filled, recipe.dataset.array_shape), st.one_of(st.integers(0, 255), st.floats(0, 1)))
    rows = st.one_of(good, good, st.builds(partial(_filled, recipe.dataset.array_shape), numbers), wild_values())
    form = st.sampled_from(["inputs", "inputs", "instances", "dataframe_split"])
    return st.one_of(st.builds(lambda name, given: {name: given}, form, st.lists(rows, max_size=3)), objects())


def _filled(shape: list[int], value: Any) -> Any:
    """Lists inside each other, with this in every place."""
    return [_filled(shape[1:], value) for _ in range(shape[0])] if shape else value


def objects() -> st.SearchStrategy[Any]:
    forms = ["dataframe_records", "dataframe_split", "inputs", "instances", "params", "signature_name", "messages", ""]
    return st.dictionaries(st.one_of(st.sampled_from(forms), wild_text()), wild_values(), max_size=3)


def wild_text() -> st.SearchStrategy[str]:
    return st.one_of(
        st.text(max_size=8), st.sampled_from(["", " ", "b64", "\ud800", "\0", "NaN", "1e999", "٣", "__class__"])
    )


def wild_numbers() -> st.SearchStrategy[Any]:
    edges = [2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 1e308, -0.0, 5e-324]
    large = st.sampled_from([30, 98, 120, 200, 4000]).map(lambda digits: 10**digits)
    return st.one_of(st.integers(), st.floats(), st.sampled_from(edges), large)


def wild_values() -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.none(), st.booleans(), wild_numbers(), wild_text())
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(wild_text(), inner, max_size=3)
    )


def wild_bodies() -> st.SearchStrategy[bytes]:
    levels = st.integers(1, 60_000)
    deep = st.one_of(
        levels.map(lambda count: b"[" * count),
        levels.map(lambda count: b'{"inputs":' * count),
        levels.map(lambda count: b'{"inputs":' + b"[" * count + b"]" * count + b"}"),
    )
    starts = st.sampled_from([b"1", b"-9", b"0.3", b"1e9"])
    long_numbers = starts.map(
        lambda start: b'{"dataframe_records":[{"weight":' + start + 5000 * start[-1:] + b',"city":"Jeju"}]}'
    )
    twice = st.just(b'{"dataframe_records":[{"city":"Jeju","city":"Busan"}]}')
    large = st.integers(190_000, 400_000).map(lambda size: b" " * size)
    return st.one_of(st.binary(max_size=60), deep, long_numbers, twice, large, wild_values().map(_written))


def headers() -> st.SearchStrategy[dict[str, str]]:
    kinds = ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json; charset=utf-16", "text/csv", "/"]
    kinds += ["application/vnd.apache.parquet", "application/json; x=y", "", ";", "multipart/form-data; boundary=x"]
    given = {
        "content-type": st.one_of(st.sampled_from(kinds), st.text(st.characters(max_codepoint=255), max_size=12)),
        "content-encoding": st.sampled_from(["gzip", "identity", "br"]),
        "content-length": st.sampled_from(["0", "-1", "99999999999999999999", "1e3", "x"]),
    }
    return st.fixed_dictionaries({}, optional=given)


def _written(value: Any) -> bytes:
    """JSON with all that Python's writer lets through: NaN, and halves of characters as their escapes."""
    return json.dumps(value).encode()


def _broken(body: bytes) -> st.SearchStrategy[bytes]:
    """The body cut off, or with a few bytes in it that do not belong there."""
    place = st.integers(0, len(body))
    put = st.sampled_from([b"", b"\xff", b"{", b"]", b",", b'"', b"\\u0000", b"NaN", b"-", b"9" * 200])
    return st.tuples(place, put, st.booleans()).map(
        lambda drawn: body[: drawn[0]] + drawn[1] + (b"" if drawn[2] else body[drawn[0] :])
    )
