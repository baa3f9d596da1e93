"""The forms in which rows may be asked for over HTTP, checked before MLflow reads them; docs/serving.md describes them.

Like `guard`, it imports nothing of this project.
"""

import json
import math
from typing import Any

import numpy as np

LONGEST_NUMBER = 100  # characters
DEEPEST = 16


class BadRequest(ValueError):  # noqa: N818 (an answer, not a fault)
    """Says what was expected and what came."""


def understood(body: bytes, columns: list[str] | None) -> bytes:
    """A request's JSON, checked, in the one form that MLflow gets: `dataframe_split` of known columns, or `inputs`.

    Raises:
        BadRequest: it is none of the forms that are described in docs/serving.md.
    """
    try:
        given = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_int=lambda text: int(_number(text)),
            parse_float=lambda text: _finite(float(_number(text))),
            parse_constant=_no_constant,
        )
        _check_depth(given)
        form = _table(given, columns) if columns is not None else _array(given)
        return json.dumps(form, ensure_ascii=False).encode()
    except RecursionError:
        raise _too_deep() from None
    except UnicodeError:
        raise BadRequest("expected text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"expected JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found or not name:
            raise BadRequest(f"the name {name[:100]!r} stands twice in an object" if name else "a name is empty")
        found[name] = value
    return found


def _number(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise BadRequest(f"expected numbers of at most {LONGEST_NUMBER} digits, got one of {len(text):,}")
    return text


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise BadRequest("a number is beyond what a decimal can be (1.8e308)")
    return number


def _no_constant(text: str) -> float:
    raise BadRequest(f"{text} is no JSON; what is missing is null")


def _too_deep() -> BadRequest:
    return BadRequest(f"expected at most {DEEPEST} lists or objects inside each other")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        if not level:
            return
        inner = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [each for part in inner for each in part if isinstance(each, dict | list)]
    raise _too_deep()


def _single(given: Any, forms: tuple[str, ...]) -> tuple[str, Any]:
    expected = f"expected an object with one of {', '.join(forms)}"
    if not isinstance(given, dict):
        raise BadRequest(f"{expected}; got {_kind(given)}")
    if len(given) != 1 or (form := next(iter(given))) not in forms:
        raise BadRequest(f"{expected}; got {', '.join(given)[:200] or 'none'}")
    return form, given[form]


def _array(given: Any) -> dict[str, Any]:
    form, rows = _single(given, ("inputs", "instances"))
    try:
        array = np.array(rows)
    except ValueError:
        raise BadRequest(f"{form}: expected rows of one shape, got rows of several") from None
    if not isinstance(rows, list) or not array.size:
        raise BadRequest(f"{form}: expected a list of at least one row, got {_kind(rows)}")
    if array.dtype.kind not in "biuf":
        got = "text" if array.dtype.kind == "U" else "others, or numbers beyond 64 bits"
        raise BadRequest(f"{form}: expected numbers, got {got}")
    return {"inputs": rows}


def _table(given: Any, columns: list[str]) -> dict[str, Any]:
    form, rows = _single(given, ("dataframe_records", "dataframe_split", "inputs", "instances"))
    if form == "dataframe_split":
        records = _of_split(rows)
    else:
        records = _of_columns(rows, form) if isinstance(rows, dict) else rows
    if not isinstance(records, list) or not records:
        raise BadRequest(f"{form}: expected a list of at least one row, got {_kind(rows)}")
    # Further columns are passed over, as docs/serving.md says.
    known = [name for name in columns if any(isinstance(row, dict) and name in row for row in records)]
    return {"dataframe_split": {"columns": known, "data": [_cells(*row, known) for row in enumerate(records, 1)]}}


def _cells(place: int, row: Any, names: list[str]) -> list[Any]:
    if not isinstance(row, dict):
        raise BadRequest(f"row {place}: expected an object of columns and values, got {_kind(row)}")
    if not names:
        raise BadRequest(f"row {place}: it has none of the columns that the model takes")
    cells = [row.get(name) for name in names]
    for name, cell in zip(names, cells, strict=True):
        if isinstance(cell, dict | list):
            raise BadRequest(f"row {place}: expected a number or text as {name}, got {_kind(cell)}")
    return cells


def _of_split(given: Any) -> list[dict[str, Any]]:
    parts = given if isinstance(given, dict) else {}
    names, rows = parts.get("columns"), parts.get("data")
    if not isinstance(names, list) or not isinstance(rows, list) or not parts.keys() <= {"columns", "data", "index"}:
        raise BadRequest("dataframe_split: expected columns and data, each a list")
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise BadRequest("dataframe_split: expected columns with names that differ")
    for place, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(names):
            raise BadRequest(f"row {place}: expected a list of {len(names)} values, as many as there are columns")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _of_columns(given: dict[str, Any], form: str) -> list[dict[str, Any]]:
    """Rows of an object of columns; of one of plain values, the one row."""
    columns = {name: values if isinstance(values, list) else [values] for name, values in given.items()}
    if len({len(values) for values in columns.values()}) > 1:
        raise BadRequest(f"{form}: expected columns of one length, got columns of several")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    if value in ([], {}):
        return "none"
    return kinds.get(type(value), "null")
